#include "core/base/config.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/config_problem.h"
#include "core/base/envfile.h"
#include "core/base/setting.h"
#include "core/base/settings.h"

#define ENV_FILE_SYSTEM "/etc/simpletuner-cloud/cloud.env"
#define OWN_PREFIX      "SIMPLETUNER_"

/* What one load is working with. */
struct loader {
        struct arena *arena;
        struct config *config;
        struct setting_places places;
        char *message;
        size_t message_size;
        bool goes_on; /* what is wrong is listed in the config, and has its default */
        const struct config_problem **problems_end;
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

/* After a failure: may the load go on? */
static bool note_problem(struct loader *loader)
{
        struct config_problem *problem;

        if (!loader->goes_on)
                return false;
        problem = arena_alloc(loader->arena, sizeof(*problem));
        if (!problem)
                return false;
        problem->text = arena_strdup(loader->arena, loader->message);
        *loader->problems_end = problem;
        loader->problems_end = &problem->next;
        return problem->text != NULL;
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
static const char *const own_secrets[] = { "SIMPLETUNER_AUDIT_KEY", "SIMPLETUNER_BACKUP_PASSPHRASE",
                                           "SIMPLETUNER_METRICS_TOKEN",
                                           "SIMPLETUNER_STORAGE_ACCESS_KEY_ID",
                                           "SIMPLETUNER_STORAGE_SECRET_ACCESS_KEY" };

static bool is_known(const char *name)
{
#ifdef FAULT_POINTS
        if (strcmp(name, "SIMPLETUNER_FAULT_POINT") == 0)
                return true;
#endif
        for (size_t i = 0; i < settings_count; i++) {
                if (strcmp(settings[i].name, name) == 0)
                        return true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(own_secrets); i++) {
                if (strcmp(own_secrets[i], name) == 0)
                        return true;
        }
        return strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) != 0;
}

static bool read_file(struct loader *loader, const char *path, bool required)
{
        const char *wrong = envfile_read(loader->arena, path, required, &loader->config->file);
        const struct env_line *line;

        if (wrong)
                return fail(loader, "%s", wrong) || note_problem(loader);
        for (line = loader->config->file ? loader->config->file->lines : NULL; line;
             line = line->next) {
                if (!is_known(line->name) &&
                    !fail(loader, "%s:%u: unknown setting %s", path, line->line, line->name) &&
                    !note_problem(loader))
                        return false;
        }
        return true;
}

static bool read_env_file(struct loader *loader)
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

/* Of a setting whose value is no good. A machine where even the default is none, for want of a home
 * directory, gets a home that is not there. */
static bool take_default(const struct loader *loader, const struct setting *setting)
{
        static const char nowhere[] = "/nonexistent";
        void *member = (char *)loader->config + setting->offset;

        if (setting->fallback[0] &&
            setting_parse(loader->arena, setting, &loader->places, setting->fallback, member))
                return true;
        *(const char **)member = setting->fallback[0] ? nowhere : "";
        return true;
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
        for (size_t i = 0; i < settings_count; i++) {
                if (!load_setting(loader, &settings[i]) &&
                    (!note_problem(loader) || !take_default(loader, &settings[i])))
                        return false;
                loader->places.home = config->home;
        }
        config->log_level =
                (enum log_level)choice_index(settings_log_levels, config->log_level_name);
        config->log_format = choose_format(config);
        count = ipnet_parse_list(config->trusted_proxies_text, config->trusted_proxies,
                                 CONFIG_TRUSTED_PROXIES_MAX, &bad);
        config->trusted_proxy_count = count > 0 ? (size_t)count : 0;
        if (*config->ca_bundle && access(config->ca_bundle, R_OK) != 0 &&
            !fail(loader,
                  "SIMPLETUNER_CA_BUNDLE must be a file or directory that can be read: %s: %m",
                  config->ca_bundle) &&
            !note_problem(loader))
                return false;
        return check_remote(loader) || note_problem(loader);
}

static bool load_into(struct loader *loader, struct config **ret)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();

        loader->arena = arena;
        loader->config = arena ? arena_alloc(arena, sizeof(*loader->config)) : NULL;
        if (!loader->config)
                return fail_memory(loader);
        loader->problems_end = &loader->config->problems;
        if (!load(loader))
                return false;
        loader->config->arena = TAKE(arena);
        *ret = loader->config;
        return true;
}

bool config_load(struct config **ret, char *message, size_t message_size)
{
        struct loader loader = { .message = message, .message_size = message_size };

        return load_into(&loader, ret);
}

bool config_load_all(struct config **ret)
{
        char message[512];
        struct loader loader = { .message = message, .message_size = sizeof(message) };

        loader.goes_on = true;
        return load_into(&loader, ret);
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

const char *config_file_path(const struct config *config)
{
        return config->file ? config->file->path : NULL;
}

/* What ./autogen.sh takes, and names the env file: no settings of the programs. */
static bool is_launchers(const char *name)
{
        static const char *const names[] = {
                "SIMPLETUNER_CONFIG",        "SIMPLETUNER_PORT",
                "SIMPLETUNER_FRONT",         "SIMPLETUNER_BUILD",
                "SIMPLETUNER_FRONT_INCLUDE", "SIMPLETUNER_APACHE_MODULES",
                "SIMPLETUNER_APACHE_REUSE",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strcmp(names[i], name) == 0)
                        return true;
        }
        return false;
}

const char *config_stray_variable(struct arena *arena, size_t n)
{
        for (char *const *each = environ; *each; each++) {
                const char *name = arena_strndup(arena, *each, strcspn(*each, "="));

                if (name && !is_known(name) && !is_launchers(name) && n-- == 0)
                        return name;
        }
        return NULL;
}

void config_print_help(FILE *out)
{
        for (size_t i = 0; i < settings_count; i++) {
                const struct setting *setting = &settings[i];

                fprintf(out, "  %-39s  %s", setting->name, setting->help);
                if (setting->fallback[0])
                        fprintf(out, " (default %s)", setting->fallback);
                fprintf(out, "\n");
        }
}
