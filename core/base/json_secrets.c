#include "core/base/json_secrets.h"

#include <string.h>
#include <strings.h>

/* Does the name end in a word for a secret? ("tokenizer" does not.) */
static bool is_secret(const char *name)
{
        static const char *const words[] = { "token",      "tokens",      "secret",
                                             "secrets",    "password",    "passwd",
                                             "key",        "key_id",      "keyid",
                                             "credential", "credentials", "authorization",
                                             "passphrase" };
        size_t len = strlen(name);

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                size_t word_len = strlen(words[i]);

                if (len >= word_len && strcasecmp(name + len - word_len, words[i]) == 0)
                        return true;
        }
        return false;
}

/* What stands for a value in a copy of our own: itself, changed below, or the mask. A new
 * reference; NULL: out of memory. all: it is below a name for a secret. Depth is bounded by
 * json_parse. */
static json_t *masked(json_t *value, bool all)
{
        const char *name;
        json_t *member;
        size_t i;

        if (all && (json_is_string(value) || json_is_number(value)))
                return json_string(JSON_SECRET_MASK);
        json_object_foreach (value, name, member) {
                if (json_object_set_new(value, name, masked(member, all || is_secret(name))) != 0)
                        return NULL;
        }
        json_array_foreach (value, i, member) {
                if (json_array_set_new(value, i, masked(member, all)) != 0)
                        return NULL;
        }
        return json_incref(value);
}

enum err json_without_secrets(struct ctx *ctx, const json_t *json, const json_t **ret)
{
        CLEANUP(json_decrefp) json_t *copy = json_deep_copy(json);
        json_t *shown = copy ? masked(copy, false) : NULL;
        enum err rc;

        if (!shown)
                return ctx_nomem(ctx);
        rc = json_keep(ctx, shown);
        if (rc == OK)
                *ret = shown;
        return rc;
}
