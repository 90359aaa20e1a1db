#include "core/cloud/upload_token.h"

#include <string.h>

#include "core/cloud/secrets.h"
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

/* The S3 secret key that belongs to a token. */
static enum err derive(struct ctx *ctx, const char *token, const char **ret_secret_key)
{
        unsigned char key[MASTER_KEY_SIZE], mac[SHA256_SIZE];
        bool done;
        enum err rc;

        rc = secrets_master_key(ctx, key);
        if (rc != OK)
                return rc;
        done = crypto_hmac_sha256(key, sizeof(key), token, TOKEN_LEN, mac);
        secret_wipe(key, sizeof(key));
        if (!done)
                return ctx_fail(ctx, ERR_INTERNAL, "cannot derive the key of an upload token");
        return encode(ctx, mac, ret_secret_key);
}

enum err upload_token_new(struct ctx *ctx, struct upload_token *ret)
{
        unsigned char bytes[TOKEN_BYTES];
        enum err rc;

        if (!crypto_random(bytes, sizeof(bytes)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for an upload token");
        rc = encode(ctx, bytes, &ret->token);
        if (rc != OK)
                return rc;
        if (!crypto_sha256_hex(ret->token, TOKEN_LEN, ret->sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload token");
        return derive(ctx, ret->token, &ret->secret_key);
}

enum err upload_token_owner(struct ctx *ctx, const char *token, const char **ret_job_id)
{
        char sha256[SHA256_HEX_SIZE];
        enum err rc = ERR_NOT_FOUND;

        if (strlen(token) == TOKEN_LEN) {
                if (!crypto_sha256_hex(token, TOKEN_LEN, sha256))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload token");
                rc = store_job_by_token(ctx, sha256, ret_job_id);
        }
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Invalid upload token. Token must match an active job.");
        return rc;
}

enum err upload_token_secret(struct ctx *ctx, const char *token, const char **ret_job_id,
                             struct secret *ret_secret_key)
{
        const char *job_id, *secret_key;
        enum err rc;

        rc = upload_token_owner(ctx, token, &job_id);
        if (rc == OK)
                rc = derive(ctx, token, &secret_key);
        if (rc != OK)
                return rc;
        *ret_job_id = job_id;
        *ret_secret_key = (struct secret){ secret_key, strlen(secret_key) };
        return OK;
}
