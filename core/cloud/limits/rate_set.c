#include "core/cloud/limits/rate_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fields.h"
#include "core/cloud/approval/approval_pattern.h"

#define FILE_MAX    (256 * KiB)
#define METHODS_MAX 6

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char *const method_choices[METHODS_MAX] = { "GET",   "POST",   "PUT",
                                                         "PATCH", "DELETE", "OPTIONS" };

static enum err check_name(struct ctx *ctx, const char *name, const json_t *value)
{
        const char *text = json_string_value(value);

        if (text[strspn(text, name_bytes)] != '\0' || !(text[0] >= 'a' && text[0] <= 'z'))
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must be a word of lower-case letters, digits and _", name);
        if (rate_rules_is_built_in(text))
                return ctx_fail(ctx, ERR_INVALID, "%s must not be that of a built-in rule: %s",
                                name, text);
        return OK;
}

static enum err check_pattern(struct ctx *ctx, const char *name, const json_t *value)
{
        return approval_regex_check(ctx, name, json_string_value(value));
}

static bool is_method(const char *text)
{
        for (size_t i = 0; i < METHODS_MAX; i++) {
                if (strcmp(method_choices[i], text) == 0)
                        return true;
        }
        return false;
}

static enum err check_methods(struct ctx *ctx, const char *name, const json_t *value)
{
        for (size_t i = 0; i < json_array_size(value); i++) {
                if (!is_method(json_string_value(json_array_get(value, i))))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s must be of GET, POST, PUT, PATCH, DELETE and OPTIONS",
                                        name);
        }
        return OK;
}

static enum err check_exempt(struct ctx *ctx, const char *name, const json_t *value)
{
        for (size_t i = 0; i < json_array_size(value); i++) {
                const char *path = json_string_value(json_array_get(value, i));
                const char *star = strchr(path, '*');

                if (path[0] != '/' || (star && star[1]))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s[%zu] must be a path, with * at most at its end", name,
                                        i);
        }
        return OK;
}

struct file {
        const json_t *fallback, *rules, *exempt;
};

/* clang-format off */
static const struct field file_fields[] = {
        { "default", FIELD_OBJECT, offsetof(struct file, fallback), 0, 0, NULL, false, NULL },
        FIELD(struct file, rules, FIELD_ARRAY, .max = RATE_SET_RULES_MAX, .required = true),
        FIELD(struct file, exempt, FIELD_STRING_LIST, .max = RATE_SET_EXEMPT_MAX,
              .check = check_exempt),
};
/* clang-format on */

struct item {
        const char *name, *pattern;
        int64_t calls, period;
        const json_t *methods;
};

#define CALLS FIELD(struct item, calls, FIELD_INT, .max = RATE_CALLS_MAX, .required = true)
#define PERIOD                                                                                     \
        FIELD(struct item, period, FIELD_INT, .min = 1, .max = RATE_PERIOD_MAX, .required = true)

static const struct field fallback_fields[] = { CALLS, PERIOD };

static const struct field rule_fields[] = {
        FIELD(struct item, name, FIELD_STRING, .min = 1, .max = RATE_NAME_SIZE - 1,
              .required = true, .check = check_name),
        FIELD(struct item, pattern, FIELD_STRING, .min = 1, .max = APPROVAL_PATTERN_MAX,
              .required = true, .check = check_pattern),
        CALLS,
        PERIOD,
        FIELD(struct item, methods, FIELD_STRING_LIST, .max = METHODS_MAX, .check = check_methods),
};

/* "POST, PUT"; NULL for all: then *ret is NULL too. */
static enum err join_methods(struct ctx *ctx, struct rate_set *set, const json_t *methods,
                             const char **ret)
{
        const char *text = NULL;

        for (size_t i = 0; i < json_array_size(methods); i++) {
                const char *method = json_string_value(json_array_get(methods, i));

                text = arena_printf(set->arena, "%s%s%s", text ? text : "", text ? ", " : "",
                                    method);
                if (!text)
                        return ctx_nomem(ctx);
        }
        *ret = text;
        return OK;
}

static bool has_rule(const struct rate_set *set, const char *name)
{
        for (size_t i = 0; i < set->count; i++) {
                if (strcmp(set->rules[i].limit.rule, name) == 0)
                        return true;
        }
        return false;
}

static enum err add_rule(struct ctx *ctx, struct rate_set *set, const json_t *object)
{
        struct rate_set_rule *rule = &set->rules[set->count];
        struct item item = { 0 };
        enum err rc;

