#include "core/cloud/secrets/key_file.h"

#include <string.h>

#define HEAD       "simpletuner-cloud-keys 1"
#define END        "end"
#define LINE_SIZE  160
#define HEX_LEN    (2 * MASTER_KEY_SIZE)
#define KEY_ID_LEN (KEY_ID_SIZE - 1)

static const char *const use_names[KEY_USE_COUNT] = { "seals", "opens", "next" };

const char *key_use_name(enum key_use use)
{
        return use_names[use];
}

static enum err name_key(struct ctx *ctx, struct master_key *key)
{
        unsigned char hash[SHA256_SIZE];

        if (!crypto_hmac_sha256(key->bytes, sizeof(key->bytes), "key id", 6, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot name the master key");
        crypto_hex(hash, KEY_ID_LEN / 2, key->id);
        return OK;
}

enum err key_file_make(struct ctx *ctx, struct master_key *ret)
{
        if (!crypto_random(ret->bytes, sizeof(ret->bytes)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for a key");
        return name_key(ctx, ret);
}

/* ---- reading ---- */

/* The first form: what there is but for ends of lines at the end, hashed. */
static enum err parse_text(struct ctx *ctx, const char *path, const char *text, size_t len,
                           struct key_list *ret)
{
        struct kept_key *kept = &ret->keys[0];

        while (len > 0 && strchr("\r\n ", text[len - 1]))
                len--;
        if (len < MASTER_KEY_SIZE)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s is too short to be a key", path);
        if (!crypto_sha256(text, len, kept->key.bytes))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash the master key");
        kept->use = KEY_SEALS;
        kept->since_us = 0;
        ret->count = 1;
        return name_key(ctx, &kept->key);
}

static bool parse_use(const char *word, enum key_use *ret)
{
        for (enum key_use use = 0; use < KEY_USE_COUNT; use++) {
                if (strcmp(word, use_names[use]) == 0) {
                        *ret = use;
                        return true;
                }
        }
        return false;
}

/* A line of the second form, cut at its blanks. */
static bool parse_key(struct ctx *ctx, char *line, struct kept_key *ret)
{
        char *words[4], *end = line;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                words[i] = end;
                end += strcspn(end, " ");
                if ((*end == '\0') != (i + 1 == ARRAY_SIZE(words)))
                        return false;
                if (*end)
                        *end++ = '\0';
        }
        return parse_use(words[0], &ret->use) && clock_parse_iso(words[2], &ret->since_us) &&
               crypto_hex_decode(words[3], strlen(words[3]), ret->key.bytes, MASTER_KEY_SIZE) &&
               name_key(ctx, &ret->key) == OK && strcmp(words[1], ret->key.id) == 0;
}

static bool is_known(const struct key_list *list, const char *id)
{
        for (size_t i = 0; i < list->count; i++) {
                if (strcmp(list->keys[i].key.id, id) == 0)
                        return true;
        }
        return false;
}

/* One line of the second form. False: it is wrong. */
static bool take_line(struct ctx *ctx, const char *text, size_t len, struct key_list *list)
{
        struct kept_key *kept = &list->keys[list->count];
        char line[LINE_SIZE];
        bool good;

        if (list->count == KEYS_MAX || len >= sizeof(line))
                return false;
        memcpy(line, text, len);
        line[len] = '\0';
        good = parse_key(ctx, line, kept) && !is_known(list, kept->key.id) &&
               (kept->use == KEY_SEALS) == (list->count == 0);
        secret_wipe(line, sizeof(line));
        list->count += good;
        return good;
}

static enum err parse_lines(struct ctx *ctx, const char *path, const char *text,
                            struct key_list *ret)
{
        for (unsigned number = 2; *text; number++) {
                const size_t len = strcspn(text, "\r\n");

                if (len == strlen(END) && strncmp(text, END, len) == 0 && ret->count > 0)
                        return OK;
                if (!take_line(ctx, text, len, ret))
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s:%u: this is no line of a key",
                                        path, number);
                text += len;
                text += *text == '\r';
                text += *text == '\n';
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s is cut: its last line must be \"" END "\"", path);
}

enum err key_file_parse(struct ctx *ctx, const char *path, const char *text, size_t len,
                        struct key_list *ret)
{
        const size_t head = strlen(HEAD);

        *ret = (struct key_list){ 0 };
        if (len <= head || strncmp(text, HEAD, head) != 0 || !strchr("\r\n", text[head]))
                return parse_text(ctx, path, text, len, ret);
        text += head;
        text += *text == '\r';
        text += *text == '\n';
        return parse_lines(ctx, path, text, ret);
}

/* ---- writing ---- */

enum err key_file_print(struct ctx *ctx, const struct key_list *list, char **ret_text)
{
        char *text = arena_strdup(ctx->arena, HEAD "\n");

        for (size_t i = 0; text && i < list->count; i++) {
                const struct kept_key *kept = &list->keys[i];
                char hex[HEX_LEN + 1], since[CLOCK_ISO_SIZE];
                char *before = text;

                crypto_hex(kept->key.bytes, MASTER_KEY_SIZE, hex);
                clock_format_iso(kept->since_us, since);
                text = arena_printf(ctx->arena, "%s%s %s %s %s\n", before, use_names[kept->use],
                                    kept->key.id, since, hex);
                secret_wipe(hex, sizeof(hex));
                secret_wipe(before, strlen(before));
        }
        if (text)
                text = arena_printf(ctx->arena, "%s" END "\n", text);
        if (!text)
                return ctx_nomem(ctx);
        *ret_text = text;
        return OK;
}
