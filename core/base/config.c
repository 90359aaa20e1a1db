#include "core/base/config.h"

#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/envfile.h"
#include "core/base/setting.h"

#define ENV_FILE_SYSTEM "/etc/simpletuner-cloud/cloud.env"
#define OWN_PREFIX      "SIMPLETUNER_"

static const char *const level_choices[] = { "DEBUG", "INFO", "WARNING", "ERROR", NULL };
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
static const struct setting settings[] = {
        ROW("SIMPLETUNER_HOME", PATH, home, "~/.simpletuner",
            "directory of the database, the outputs and the secrets"),
        ROW("SIMPLETUNER_DATABASE_URL", DATABASE, database_url,
            "sqlite:///{home}/config/cloud/jobs.db", "sqlite:///ABSOLUTE/PATH or postgresql://..."),
        ROW("SIMPLETUNER_PUBLIC_URL", URL, public_url, "",
            "where providers and jobs reach this service"),
        ROW("SIMPLETUNER_DEFAULT_PROVIDER", CHOICE, default_provider, "replicate",
            "provider of requests that name none: replicate or http", .choices = provider_choices),
        ROW("SIMPLETUNER_LOG_LEVEL", CHOICE, log_level_name, "INFO",
            "DEBUG, INFO, WARNING or ERROR", .choices = level_choices),
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

/* What one load is working with. */
struct loader {
        struct arena *arena;
        struct config *config;
        struct setting_places places;
        char *message;
        size_t message_size;
};

static bool fail(const struct loader *loader, const char *fmt, ...) PRINTF(2, 3);
static bool fail(const struct loader *loader, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(loader->message, loader->message_size, fmt, ap);
        va_end(ap);
        return false;
}

static bool fail_memory(const struct loader *loader)
{
        return fail(loader, "out of memory");
}

/* The home directory of the user, NULL when there is none. */
static const char *user_home(struct arena *arena)
{
        const char *home = getenv("HOME");
        struct passwd entry, *found = NULL;
        char space[4096];

        if (home && home[0] == '/')
                return home;
        if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) != 0 || !found)
                return NULL;
        return arena_strdup(arena, found->pw_dir);
}

/* ---- where values come from ---- */

/* Secrets of our own prefix, which are no settings (config_secret). */
static const char *const own_secrets[] = { "SIMPLETUNER_AUDIT_KEY", "SIMPLETUNER_METRICS_TOKEN",
                                           "SIMPLETUNER_STORAGE_ACCESS_KEY_ID",
                                           "SIMPLETUNER_STORAGE_SECRET_ACCESS_KEY" };

static bool is_known(const char *name)
{
#ifdef FAULT_POINTS
        if (strcmp(name, "SIMPLETUNER_FAULT_POINT") == 0)
                return true;
#endif
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
                if (strcmp(settings[i].name, name) == 0)
                        return true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(own_secrets); i++) {
                if (strcmp(own_secrets[i], name) == 0)
                        return true;
        }
        return strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) != 0;
}

static bool read_file(const struct loader *loader, const char *path, bool required)
{
        const char *wrong = envfile_read(loader->arena, path, required, &loader->config->file);
        const struct env_line *line;

        if (wrong)
                return fail(loader, "%s", wrong);
        for (line = loader->config->file ? loader->config->file->lines : NULL; line;
             line = line->next) {
                if (!is_known(line->name))
                        return fail(loader, "%s:%u: unknown setting %s", path, line->line,
                                    line->name);
        }
        return true;
}

static bool read_env_file(const struct loader *loader)
{
        const char *named = getenv("SIMPLETUNER_CONFIG");
        const char *home = getenv("SIMPLETUNER_HOME");

        if (named && named[0])
                return read_file(loader, named, true);
        if (!read_file(loader, ENV_FILE_SYSTEM, false))
                return false;
        if (loader->config->file)
                return true;
        home = setting_expand_path(loader->arena, &loader->places,
                                   home && home[0] ? home : settings[0].fallback);
        if (!home) /* said with more words when the setting itself is read */
                return true;
        home = arena_printf(loader->arena, "%s/cloud.env", home);
        return home ? read_file(loader, home, false) : fail_memory(loader);
}

struct source {
        const char *value; /* NULL: not set */
        unsigned line;     /* in the env file; 0 for the process environment */
};

/* An empty value counts as set: that is how the environment takes back what the file says. */
static struct source find_value(const struct envfile *file, const char *name)
{
        const char *value = getenv(name);
        const struct env_line *line = value ? NULL : envfile_find(file, name);

        if (line)
                return (struct source){ .value = line->value, .line = line->line };
        return (struct source){ .value = value };
}

/* ---- loading ---- */

/* The value itself is not shown: URLs hold passwords. */
static bool fail_setting(const struct loader *loader, const struct setting *setting,
                         const struct source *source)
{
        char allowed[SETTING_ALLOWED_SIZE];

        setting_describe(setting, allowed);
        if (source->line)
                return fail(loader, "%s:%u: %s must be %s", loader->config->file->path,
                            source->line, setting->name, allowed);
        return fail(loader, "%s: %s must be %s", source->value ? "environment" : "default",
                    setting->name, allowed);
}

