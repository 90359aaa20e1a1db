/* THE table of settings. */
#include "core/base/settings.h"

#include <stddef.h>

#include "core/base/config.h"

const char *const settings_log_levels[] = { "DEBUG", "INFO", "WARNING", "ERROR", NULL };
static const char *const provider_choices[] = { "replicate", "http", NULL };
static const char *const state_choices[] = { "memory", "sqlite", "postgresql", "postgres",
                                             "redis",  "mysql",  "mariadb",    NULL };
static const char *const format_choices[] = { "json", "text", NULL };

#define ROW(env, type, member, otherwise, text, ...)                                               \
        {                                                                                          \
                .name = (env), .kind = KIND_##type, .offset = offsetof(struct config, member),     \
                .fallback = (otherwise), .help = (text), ##__VA_ARGS__                             \
        }
#define SET_IN(member) .set_offset = offsetof(struct config, member)

/* The order matters once: a later default may name the home directory, so that comes first. */
/* clang-format off */
const struct setting settings[] = {
        ROW("SIMPLETUNER_HOME", PATH, home, "~/.simpletuner",
            "directory of the database, the outputs and the secrets"),
        ROW("SIMPLETUNER_DATABASE_URL", DATABASE, database_url,
            "sqlite:///{home}/config/cloud/jobs.db", "sqlite:///ABSOLUTE/PATH or postgresql://..."),
        ROW("SIMPLETUNER_PUBLIC_URL", URL, public_url, "",
            "where providers and jobs reach this service"),
        ROW("SIMPLETUNER_DEFAULT_PROVIDER", CHOICE, default_provider, "replicate",
            "provider of requests that name none: replicate or http", .choices = provider_choices),
        ROW("SIMPLETUNER_LOG_LEVEL", CHOICE, log_level_name, "INFO",
            "DEBUG, INFO, WARNING or ERROR", .choices = settings_log_levels),
        ROW("SIMPLETUNER_LOG_FORMAT", CHOICE, log_format_name, "json",
            "json or text", .choices = format_choices),
        ROW("SIMPLETUNER_LOG_FILE", PATH, log_file, "",
            "file to append the log to instead of standard error"),
        ROW("SIMPLETUNER_SSL_VERIFY", BOOL, ssl_verify, "true",
            "check the certificates of providers", SET_IN(ssl_verify_set)),
        ROW("SIMPLETUNER_CA_BUNDLE", PATH, ca_bundle, "",
            "more certificate authorities: a PEM file or a hashed directory"),
        ROW("SIMPLETUNER_HTTP_TIMEOUT", DOUBLE, http_timeout_s, "30",
            "seconds to wait for a provider", .min = 1, .max = 600, SET_IN(http_timeout_set)),
        ROW("HTTPS_PROXY", STRING, https_proxy, "",
            "proxy for https (or https_proxy)", .alias = "https_proxy"),
        ROW("HTTP_PROXY", STRING, http_proxy, "",
            "proxy for http (or http_proxy)", .alias = "http_proxy"),
        ROW("NO_PROXY", STRING, no_proxy, "",
            "hosts reached without any proxy (or no_proxy)", .alias = "no_proxy"),
        ROW("SIMPLETUNER_TRUSTED_PROXIES", CIDRS, trusted_proxies_text, "127.0.0.0/8,::1/128",
            "front servers whose X-Forwarded-For counts", .max = CONFIG_TRUSTED_PROXIES_MAX),
        ROW("SIMPLETUNER_PASSWORD_COST", UINT, password_cost, "15",
            "how slow passwords are to try: 2 to this power is scrypt's N", .min = 10, .max = 20),
        ROW("SIMPLETUNER_WEBHOOK_TIMESTAMP_TOLERANCE", UINT, webhook_tolerance_s, "300",
            "seconds a webhook may be old or early", .min = 1, .max = 86400),
        ROW("SIMPLETUNER_API_THREADS", UINT, api_threads, "16",
            "requests answered at once", .min = 1, .max = 256),
        ROW("SIMPLETUNER_BULK_THREADS", UINT, bulk_threads, "32",
            "transfers and event streams served at once", .min = 1, .max = 1024),
        ROW("SIMPLETUNER_MAX_OBJECT_BYTES", UINT, max_object_bytes, "53687091200",
            "largest object a job may store", .min = 1, .max = 1e15),
        ROW("SIMPLETUNER_MIN_FREE_BYTES", UINT, min_free_bytes, "268435456",
            "uploads are refused when less disk is free", .min = 0, .max = 1e15),
        ROW("SIMPLETUNER_JOB_QUOTA_BYTES", UINT, job_quota_bytes, "0",
            "bytes that one job may store, 0 without limit", .min = 0, .max = 1e18),
        ROW("SIMPLETUNER_STORAGE_QUOTA_BYTES", UINT, storage_quota_bytes, "0",
            "bytes that all buckets may hold together, 0 without limit", .min = 0, .max = 1e18),
        ROW("SIMPLETUNER_JOB_REQUESTS_PER_MINUTE", UINT, job_requests_per_minute, "6000",
            "storage requests of one job, 0 without limit", .min = 0, .max = RATE_CALLS_MAX),
        ROW("SIMPLETUNER_STALE_UPLOAD_HOURS", UINT, stale_upload_hours, "24",
            "hours after its last part until an upload in parts is given up", .min = 1,
            .max = 8760),
        ROW("SIMPLETUNER_STORAGE_URL", BUCKET, storage_url, "",
            "keep objects of new buckets in another S3 store: s3://bucket/prefix"),
        ROW("SIMPLETUNER_STORAGE_ENDPOINT", URL, storage_endpoint, "",
            "where that store is, when it is not AWS"),
        ROW("SIMPLETUNER_STORAGE_REGION", STRING, storage_region, "us-east-1",
            "region of that store"),
        ROW("SIMPLETUNER_SHUTDOWN_TIMEOUT", UINT, shutdown_timeout_s, "30",
            "seconds to finish requests when stopped", .min = 1, .max = 3600),
        ROW("SIMPLETUNER_JOB_RETENTION_DAYS", UINT, job_retention_days, "90",
            "days to keep jobs that have ended, 0 for ever", .min = 0, .max = 36500),
        ROW("SIMPLETUNER_WEBHOOK_RETENTION_DAYS", UINT, webhook_retention_days, "7",
            "days to keep webhook deliveries", .min = 2, .max = 3650),
        ROW("SIMPLETUNER_AUDIT_RETENTION_DAYS", UINT, audit_retention_days, "90",
            "days to keep entries of the audit log, 0 for ever", .min = 0, .max = 36500),
        ROW("SIMPLETUNER_EVENT_RETENTION_HOURS", UINT, event_retention_hours, "24",
            "hours that listeners may resume from", .min = 1, .max = 8760),
        ROW("SIMPLETUNER_EVENT_STREAMS", UINT, event_streams, "16",
            "event streams served at once, never more than half of the threads", .min = 0, .max = 512),
        ROW("SIMPLETUNER_EVENT_STREAMS_PER_CLIENT", UINT, event_streams_per_client, "5",
            "event streams of one client address at once", .min = 1, .max = 512),
        ROW("SIMPLETUNER_EVENT_STREAM_SECONDS", UINT, event_stream_s, "300",
            "seconds after which an event stream ends and its client connects again",
            .min = 1, .max = 3600),
        ROW("SIMPLETUNER_EVENT_HEARTBEAT", UINT, event_heartbeat_s, "15",
            "seconds between signs of life in an event stream", .min = 1, .max = 60),
        ROW("SIMPLETUNER_TRUST_REMOTE_USER", BOOL, trust_remote_user, "false",
            "believe the front server who somebody is (REMOTE_USER)"),
        ROW("SIMPLETUNER_REMOTE_USER_LEVEL", STRING, remote_user_level, "viewer",
            "level of its users at first sight; none: they are not made"),
        ROW("SIMPLETUNER_REMOTE_GROUP_LEVELS", STRING, remote_group_levels, "",
            "levels of its groups: group=level;group=level"),
        ROW("SIMPLETUNER_REMOTE_GROUPS_VARIABLE", STRING, remote_groups_variable, "REMOTE_GROUPS",
            "FastCGI variable with the groups of its user"),
        ROW("RATE_LIMIT_CALLS", UINT, rate_calls, "100",
            "requests of a client per period where no other limit is set, 0: no limits of clients",
            .min = 0, .max = RATE_CALLS_MAX),
        ROW("RATE_LIMIT_PERIOD", UINT, rate_period_s, "60",
            "seconds of that period", .min = 1, .max = RATE_PERIOD_MAX),
        ROW("SIMPLETUNER_RATE_LIMIT_RULES", PATH, rate_rules, "",
            "JSON file of limits that come before the built-in ones"),
        ROW("SIMPLETUNER_WEBHOOKS_PER_MINUTE", UINT, webhooks_per_minute, "6000",
            "genuine webhooks of one provider, 0 without limit", .min = 0, .max = RATE_CALLS_MAX),
        ROW("STATE_BACKEND", CHOICE, state_backend, "memory",
            "where limits are counted: memory (shared by the processes of a host), sqlite, "
            "postgresql, redis or mysql", .choices = state_choices),
        ROW("STATE_BACKEND_URL", STRING, state_url, "",
            "that database; for sqlite and postgresql there is a default"),
        ROW("STATE_BACKEND_POOL_SIZE", UINT, state_pool_size, "10",
            "connections to it of one process", .min = 1, .max = 1024),
        ROW("STATE_BACKEND_TIMEOUT", DOUBLE, state_timeout_s, "30",
            "seconds to wait for it", .min = 0.05, .max = 600),
        ROW("STATE_BACKEND_KEY_PREFIX", STRING, state_key_prefix, "st:",
            "what its keys begin with"),
        ROW("STATE_BACKEND_REDIS_DB", UINT, state_redis_database, "0",
            "number of the Redis database", .min = 0, .max = 65535),
        ROW("STATE_BACKEND_REDIS_SSL", BOOL, state_redis_tls, "false",
            "speak TLS with Redis"),
        ROW("SIMPLETUNER_METRICS_ALLOWED_IPS", CIDRS, metrics_allowed_ips, "",
            "who may scrape, as addresses and ranges; empty: anybody", .max = CONFIG_SCRAPERS_MAX),
        ROW("SIMPLETUNER_DATA_ROOTS", STRING, data_roots, "",
            "directories whose data sets may be sent to providers, separated by colons"),
};
/* clang-format on */

const size_t settings_count = ARRAY_SIZE(settings);
