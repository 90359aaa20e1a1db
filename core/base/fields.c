#include "core/base/fields.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/ipnet.h"

/* How much of what the caller sent is repeated in a message. */
#define SHOWN_MAX 64
#define LIST_MAX  256

/* Names joined by ", " into text; a list too long for it ends in "...". */
static void join_names(char *text, size_t size, const char *(*name_at)(const void *, size_t),
                       const void *names, size_t count)
{
        size_t len = 0;

        text[0] = '\0';
        for (size_t i = 0; i < count; i++) {
                const char *name = name_at(names, i);
                size_t need = strlen(name) + (i ? 2 : 0);

                if (len + need + sizeof(", ...") > size) {
                        snprintf(text + len, size - len, "%s...", i ? ", " : "");
                        return;
                }
                snprintf(text + len, size - len, "%s%s", i ? ", " : "", name);
                len += need;
        }
}

static const char *field_name_at(const void *fields, size_t i)
{
        return ((const struct field *)fields)[i].name;
}

static const char *choice_at(const void *choices, size_t i)
{
        return ((const char *const *)choices)[i];
}

/* Fail with "http_timeout must be a number from 1 to 300", "name must be a string of 1 to 64
 * bytes": a unit (with its blank before it) is what the limits count. */
static enum err fail_range(struct ctx *ctx, const struct field *field, const char *kind,
                           const char *unit)
{
        if (field->max != 0 && field->min != 0)
                return ctx_fail(ctx, ERR_INVALID, "%s must be %s %s %.15g to %.15g%s", field->name,
                                kind, unit[0] ? "of" : "from", field->min, field->max, unit);
        if (field->max != 0)
                return ctx_fail(ctx, ERR_INVALID, "%s must be %s of at most %.15g%s", field->name,
                                kind, field->max, unit);
        if (field->min != 0)
                return ctx_fail(ctx, ERR_INVALID, "%s must be %s of at least %.15g%s", field->name,
                                kind, field->min, unit);
        return ctx_fail(ctx, ERR_INVALID, "%s must be %s", field->name, kind);
}

static bool in_range(const struct field *field, double value)
{
        return value >= field->min && (field->max == 0 || value <= field->max);
}

static enum err check_string(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (json_is_string(value) && in_range(field, (double)json_string_length(value)))
                return OK;
        return fail_range(ctx, field, "a string", " bytes");
}

static enum err check_bool(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (json_is_boolean(value))
                return OK;
        return ctx_fail(ctx, ERR_INVALID, "%s must be true or false", field->name);
}

/* Numbers without limits in the table may be negative. */
static bool number_fits(const struct field *field, const json_t *value)
{
        return (field->min == 0 && field->max == 0) || in_range(field, json_number_value(value));
}

static enum err check_int(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (json_is_integer(value) && number_fits(field, value))
                return OK;
        return fail_range(ctx, field, "an integer", "");
}

static enum err check_number(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (json_is_number(value) && number_fits(field, value))
                return OK;
        return fail_range(ctx, field, "a number", "");
}

static enum err check_choice(struct ctx *ctx, const struct field *field, const json_t *value)
{
        const char *text = json_string_value(value);
        char list[LIST_MAX];
        size_t count = 0;

        for (; field->choices[count]; count++) {
                if (text && strcmp(text, field->choices[count]) == 0)
                        return OK;
        }
        join_names(list, sizeof(list), choice_at, field->choices, count);
        return ctx_fail(ctx, ERR_INVALID, "%s must be one of: %s", field->name, list);
}

static enum err check_url(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (!json_is_string(value) || !fields_is_url(json_string_value(value)))
                return ctx_fail(ctx, ERR_INVALID, "%s must be an http or https URL with a host",
                                field->name);
        return check_string(ctx, field, value);
}

static enum err check_object(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (json_is_object(value))
                return OK;
        return ctx_fail(ctx, ERR_INVALID, "%s must be an object", field->name);
}

static enum err check_array(struct ctx *ctx, const struct field *field, const json_t *value)
{
        if (json_is_array(value) && in_range(field, (double)json_array_size(value)))
                return OK;
        return fail_range(ctx, field, "an array", " items");
}

static enum err check_string_list(struct ctx *ctx, const struct field *field, const json_t *value)
{
        const json_t *item;
        size_t i;

        if (!json_is_array(value) || !in_range(field, (double)json_array_size(value)))
                return fail_range(ctx, field, "an array of strings", " items");
        json_array_foreach (value, i, item) {
                if (!json_is_string(item))
                        return ctx_fail(ctx, ERR_INVALID, "%s[%zu] must be a string", field->name,
                                        i);
        }
        return OK;
}

static enum err check_cidr_list(struct ctx *ctx, const struct field *field, const json_t *value)
{
        enum err rc = check_string_list(ctx, field, value);
        const json_t *item;
        struct ipnet net;
        size_t i;

        if (rc != OK)
                return rc;
        json_array_foreach (value, i, item) {
                const char *text = json_string_value(item);

                if (!ipnet_parse(text, json_string_length(item), &net))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s[%zu]: Invalid IP address or CIDR: '%.*s'", field->name,
                                        i, SHOWN_MAX, text);
        }
        return OK;
}

