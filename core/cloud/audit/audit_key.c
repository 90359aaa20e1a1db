#include "core/cloud/audit/audit_key.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/secrets/private_file.h"

#define SETTING    "SIMPLETUNER_AUDIT_KEY"
#define FILE_NAME  "audit.key"
#define KEY_SIZE   32
#define LENGTH_MIN 16

static const char *const labels[AUDIT_USE_COUNT] = {
        [AUDIT_ENTRY] = "simpletuner-cloud audit entry 1",
        [AUDIT_HEAD] = "simpletuner-cloud audit head 1",
        [AUDIT_ANCHOR] = "simpletuner-cloud audit anchor 1",
        [AUDIT_EXPORT] = "simpletuner-cloud audit export 1",
};

struct audit_keys {
        pthread_mutex_t lock;
        bool loaded; /* once set, the set is not changed */
        struct audit_key_set set;
};

/* The key as text. ERR_NOT_FOUND: there is none. */
static enum err read_text(struct ctx *ctx, bool may_make, const char **ret)
{
        const char *path = arena_printf(ctx->arena, "%s/" FILE_NAME, ctx->config->home);
        char *text = NULL;
        size_t len = 0;
        enum err rc;

        *ret = config_secret(ctx->config, SETTING);
        if (*ret)
                return OK;
        if (!path)
                return ctx_nomem(ctx);
        rc = private_file_read(ctx, path, &text, &len);
        if (rc == ERR_NOT_FOUND && may_make) {
                rc = private_file_make_key(ctx, path, KEY_SIZE);
                if (rc == OK)
                        rc = private_file_read(ctx, path, &text, &len);
        }
        while (rc == OK && len > 0 && strchr("\r\n ", text[len - 1]))
                text[--len] = '\0';
        *ret = text;
        return rc;
}

static enum err load(struct ctx *ctx, bool may_make, struct audit_key_set *ret)
{
        const char *text;
        size_t len;
        enum err rc = read_text(ctx, may_make, &text);

        if (rc != OK)
                return rc;
        len = strlen(text);
        if (len < LENGTH_MIN)
                return ctx_fail(ctx, ERR_INVALID,
                                SETTING " or " FILE_NAME " must have at least %d characters",
                                LENGTH_MIN);
        for (unsigned use = 0; use < AUDIT_USE_COUNT; use++) {
                if (!crypto_hmac_sha256(text, len, labels[use], strlen(labels[use]), ret->of[use]))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot derive the audit keys");
        }
        return OK;
}

enum err audit_keys_new(struct ctx *ctx, struct audit_keys **ret)
{
        CLEANUP(audit_keys_freep) struct audit_keys *keys = calloc(1, sizeof(*keys));
        enum err rc;

        if (!keys)
                return ctx_nomem(ctx);
        pthread_mutex_init(&keys->lock, NULL);
        rc = load(ctx, false, &keys->set);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        keys->loaded = rc == OK;
        *ret = TAKE(keys);
        return OK;
}

void audit_keys_free(struct audit_keys *keys)
{
        if (!keys)
                return;
        secret_wipe(&keys->set, sizeof(keys->set));
        pthread_mutex_destroy(&keys->lock);
        free(keys);
}

static void free_keys(void *keys)
{
        audit_keys_free(keys);
}

/* For those who have no process around them: keys for as long as the arena. */
static enum err find_keys(struct ctx *ctx, struct audit_keys **ret)
{
        enum err rc;

        if (ctx->cloud) {
                *ret = ctx->cloud->audit_keys;
                return OK;
        }
        rc = audit_keys_new(ctx, ret);
        if (rc == OK && !arena_own(ctx->arena, *ret, free_keys))
                rc = ctx_nomem(ctx);
        return rc;
}

enum err audit_keys_get(struct ctx *ctx, bool may_make, const struct audit_key_set **ret)
{
        struct audit_keys *keys;
        enum err rc = find_keys(ctx, &keys);

        if (rc != OK)
                return rc;
        pthread_mutex_lock(&keys->lock);
        if (!keys->loaded)
                rc = load(ctx, may_make, &keys->set);
        keys->loaded = rc == OK;
        pthread_mutex_unlock(&keys->lock);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(
                        ctx, ERR_UNAVAILABLE,
                        "the audit log is signed, but its key is not here: bring %s/" FILE_NAME
                        " back, or set " SETTING,
                        ctx->config->home);
        if (rc == OK)
                *ret = &keys->set;
        return rc == ERR_INVALID ? ERR_UNAVAILABLE : rc;
}

enum err audit_keys_reload(struct ctx *ctx)
{
        struct audit_keys *fresh;
        enum err rc = audit_keys_new(ctx, &fresh);

        if (rc != OK)
                return rc;
        audit_keys_free(ctx->cloud->audit_keys);
        ctx->cloud->audit_keys = fresh;
        return OK;
}