/* The process environment under both names, then the file under both. */
static struct source find_setting(const struct envfile *file, const struct setting *setting)
{
        struct source source = find_value(NULL, setting->name);

        if (!source.value && setting->alias)
                source = find_value(NULL, setting->alias);
        if (!source.value)
                source = find_value(file, setting->name);
        if (!source.value && setting->alias)
                source = find_value(file, setting->alias);
        return source;
}

static bool load_setting(const struct loader *loader, const struct setting *setting)
{
        struct source source = find_setting(loader->config->file, setting);
        bool given = source.value && source.value[0];
        char *base = (char *)loader->config;

        if (setting->set_offset)
                *(bool *)(base + setting->set_offset) = given;
        if (!given && !setting->fallback[0]) { /* only texts have an empty default */
                *(const char **)(base + setting->offset) = "";
                return true;
        }
        if (setting_parse(loader->arena, setting, &loader->places,
                          given ? source.value : setting->fallback, base + setting->offset))
                return true;
        return fail_setting(loader, setting, &source);
}

static unsigned choice_index(const char *const *choices, const char *choice)
{
        unsigned i = 0;

        while (strcmp(choices[i], choice) != 0)
                i++;
        return i;
}

/* Every entry has something on both sides of its last "=". */
static bool is_group_map(const char *map)
{
        while (*map) {
                size_t len = strcspn(map, ";"), split = len;

                while (split > 0 && map[split - 1] != '=')
                        split--;
                if (split < 2 || split == len)
                        return false;
                map += len + (map[len] != '\0');
        }
        return true;
}

/* What begins with HTTP_ is a header, which anybody can send. */
static bool is_own_variable(const char *name)
{
        static const char letters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

        return *name && name[strspn(name, letters)] == '\0' && strncasecmp(name, "HTTP_", 5) != 0;
}

static bool check_remote(const struct loader *loader)
{
        if (!is_group_map(loader->config->remote_group_levels))
                return fail(loader, "SIMPLETUNER_REMOTE_GROUP_LEVELS must be of the form "
                                    "group=level;group=level");
        if (!is_own_variable(loader->config->remote_groups_variable))
                return fail(loader, "SIMPLETUNER_REMOTE_GROUPS_VARIABLE must be letters, digits "
                                    "and _, and not begin with HTTP_");
        return true;
}

/* Is standard error a pipe to systemd's journal? $JOURNAL_STREAM, systemd.exec(5), is the device
 * and inode of it, and stays set in programs whose standard error has gone elsewhere. */
static bool writes_to_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        char own[64];
        struct stat st;

        if (!stream || fstat(STDERR_FILENO, &st) != 0)
                return false;
        snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        return strcmp(stream, own) == 0;
}

static enum log_format choose_format(const struct config *config)
{
        if (strcmp(config->log_format_name, "text") != 0)
                return LOG_JSON;
        return !*config->log_file && writes_to_journal() ? LOG_JOURNAL : LOG_TEXT;
}

static bool load(struct loader *loader)
{
        struct config *config = loader->config;
        const char *bad;
        int count;

        config->user_home = user_home(loader->arena);
        loader->places.user_home = config->user_home;
        if (!read_env_file(loader))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
                if (!load_setting(loader, &settings[i]))
                        return false;
                loader->places.home = config->home;
        }
        config->log_level = (enum log_level)choice_index(level_choices, config->log_level_name);
        config->log_format = choose_format(config);
        count = ipnet_parse_list(config->trusted_proxies_text, config->trusted_proxies,
                                 CONFIG_TRUSTED_PROXIES_MAX, &bad);
        config->trusted_proxy_count = count > 0 ? (size_t)count : 0;
        if (*config->ca_bundle && access(config->ca_bundle, R_OK) != 0)
                return fail(loader,
                            "SIMPLETUNER_CA_BUNDLE must be a file or directory that can be "
                            "read: %s: %m",
                            config->ca_bundle);
        return check_remote(loader);
}

bool config_load(struct config **ret, char *message, size_t message_size)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct loader loader = { .arena = arena, .message = message };

        loader.message_size = message_size;
        loader.config = arena ? arena_alloc(arena, sizeof(*loader.config)) : NULL;
        if (!loader.config)
                return fail_memory(&loader);
        if (!load(&loader))
                return false;
        loader.config->arena = TAKE(arena);
        *ret = loader.config;
        return true;
}

void config_free(struct config *config)
{
        if (config)
                arena_free(config->arena); /* config itself lives there too */
}

const char *config_secret(const struct config *config, const char *name)
{
        struct source source = find_value(config->file, name);

        return source.value && source.value[0] ? source.value : NULL;
}

void config_print_help(FILE *out)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
                const struct setting *setting = &settings[i];

                fprintf(out, "  %-39s  %s", setting->name, setting->help);
                if (setting->fallback[0])
                        fprintf(out, " (default %s)", setting->fallback);
                fprintf(out, "\n");
        }
}
