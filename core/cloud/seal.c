#include "core/cloud/seal.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/secrets.h"

#define KEY_ID_BYTES 4
#define KEY_ID_SIZE  (2 * KEY_ID_BYTES + 1)
#define HEAD_LEN     (strlen("v1.") + KEY_ID_SIZE) /* "v1." id "." */

/* The key and the first digits of its hash, by which a text says under which key it is sealed. */
struct key {
        unsigned char bytes[MASTER_KEY_SIZE];
        char id[KEY_ID_SIZE];
};

static enum err load_key(struct ctx *ctx, struct key *ret)
{
        unsigned char hash[SHA256_SIZE];
        enum err rc;

        rc = secrets_master_key(ctx, ret->bytes);
        if (rc != OK)
                return rc;
        if (!crypto_hmac_sha256(ret->bytes, sizeof(ret->bytes), "key id", 6, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot name the master key");
        crypto_hex(hash, KEY_ID_BYTES, ret->id);
        return OK;
}

enum err seal_text(struct ctx *ctx, const char *place, struct secret plain, const char **ret_sealed)
{
        size_t len = plain.len + AEAD_OVERHEAD;
        unsigned char *bytes = arena_alloc(ctx->arena, len);
        char *text = arena_alloc(ctx->arena, HEAD_LEN + BASE64_SIZE(len));
        struct key key;
        bool sealed;
        enum err rc;

        if (!bytes || !text)
                return ctx_nomem(ctx);
        rc = load_key(ctx, &key);
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

enum err seal_open(struct ctx *ctx, const char *place, const char *sealed, struct secret *ret_plain)
{
        size_t text_len = strlen(sealed), len = 0;
        unsigned char *bytes = arena_alloc(ctx->arena, text_len + 1);
        char *plain = arena_alloc(ctx->arena, text_len + 1);
        struct key key;
        bool opened;
        enum err rc;

        if (!bytes || !plain)
                return ctx_nomem(ctx);
        rc = load_key(ctx, &key);
        if (rc != OK)
                return rc;
        opened = text_len > HEAD_LEN && strncmp(sealed, "v1.", 3) == 0 &&
                 crypto_base64_decode(sealed + HEAD_LEN, text_len - HEAD_LEN, bytes, text_len,
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
