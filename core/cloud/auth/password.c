#include "core/cloud/auth/password.h"

#include <stdio.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/utf8.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define SALT_SIZE     16
#define KEY_SIZE      32
#define BLOCKS        8 /* r */
#define PASSES        3 /* p */
#define AT_ONCE_MAX   4
#define LOG_N_MAX     20
#define SALT_TEXT_MAX BASE64_SIZE(SALT_SIZE)
#define KEY_TEXT_MAX  BASE64_SIZE(KEY_SIZE)

struct hash {
        struct crypto_scrypt cost;
        unsigned char salt[SALT_SIZE], key[KEY_SIZE];
};

static struct crypto_scrypt cost_now(const struct ctx *ctx)
{
        return (struct crypto_scrypt){ (unsigned)ctx->config->password_cost, BLOCKS, PASSES };
}

enum err password_check_rules(struct ctx *ctx, const char *field, const char *password)
{
        const size_t len = strlen(password);

        if (len < PASSWORD_MIN || len > PASSWORD_MAX || !utf8_is_valid(password))
                return ctx_fail(ctx, ERR_INVALID, "%s must be text of %d to %d bytes", field,
                                PASSWORD_MIN, PASSWORD_MAX);
        return OK;
}

/* The slow step. Each one takes memory, so those that come when enough are under way are sent away
 * instead of kept waiting on a thread that could answer others. */
static enum err derive(struct ctx *ctx, struct secret password, struct hash *hash)
{
        const struct crypto_bytes salt = { hash->salt, SALT_SIZE };
        atomic_uint *hashing = &ctx->cloud->hashing;
        bool done = false;

        if (db_in_transaction(ctx))
                return ctx_fail(ctx, ERR_INTERNAL, "a password is hashed in a transaction");
        if (atomic_fetch_add(hashing, 1) < AT_ONCE_MAX)
                done = crypto_scrypt(password, salt, &hash->cost, hash->key, KEY_SIZE);
        else
                ctx->retry_after_s = 1;
        atomic_fetch_sub(hashing, 1);
        if (done)
                return OK;
        if (ctx->retry_after_s)
                return ctx_fail(ctx, ERR_LIMITED, "Too many logins at once; try again in a second");
        return ctx_fail(ctx, ERR_INTERNAL, "scrypt failed");
}

enum err password_hash(struct ctx *ctx, struct secret password, const char **ret_hash)
{
        struct hash hash = { .cost = cost_now(ctx) };
        char salt[SALT_TEXT_MAX], key[KEY_TEXT_MAX];
        enum err rc;

        if (!crypto_random(hash.salt, SALT_SIZE))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for a salt");
        rc = derive(ctx, password, &hash);
        if (rc != OK)
                return rc;
        crypto_base64(hash.salt, SALT_SIZE, salt);
        crypto_base64(hash.key, KEY_SIZE, key);
        *ret_hash = arena_printf(ctx->arena, "$scrypt$ln=%u,r=%u,p=%u$%s$%s", hash.cost.log_n,
                                 hash.cost.r, hash.cost.p, salt, key);
        return *ret_hash ? OK : ctx_nomem(ctx);
}

static bool parse(const char *text, struct hash *ret)
{
        char salt[SALT_TEXT_MAX], key[KEY_TEXT_MAX];
        size_t salt_len, key_len;
        struct crypto_scrypt cost;
        int end = 0;

        if (sscanf(text, "$scrypt$ln=%2u,r=%2u,p=%2u$%24[^$]$%44[^$]%n", &cost.log_n, &cost.r,
                   &cost.p, salt, key, &end) != 5 ||
            text[end] != '\0' || cost.log_n < 1 || cost.log_n > LOG_N_MAX || cost.r < 1 ||
            cost.p < 1)
                return false;
        ret->cost = cost;
        return crypto_base64_decode(salt, strlen(salt), ret->salt, SALT_SIZE, &salt_len) &&
               crypto_base64_decode(key, strlen(key), ret->key, KEY_SIZE, &key_len) &&
               salt_len == SALT_SIZE && key_len == KEY_SIZE;
}

/* The same work for nobody, so that the time does not tell whether there is somebody. */
static enum err verify_nobody(struct ctx *ctx, struct secret password, struct password_verdict *ret)
{
        struct hash nobody = { .cost = cost_now(ctx) };
        enum err rc = derive(ctx, password, &nobody);

        if (rc == OK)
                *ret = (struct password_verdict){ .matches = false };
        return rc;
}

enum err password_verify(struct ctx *ctx, struct secret password, const char *hash,
                         struct password_verdict *ret)
{
        const struct crypto_scrypt now = cost_now(ctx);
        struct hash expected, tried;
        enum err rc;

        if (!hash)
                return verify_nobody(ctx, password, ret);
        if (!parse(hash, &expected))
                return ctx_fail(ctx, ERR_INTERNAL, "a password hash cannot be read");
        tried = expected;
        rc = derive(ctx, password, &tried);
        if (rc != OK)
                return rc;
        ret->matches = secret_equal((struct secret){ (const char *)expected.key, KEY_SIZE },
                                    (struct secret){ (const char *)tried.key, KEY_SIZE });
        ret->is_stale = ret->matches && (expected.cost.log_n != now.log_n ||
                                         expected.cost.r != now.r || expected.cost.p != now.p);
        return OK;
}
