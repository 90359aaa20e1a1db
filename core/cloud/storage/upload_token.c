#include "core/cloud/storage/upload_token.h"

#include <string.h>

#include "core/cloud/secrets/key_ring.h"
#include "core/store/store_jobs.h"

#define TOKEN_BYTES 32
#define TOKEN_LEN   (UPLOAD_TOKEN_SIZE - 1)

static enum err encode(struct ctx *ctx, const unsigned char bytes[TOKEN_BYTES], const char **ret)
{
        char *text = arena_alloc(ctx->arena, BASE64_SIZE(TOKEN_BYTES));

        if (!text)
                return ctx_nomem(ctx);
        crypto_base64url(bytes, TOKEN_BYTES, text);
        *ret = text;
        return OK;
}

/* The S3 secret key that belongs to a token. Wipes the key. */
static enum err derive(struct ctx *ctx, const char *token, struct master_key *key,
                       const char **ret_secret_key)
{
        unsigned char mac[SHA256_SIZE];
        bool done;

        done = crypto_hmac_sha256(key->bytes, sizeof(key->bytes), token, TOKEN_LEN, mac);
        secret_wipe(key->bytes, sizeof(key->bytes));
        if (!done)
                return ctx_fail(ctx, ERR_INTERNAL, "cannot derive the key of an upload token");
        return encode(ctx, mac, ret_secret_key);
}

enum err upload_token_new(struct ctx *ctx, struct upload_token *ret)
{
        unsigned char bytes[TOKEN_BYTES];
        struct master_key key;
        enum err rc;

        if (!crypto_random(bytes, sizeof(bytes)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for an upload token");
        rc = encode(ctx, bytes, &ret->token);
        if (rc != OK)
                return rc;
        if (!crypto_sha256_hex(ret->token, TOKEN_LEN, ret->sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload token");
        rc = key_ring_sealing(ctx, &key);
        if (rc != OK)
                return rc;
        memcpy(ret->key_id, key.id, sizeof(ret->key_id));
        return derive(ctx, ret->token, &key, &ret->secret_key);
}

static enum err find_owner(struct ctx *ctx, const char *token, struct token_owner *ret)
{
        char sha256[SHA256_HEX_SIZE];
        enum err rc = ERR_NOT_FOUND;

        if (strlen(token) == TOKEN_LEN) {
                if (!crypto_sha256_hex(token, TOKEN_LEN, sha256))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload token");
                rc = store_job_by_token(ctx, sha256, ret);
        }
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Invalid upload token. Token must match an active job.");
        return rc;
}

enum err upload_token_owner(struct ctx *ctx, const char *token, const char **ret_job_id)
{
        struct token_owner owner;
        enum err rc = find_owner(ctx, token, &owner);

        if (rc == OK)
                *ret_job_id = owner.job_id;
        return rc;
}

enum err upload_token_secret(struct ctx *ctx, const char *token, const char **ret_job_id,
                             struct secret *ret_secret_key)
{
        struct token_owner owner;
        struct master_key key;
        const char *secret_key;
        enum err rc;

        rc = find_owner(ctx, token, &owner);
        if (rc != OK)
                return rc;
        rc = key_ring_find(ctx, owner.key_id, &key);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(
                        ctx, ERR_UNAVAILABLE,
                        "credential.key has no key %s, under which an upload token was made",
                        owner.key_id);
        if (rc == OK)
                rc = derive(ctx, token, &key, &secret_key);
        if (rc != OK)
                return rc;
        *ret_job_id = owner.job_id;
        *ret_secret_key = (struct secret){ secret_key, strlen(secret_key) };
        return OK;
}
