#include "core/base/json_secrets.h"

#include <string.h>
#include <strings.h>

/* Does the name end in a word for a secret? ("tokenizer" does not.) */
static bool is_secret(const char *name)
{
        static const char *const words[] = { "token",      "tokens",     "secret", "secrets",
                                             "password",   "passwd",     "key",    "key_id",
                                             "credential", "credentials" };
        size_t len = strlen(name);

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                size_t word_len = strlen(words[i]);

                if (len >= word_len && strcasecmp(name + len - word_len, words[i]) == 0)
                        return true;
        }
        return false;
}

static bool is_text_or_number(const json_t *value)
{
        return json_is_string(value) || json_is_number(value);
}

/* Masks what is below a tree of our own. Depth is bounded by json_parse. False: out of memory. */
static bool mask(json_t *json)
{
        const char *name;
        json_t *value;
        size_t i;

        json_object_foreach (json, name, value) {
                if (is_secret(name) && is_text_or_number(value)) {
                        if (json_object_set_new(json, name, json_string(JSON_SECRET_MASK)) != 0)
                                return false;
                } else if (!mask(value)) {
                        return false;
                }
        }
        json_array_foreach (json, i, value) {
                if (!mask(value))
                        return false;
        }
        return true;
}

enum err json_without_secrets(struct ctx *ctx, const json_t *json, const json_t **ret)
{
        json_t *copy = json_deep_copy(json);
        enum err rc;

        if (!copy)
                return ctx_nomem(ctx);
        rc = json_keep(ctx, copy);
        if (rc != OK)
                return rc;
        if (!mask(copy))
                return ctx_nomem(ctx);
        *ret = copy;
        return OK;
}