        if (!json_is_object(object))
                return ctx_fail(ctx, ERR_INVALID, "must be an object");
        rc = fields_decode(ctx, rule_fields, ARRAY_SIZE(rule_fields), object, &item);
        if (rc != OK)
                return rc;
        if (has_rule(set, item.name))
                return ctx_fail(ctx, ERR_INVALID, "name %s is there twice", item.name);
        rule->limit = (struct limit){ arena_strdup(set->arena, item.name), (unsigned)item.calls,
                                      (unsigned)item.period };
        rule->pattern = arena_strdup(set->arena, item.pattern);
        if (!rule->limit.rule || !rule->pattern)
                return ctx_nomem(ctx);
        rc = join_methods(ctx, set, item.methods, &rule->methods);
        if (rc != OK)
                return rc;
        if (regcomp(&rule->regex, rule->pattern, REG_EXTENDED | REG_NOSUB) != 0)
                return ctx_fail(ctx, ERR_INVALID, "pattern cannot be compiled");
        set->count++;
        return OK;
}

static enum err add_rules(struct ctx *ctx, struct rate_set *set, const json_t *rules)
{
        char item[32];

        for (size_t i = 0; i < json_array_size(rules); i++) {
                enum err rc = add_rule(ctx, set, json_array_get(rules, i));

                if (rc != OK) {
                        snprintf(item, sizeof(item), "rules[%zu]", i);
                        return ctx_prefix(ctx, rc, item);
                }
        }
        return OK;
}

static enum err add_exempt(struct ctx *ctx, struct rate_set *set, const json_t *exempt)
{
        for (size_t i = 0; i < json_array_size(exempt); i++) {
                const char *path =
                        arena_strdup(set->arena, json_string_value(json_array_get(exempt, i)));

                if (!path)
                        return ctx_nomem(ctx);
                set->exempt[set->exempt_count++] = path;
        }
        return OK;
}

static enum err set_fallback(struct ctx *ctx, struct rate_set *set, const json_t *object)
{
        struct item item = { 0 };
        enum err rc;

        if (!object)
                return OK;
        rc = fields_decode(ctx, fallback_fields, ARRAY_SIZE(fallback_fields), object, &item);
        if (rc != OK)
                return ctx_prefix(ctx, rc, "default");
        set->fallback.calls = (unsigned)item.calls;
        set->fallback.period_s = (unsigned)item.period;
        return OK;
}

static enum err decode(struct ctx *ctx, struct rate_set *set, const char *text, size_t len)
{
        CLEANUP(json_decrefp) json_t *json = NULL;
        struct file file = { 0 };
        enum err rc;

        rc = json_parse_object(ctx, "the file", text, len, &json);
        if (rc == OK)
                rc = fields_decode(ctx, file_fields, ARRAY_SIZE(file_fields), json, &file);
        if (rc == OK)
                rc = set_fallback(ctx, set, file.fallback);
        if (rc == OK)
                rc = add_rules(ctx, set, file.rules);
        return rc == OK ? add_exempt(ctx, set, file.exempt) : rc;
}

static enum err read_file(struct ctx *ctx, struct rate_set *set, const char *path)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        char *text;

        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_INVALID, "it cannot be read: %m");
        if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX)
                return ctx_fail(ctx, ERR_INVALID, "it must be a file of at most %zu KiB",
                                FILE_MAX / KiB);
        text = arena_alloc(set->arena, (size_t)st.st_size + 1);
        if (!text)
                return ctx_nomem(ctx);
        if (read(fd, text, (size_t)st.st_size) != st.st_size)
                return ctx_fail(ctx, ERR_INVALID, "it cannot be read: %m");
        return decode(ctx, set, text, (size_t)st.st_size);
}

enum err rate_set_new(struct ctx *ctx, const struct config *config, struct rate_set **ret)
{
        CLEANUP(rate_set_putp) struct rate_set *set = calloc(1, sizeof(*set));
        char file[CTX_DETAIL_SIZE / 2];
        enum err rc;

        if (!set)
                return ctx_nomem(ctx);
        atomic_init(&set->users, 1);
        set->arena = arena_new();
        if (!set->arena)
                return ctx_nomem(ctx);
        set->is_off = config->rate_calls == 0;
        set->fallback = (struct limit){ "default", (unsigned)config->rate_calls,
                                        (unsigned)config->rate_period_s };
        if (config->rate_rules && *config->rate_rules) {
                rc = read_file(ctx, set, config->rate_rules);
                if (rc != OK) {
                        snprintf(file, sizeof(file), "SIMPLETUNER_RATE_LIMIT_RULES %s",
                                 config->rate_rules);
                        return ctx_prefix(ctx, rc, file);
                }
        }
        *ret = TAKE(set);
        return OK;
}

void rate_set_put(struct rate_set *set)
{
        if (!set || atomic_fetch_sub(&set->users, 1) != 1)
                return;
        for (size_t i = 0; i < set->count; i++)
                regfree(&set->rules[i].regex);
        arena_free(set->arena);
        free(set);
}