static enum err check_type(struct ctx *ctx, const struct field *field, const json_t *value)
{
        static enum err (*const checks[FIELD_TYPE_COUNT])(struct ctx *, const struct field *,
                                                          const json_t *) = {
                [FIELD_STRING] = check_string,
                [FIELD_BOOL] = check_bool,
                [FIELD_INT] = check_int,
                [FIELD_NUMBER] = check_number,
                [FIELD_CHOICE] = check_choice,
                [FIELD_URL] = check_url,
                [FIELD_OBJECT] = check_object,
                [FIELD_ARRAY] = check_array,
                [FIELD_STRING_LIST] = check_string_list,
                [FIELD_CIDR_LIST] = check_cidr_list,
        };

        return checks[field->type](ctx, field, value);
}

static const struct field *find_field(const struct field *fields, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++) {
                if (strcmp(fields[i].name, name) == 0)
                        return &fields[i];
        }
        return NULL;
}

static enum err check_member(struct ctx *ctx, const struct field *field, const json_t *value)
{
        enum err rc;

        if (json_is_null(value))
                return OK;
        rc = check_type(ctx, field, value);
        if (rc != OK || !field->check)
                return rc;
        return field->check(ctx, field->name, value);
}

static bool is_given(const json_t *value)
{
        return value && !json_is_null(value);
}

enum err fields_check(struct ctx *ctx, const struct field *fields, size_t count,
                      const json_t *object)
{
        const struct field *field;
        char allowed[LIST_MAX];
        const char *name;
        json_t *value;
        enum err rc;

        json_object_foreach ((json_t *)object, name, value) {
                field = find_field(fields, count, name);
                if (!field) {
                        join_names(allowed, sizeof(allowed), field_name_at, fields, count);
                        return ctx_fail(ctx, ERR_INVALID, "unknown field '%.*s'; allowed: %s",
                                        SHOWN_MAX, name, allowed);
                }
                rc = check_member(ctx, field, value);
                if (rc != OK)
                        return rc;
        }
        for (size_t i = 0; i < count; i++) {
                if (fields[i].required && !is_given(json_object_get(object, fields[i].name)))
                        return ctx_fail(ctx, ERR_INVALID, "%s is required", fields[i].name);
        }
        return OK;
}

/* The one place where the table's offsets become pointers; the value has passed its check. */
static void store(const struct field *field, json_t *value, void *out)
{
        void *member = (char *)out + field->offset;

        switch (field->type) {
        case FIELD_STRING:
        case FIELD_CHOICE:
        case FIELD_URL:
                *(const char **)member = json_string_value(value);
                break;
        case FIELD_BOOL:
                *(bool *)member = json_is_true(value);
                break;
        case FIELD_INT:
                *(int64_t *)member = json_integer_value(value);
                break;
        case FIELD_NUMBER:
                *(double *)member = json_number_value(value);
                break;
        case FIELD_OBJECT:
        case FIELD_ARRAY:
        case FIELD_STRING_LIST:
        case FIELD_CIDR_LIST:
                *(json_t **)member = value;
                break;
        case FIELD_TYPE_COUNT:
                break;
        }
}

enum err fields_decode(struct ctx *ctx, const struct field *fields, size_t count,
                       const json_t *object, void *out)
{
        enum err rc = fields_check(ctx, fields, count, object);

        if (rc != OK)
                return rc;
        for (size_t i = 0; i < count; i++) {
                json_t *value = json_object_get(object, fields[i].name);

                if (is_given(value))
                        store(&fields[i], value, out);
        }
        return OK;
}

static bool is_host(const char *host, size_t len)
{
        struct ipaddr addr;

        if (len > 0 && host[0] == '[')
                return ipaddr_parse(host, len, &addr);
        if (len == 0 || host[0] == '.' || host[0] == '-')
                return false;
        for (size_t i = 0; i < len; i++) {
                char c = host[i];

                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
                    c != '-' && c != '.' && c != '_')
                        return false;
        }
        return true;
}

static bool is_port(const char *digits, size_t len)
{
        unsigned port = 0;

        if (len == 0 || len > 5 || strspn(digits, "0123456789") < len)
                return false;
        for (size_t i = 0; i < len; i++)
                port = port * 10 + (unsigned)(digits[i] - '0');
        return port > 0 && port <= 65535;
}

bool fields_is_url(const char *url)
{
        const char *authority, *port, *bracket;
        size_t len;

        for (const char *c = url; *c; c++) {
                if ((unsigned char)*c <= ' ' || *c == 0x7F)
                        return false;
        }
        if (strncasecmp(url, "http://", 7) == 0)
                authority = url + 7;
        else if (strncasecmp(url, "https://", 8) == 0)
                authority = url + 8;
        else
                return false;
        len = strcspn(authority, "/?#");
        bracket = memchr(authority, ']', len);
        port = bracket ? bracket + 1 : memchr(authority, ':', len);
        if (!port || port == authority + len)
                return is_host(authority, len);
        return *port == ':' && is_host(authority, (size_t)(port - authority)) &&
               is_port(port + 1, (size_t)(authority + len - port - 1));
}
