#include "core/cloud/secrets/seal.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/secrets/key_ring.h"

#define HEAD_LEN (strlen("v1.") + KEY_ID_SIZE) /* "v1." id "." */

enum err seal_text(struct ctx *ctx, const char *place, struct secret plain, const char **ret_sealed)
{
        size_t len = plain.len + AEAD_OVERHEAD;
        unsigned char *bytes = arena_alloc(ctx->arena, len);
        char *text = arena_alloc(ctx->arena, HEAD_LEN + BASE64_SIZE(len));
        struct master_key key;
        bool sealed;
        enum err rc;

        if (!bytes || !text)
                return ctx_nomem(ctx);
        rc = key_ring_sealing(ctx, &key);
        if (rc != OK)
                return rc;
        sealed = crypto_aead_seal(key.bytes, (struct crypto_bytes){ place, strlen(place) },
                                  (struct crypto_bytes){ plain.bytes, plain.len }, bytes);
        secret_wipe(key.bytes, sizeof(key.bytes));
        if (!sealed)
                return ctx_fail(ctx, ERR_INTERNAL, "cannot encrypt");
        snprintf(text, HEAD_LEN + 1, "v1.%s.", key.id);
        crypto_base64(bytes, len, text + HEAD_LEN);
        *ret_sealed = text;
        return OK;
}

/* The key that a text says it is sealed under. */
static enum err find_key(struct ctx *ctx, const char *place, const char *sealed,
                         struct master_key *ret)
{
        char id[KEY_ID_SIZE];
        enum err rc;

        if (!seal_key_id(sealed, id))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%.64s is not a sealed text", place);
        rc = key_ring_find(ctx, id, ret);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "%.64s does not open: credential.key has no key %s; it may be on "
                                "another host, or with an older backup",
                                place, id);
        return rc;
}

bool seal_key_id(const char *sealed, char ret_id[KEY_ID_SIZE])
{
        if (strncmp(sealed, "v1.", 3) != 0 || strlen(sealed) <= HEAD_LEN ||
            sealed[HEAD_LEN - 1] != '.')
                return false;
        memcpy(ret_id, sealed + 3, KEY_ID_SIZE - 1);
        ret_id[KEY_ID_SIZE - 1] = '\0';
        return true;
}

enum err seal_open(struct ctx *ctx, const char *place, const char *sealed, struct secret *ret_plain)
{
        size_t text_len = strlen(sealed), len = 0;
        unsigned char *bytes = arena_alloc(ctx->arena, text_len + 1);
        char *plain = arena_alloc(ctx->arena, text_len + 1);
        struct master_key key;
        bool opened;
        enum err rc;

        if (!bytes || !plain)
                return ctx_nomem(ctx);
        rc = find_key(ctx, place, sealed, &key);
        if (rc != OK)
                return rc;
        opened = crypto_base64_decode(sealed + HEAD_LEN, text_len - HEAD_LEN, bytes, text_len,
                                      &len) &&
                 crypto_aead_open(key.bytes, (struct crypto_bytes){ place, strlen(place) },
                                  (struct crypto_bytes){ bytes, len }, (unsigned char *)plain);
        secret_wipe(key.bytes, sizeof(key.bytes));
        if (!opened)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "%.64s does not open with credential.key: the key or the row is "
                                "another one",
                                place);
        *ret_plain = (struct secret){ .bytes = plain, .len = len - AEAD_OVERHEAD };
        return OK;
}
