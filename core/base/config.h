/* Settings: one table of rows (name, type, default, help) parsed once into an immutable struct.
 * Order: process environment, then the env file ($SIMPLETUNER_CONFIG, else
 * /etc/simpletuner-cloud/cloud.env, else $SIMPLETUNER_HOME/cloud.env), then the default.
 * getenv appears in config.c only. */
#ifndef CORE_BASE_CONFIG_H
#define CORE_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/config_backup.h"
#include "core/base/config_secrets.h"
#include "core/base/ipnet.h"
#include "core/base/log.h"

#define CONFIG_TRUSTED_PROXIES_MAX 64
#define CONFIG_SCRAPERS_MAX        64

/* The largest limits there can be: a window keeps a time for each of its calls. */
#define RATE_CALLS_MAX  10000
#define RATE_PERIOD_MAX 86400

struct arena;
struct config_problem;
struct envfile;

struct config {
        const char *user_home;    /* HOME: what ~ means */
        const char *home;         /* SIMPLETUNER_HOME, absolute */
        const char *database_url; /* SIMPLETUNER_DATABASE_URL, defaulted from home */
        const char *public_url;   /* SIMPLETUNER_PUBLIC_URL without trailing slash, or "" */

        const char *log_level_name;
        enum log_level log_level;
        const char *log_format_name;
        enum log_format log_format;
        const char *log_file; /* "" for standard error */

        const char *default_provider; /* SIMPLETUNER_DEFAULT_PROVIDER */
        bool ssl_verify;              /* SIMPLETUNER_SSL_VERIFY */
        bool ssl_verify_set;     /* given in environment or file, so it overrides a provider's */
        const char *ca_bundle;   /* SIMPLETUNER_CA_BUNDLE or "" */
        double http_timeout_s;   /* SIMPLETUNER_HTTP_TIMEOUT */
        bool http_timeout_set;   /* as ssl_verify_set */
        const char *https_proxy; /* HTTPS_PROXY or "" */
        const char *http_proxy;  /* HTTP_PROXY or "" */
        const char *no_proxy;    /* NO_PROXY or "" */

        const char *trusted_proxies_text;
        struct ipnet trusted_proxies[CONFIG_TRUSTED_PROXIES_MAX];
        size_t trusted_proxy_count;

        uint64_t password_cost;           /* SIMPLETUNER_PASSWORD_COST */
        uint64_t webhook_tolerance_s;     /* SIMPLETUNER_WEBHOOK_TIMESTAMP_TOLERANCE */
        uint64_t api_threads;             /* SIMPLETUNER_API_THREADS */
        uint64_t bulk_threads;            /* SIMPLETUNER_BULK_THREADS */
        uint64_t max_object_bytes;        /* SIMPLETUNER_MAX_OBJECT_BYTES */
        uint64_t min_free_bytes;          /* SIMPLETUNER_MIN_FREE_BYTES, the disk floor */
        uint64_t job_quota_bytes;         /* SIMPLETUNER_JOB_QUOTA_BYTES, 0: none */
        uint64_t storage_quota_bytes;     /* SIMPLETUNER_STORAGE_QUOTA_BYTES, 0: none */
        uint64_t job_requests_per_minute; /* SIMPLETUNER_JOB_REQUESTS_PER_MINUTE, 0: no limit */
        uint64_t stale_upload_hours;      /* SIMPLETUNER_STALE_UPLOAD_HOURS */
        uint64_t shutdown_timeout_s;      /* SIMPLETUNER_SHUTDOWN_TIMEOUT */
        uint64_t job_retention_days;      /* SIMPLETUNER_JOB_RETENTION_DAYS, 0: for ever */
        uint64_t webhook_retention_days;  /* SIMPLETUNER_WEBHOOK_RETENTION_DAYS */
        uint64_t audit_retention_days;    /* SIMPLETUNER_AUDIT_RETENTION_DAYS, 0: for ever */
        uint64_t event_retention_hours;   /* SIMPLETUNER_EVENT_RETENTION_HOURS */
        uint64_t event_streams;           /* SIMPLETUNER_EVENT_STREAMS, at once and on one socket */
        uint64_t event_streams_per_client; /* SIMPLETUNER_EVENT_STREAMS_PER_CLIENT */
        uint64_t event_stream_s;           /* SIMPLETUNER_EVENT_STREAM_SECONDS */
        uint64_t event_heartbeat_s;        /* SIMPLETUNER_EVENT_HEARTBEAT */
        const char *storage_url;           /* SIMPLETUNER_STORAGE_URL, "": files */
        const char *storage_endpoint;      /* SIMPLETUNER_STORAGE_ENDPOINT, "": that of AWS */
        const char *storage_region;        /* SIMPLETUNER_STORAGE_REGION */

        bool trust_remote_user;             /* SIMPLETUNER_TRUST_REMOTE_USER */
        const char *remote_user_level;      /* SIMPLETUNER_REMOTE_USER_LEVEL */
        const char *remote_group_levels;    /* SIMPLETUNER_REMOTE_GROUP_LEVELS, "": no map */
        const char *remote_groups_variable; /* SIMPLETUNER_REMOTE_GROUPS_VARIABLE */

        uint64_t rate_calls;          /* RATE_LIMIT_CALLS, 0: no limits at all */
        uint64_t rate_period_s;       /* RATE_LIMIT_PERIOD */
        const char *rate_rules;       /* SIMPLETUNER_RATE_LIMIT_RULES, a JSON file or "" */
        uint64_t webhooks_per_minute; /* SIMPLETUNER_WEBHOOKS_PER_MINUTE, 0: no limit */

        const char *state_backend;     /* STATE_BACKEND: where limits are counted */
        const char *state_url;         /* STATE_BACKEND_URL or "" */
        uint64_t state_pool_size;      /* STATE_BACKEND_POOL_SIZE, connections */
        double state_timeout_s;        /* STATE_BACKEND_TIMEOUT */
        const char *state_key_prefix;  /* STATE_BACKEND_KEY_PREFIX */
        uint64_t state_redis_database; /* STATE_BACKEND_REDIS_DB */
        bool state_redis_tls;          /* STATE_BACKEND_REDIS_SSL */

        const char *metrics_allowed_ips; /* SIMPLETUNER_METRICS_ALLOWED_IPS, "": from anywhere */

        struct secrets_config secrets; /* where secrets come from */

        const char *data_roots; /* SIMPLETUNER_DATA_ROOTS: directories, separated by colons */

        struct backup_config backup;

        struct arena *arena;                   /* private to config.c: owns all of this */
        const struct envfile *file;            /* private to config.c: the env file, may be NULL */
        const struct config_problem *problems; /* of config_load_all, else NULL */
};

/* Read the environment and the env file. On failure *ret is untouched and message names the file,
 * line, setting and what is allowed. Owns its strings; free with config_free. */
NODISCARD bool config_load(struct config **ret, char *message, size_t message_size);
void config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free)

/* A secret from the process environment or the env file: NULL when unset or empty. Borrowed. */
const char *config_secret(const struct config *config, const char *name);

/* The settings table as text, a line each: name, default, help. For --help. */
void config_print_help(FILE *out);

#endif
