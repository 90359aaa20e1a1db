/* Providers are a table of functions. A session is one provider made ready for one request or
 * task: its settings, the way to reach it, and its token. */
#ifndef CORE_CLOUD_PROVIDER_H
#define CORE_CLOUD_PROVIDER_H

#include "core/base/crypto.h"
#include "core/cloud/hardware.h"
#include "core/cloud/http_client.h"
#include "core/cloud/provider_settings.h"
#include "core/store/store_jobs.h"

struct provider;

struct provider_session {
        const struct provider *provider;
        struct provider_settings settings;
        struct http_settings http;
        const char *api_base; /* without trailing slash */
        struct secret token;  /* len 0: none is set */
};

/* What a provider said about one of its jobs; from an answer or a webhook body alike. */
struct provider_job {
        const char *external_id;
        bool status_known; /* an unknown word moves nothing */
        enum job_status status;
        const char *error;                      /* NULL: none */
        const char *output_url;                 /* NULL: none */
        int64_t started_at_us, completed_at_us; /* 0: not said */
        double run_seconds;                     /* < 0: not said */
        const char *our_job_id; /* SIMPLETUNER_JOB_ID out of its input; NULL: not there */
        const char *logs;       /* all of them so far; NULL: not said */
        const json_t *output;   /* what it made: a URL, or URLs in lists and objects; NULL: none */
};

/* Some of a provider's jobs, newest first. */
struct provider_page {
        struct provider_job *jobs;
        size_t count;
        int64_t oldest_created_us; /* when the last of them was made; 0: not said */
        const char *next;          /* the cursor of older ones; NULL: there are none */
};

struct provider_submission {
        const char *job_id;
        const char *config_json, *dataloader_json; /* text; dataloader may be NULL */
        struct hardware hardware;
        const json_t *env;       /* string map for the remote job; borrowed */
        const char *webhook_url; /* NULL: none, the companion polls */
        const char *images_url;  /* of the archive with local data sets; NULL: there are none */
};

struct provider_account {
        const char *username, *name, *github_url; /* NULL: not said */
};

/* ERR_PROVIDER everywhere: refused or nonsense, and surely nothing happened.
 * ERR_OUTCOME_UNKNOWN: it may have happened. */
struct provider {
        const char *id, *name, *description;
        const char *default_api_base, *webhook_secret_name;
        const char *token_name;   /* in the secrets */
        const char *token_prefix; /* what a token starts with, NULL: anything */
        int64_t file_max_bytes;   /* of what upload_file takes */
        enum err (*validate)(struct ctx *ctx, const struct provider_session *session,
                             struct provider_account *ret);
        enum err (*submit)(struct ctx *ctx, const struct provider_session *session,
                           const struct provider_submission *submission, struct provider_job *ret);
        /* The request that asks about a job, and what its answer says: two halves of one call, so
         * that many can be under way. ERR_NOT_FOUND: the provider has no such job. */
        enum err (*status_request)(struct ctx *ctx, const struct provider_session *session,
                                   const char *external_id, struct http_request *ret);
        enum err (*status_answer)(struct ctx *ctx, const struct http_answer *answer,
                                  struct provider_job *ret);
        /* A job that is gone counts as cancelled. */
        enum err (*cancel)(struct ctx *ctx, const struct provider_session *session,
                           const char *external_id);
        /* One page of its jobs. cursor: NULL for the newest, else the page's next before. */
        enum err (*list)(struct ctx *ctx, const struct provider_session *session,
                         const char *cursor, struct provider_page *ret);
        /* NULL: it hands none out, CLOUD_WEBHOOK_SECRET signs. */
        enum err (*webhook_secret)(struct ctx *ctx, const struct provider_session *session,
                                   const char **ret_secret);
        /* Send a file ahead of a job; file->field is the provider's business. *ret_url: where its
         * jobs find it. ERR_CONFLICT: file->progress said stop. May be repeated. NULL: no files. */
        enum err (*upload_file)(struct ctx *ctx, const struct provider_session *session,
                                const struct http_file *file, const char **ret_url);
        /* The provider's own webhook body. False: it is not one. */
        bool (*parse_webhook)(const json_t *body, struct provider_job *ret);
};

extern const struct provider provider_replicate;
/* ERR_NOT_FOUND. */
NODISCARD enum err provider_find(struct ctx *ctx, const char *id, const struct provider **ret);
/* The n-th provider, NULL past the last. */
const struct provider *provider_at(size_t n);

/* ERR_NOT_FOUND: no such provider. ERR_UNAVAILABLE: settings or secrets cannot be read. */
NODISCARD enum err provider_open(struct ctx *ctx, const char *id, struct provider_session *ret);

/* Ask about one job. ERR_NOT_FOUND: the provider does not have it. ERR_PROVIDER. */
NODISCARD enum err provider_status(struct ctx *ctx, const struct provider_session *session,
                                   const char *external_id, struct provider_job *ret);

/* Look for the job that carries our id among those made since created_at_us. ERR_NOT_FOUND: surely
 * not there. ERR_PROVIDER. */
NODISCARD enum err provider_find_job(struct ctx *ctx, const struct provider_session *session,
                                     const char *job_id, int64_t created_at_us,
                                     struct provider_job *ret);

/* The base URL under which the world reaches us, for this provider's jobs; "" when none is set. */
const char *provider_public_url(struct ctx *ctx, const struct provider_settings *settings);

/* Save the token and try it. ERR_INVALID: empty or of the wrong form. *ret_problem: why the
 * provider did not take it, NULL when it did. */
NODISCARD enum err provider_save_token(struct ctx *ctx, const char *id, const char *token,
                                       const char **ret_problem);
NODISCARD enum err provider_delete_token(struct ctx *ctx, const char *id);

#endif
