#include "core/base/json.h"

#include <string.h>

#define PARSE_FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
#define DUMP_FLAGS  (JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)

/* Step over the string whose opening quote is at text[i]: the index of its closing quote, or len
 * when there is none (the parser will say so). */
static size_t skip_string(const char *text, size_t len, size_t i)
{
        for (i++; i < len && text[i] != '"'; i++) {
                if (text[i] == '\\')
                        i++;
        }
        return i;
}

/* Counted before parsing, so that a body of brackets costs one pass and no tree. */
bool json_is_too_deep(const char *text, size_t len)
{
        size_t depth = 0;

        for (size_t i = 0; i < len; i++) {
                if (text[i] == '"')
                        i = skip_string(text, len, i);
                else if ((text[i] == '[' || text[i] == '{') && ++depth > JSON_DEPTH_MAX)
                        return true;
                else if ((text[i] == ']' || text[i] == '}') && depth > 0)
                        depth--;
        }
        return false;
}

enum err json_parse(struct ctx *ctx, const char *what, const char *text, size_t len, json_t **ret)
{
        json_error_t error;
        json_t *json;

        if (json_is_too_deep(text, len))
                return ctx_fail(ctx, ERR_INVALID, "%s is nested deeper than %d levels", what,
                                JSON_DEPTH_MAX);
        json = json_loadb(text, len, PARSE_FLAGS, &error);
        if (!json && json_error_code(&error) == json_error_out_of_memory)
                return ctx_nomem(ctx);
        if (!json)
                return ctx_fail(ctx, ERR_INVALID, "%s is not valid JSON: %s (line %d, column %d)",
                                what, error.text, error.line, error.column);
        *ret = json;
        return OK;
}

enum err json_parse_object(struct ctx *ctx, const char *what, const char *text, size_t len,
                           json_t **ret)
{
        json_t *json;
        enum err rc = json_parse(ctx, what, text, len, &json);

        if (rc != OK)
                return rc;
        if (!json_is_object(json)) {
                json_decref(json);
                return ctx_fail(ctx, ERR_INVALID, "%s must be a JSON object", what);
        }
        *ret = json;
        return OK;
}

static void drop(void *json)
{
        json_decref(json);
}

enum err json_keep(struct ctx *ctx, json_t *json)
{
        return arena_own(ctx->arena, json, drop) ? OK : ctx_nomem(ctx);
}

enum err json_text(struct ctx *ctx, const json_t *json, const char **ret_text)
{
        size_t len = json_dumpb(json, NULL, 0, DUMP_FLAGS);
        char *text;

        if (len == 0) /* every value has a text, so this is memory */
                return ctx_nomem(ctx);
        text = arena_alloc(ctx->arena, len + 1);
        if (!text || json_dumpb(json, text, len, DUMP_FLAGS) != len)
                return ctx_nomem(ctx);
        *ret_text = text;
        return OK;
}

const char *json_string_at(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

double json_number_at(const json_t *object, const char *key, double fallback)
{
        const json_t *value = json_object_get(object, key);

        return json_is_number(value) ? json_number_value(value) : fallback;
}
