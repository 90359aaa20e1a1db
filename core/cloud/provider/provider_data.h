/* What providers are told and what they say, in our words. Everything lives in the arena. */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_DATA_H
#define CORE_CLOUD_PROVIDER_PROVIDER_DATA_H

#include "core/cloud/job/hardware.h"
#include "core/store/store_jobs.h"

/* What a provider said about one of its jobs; from an answer or a webhook body alike. */
struct provider_job {
        const char *external_id;
        bool status_known; /* an unknown word moves nothing */
        enum job_status status;
        const char *error;                      /* NULL: none */
        const char *output_url;                 /* NULL: none */
        int64_t started_at_us, completed_at_us; /* 0: not said */
        int64_t said_at_us;                     /* when all this was so; 0: now */
        double run_seconds;                     /* < 0: not said */
        bool cost_known;                        /* it says itself what it charges */
        double cost_usd;
        const char *our_job_id; /* SIMPLETUNER_JOB_ID out of its input; NULL: not there */
        const char *logs;       /* all of them so far; NULL: not said */
        const json_t *output;   /* what it made: a URL, or URLs in lists and objects; NULL: none */
        bool data_removed;      /* logs and output are gone */
        const char *model;      /* what it runs, "owner/name"; NULL: not said */
};

/* Some of a provider's jobs, newest first. */
struct provider_page {
        struct provider_job *jobs;
        size_t count;
        int64_t oldest_created_us; /* when the last of them was made; 0: not said */
        const char *next;          /* the cursor of older ones; NULL: there are none */
};

struct provider_submission {
        const char *job_id, *config_json;                                     /* JSON as text */
        const char *dataloader_json, *lycoris_json, *hf_token, *hub_model_id; /* NULL: none */
        struct hardware hardware;
        const json_t *env;       /* string map for the remote job; borrowed */
        const char *webhook_url; /* NULL: none, the companion polls */
        const char *images_url;  /* of the archive with local data sets; NULL: there are none */
        int64_t max_runtime_s;   /* the provider ends the job after this long; 0: not said */
};

struct provider_account {
        const char *username, *name, *github_url; /* NULL: not said */
};

/* Versions of one model, newest first. */
struct provider_version {
        const char *id, *created_at;
};
struct provider_versions {
        struct provider_version *items;
        size_t count;
};

/* A call of a URL, made by the provider from where its jobs run. */
struct provider_probe {
        bool success;
        const char *external_id;
        const char *error, *details; /* NULL: none */
        double latency_ms;           /* < 0: not said */
        int64_t status_code;         /* 0: none came */
};

#endif
