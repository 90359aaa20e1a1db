#include "core/cloud/secrets/key_ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/file_mark.h"
#include "core/cloud/secrets/private_file.h"

struct key_ring {
        pthread_mutex_t lock;
        char *path, *lock_path;
        struct key_list list; /* as last read; count 0: not yet */
        struct file_mark mark;
        bool is_stuck; /* the file as it is now cannot be used, which the log has been told */
};

enum err key_ring_new(struct ctx *ctx, struct key_ring **ret)
{
        CLEANUP(key_ring_freep) struct key_ring *ring = calloc(1, sizeof(*ring));

        if (!ring)
                return ctx_nomem(ctx);
        ring->mark = FILE_MARK_NONE;
        pthread_mutex_init(&ring->lock, NULL);
        if (asprintf(&ring->path, "%s/credential.key", ctx->config->home) < 0 ||
            asprintf(&ring->lock_path, "%s/.credential.lock", ctx->config->home) < 0)
                return ctx_nomem(ctx);
        *ret = TAKE(ring);
        return OK;
}

void key_ring_free(struct key_ring *ring)
{
        if (!ring)
                return;
        file_mark_drop(&ring->mark);
        free(ring->path);
        free(ring->lock_path);
        secret_wipe(&ring->list, sizeof(ring->list));
        pthread_mutex_destroy(&ring->lock);
        free(ring);
}

const char *key_ring_path(const struct key_ring *ring)
{
        return ring->path;
}

static enum err read_file(struct ctx *ctx, const char *path, struct key_list *ret)
{
        size_t len = 0;
        char *text = NULL;
        enum err rc;

        rc = private_file_read(ctx, path, &text, &len);
        if (rc == OK)
                rc = key_file_parse(ctx, path, text, len, ret);
        if (text)
                secret_wipe(text, len);
        return rc;
}

/* Read the file into the ring; made when it is not there and never was. Called under lock. */
static enum err load(struct ctx *ctx, struct key_ring *ring)
{
        struct file_mark mark = FILE_MARK_NONE;
        struct key_list list;
        enum err rc = file_mark_take(ctx, ring->path, &mark);

        if (rc == ERR_NOT_FOUND && ring->list.count == 0) {
                rc = private_file_make_key(ctx, ring->path, MASTER_KEY_SIZE);
                if (rc == OK)
                        rc = file_mark_take(ctx, ring->path, &mark);
        }
        if (rc == OK)
                rc = read_file(ctx, ring->path, &list);
        if (rc != OK) {
                file_mark_drop(&mark);
                return rc == ERR_NOT_FOUND
                               ? ctx_fail(ctx, ERR_UNAVAILABLE, "%s is gone", ring->path)
                               : rc;
        }
        file_mark_drop(&ring->mark);
        ring->mark = mark;
        ring->list = list;
        secret_wipe(&list, sizeof(list));
        return OK;
}

/* Called under lock. */
static enum err refresh(struct ctx *ctx, struct key_ring *ring)
{
        enum err rc;

        if (file_mark_holds(&ring->mark, ring->path))
                return OK;
        rc = load(ctx, ring);
        if (rc == OK || ring->list.count == 0 || rc == ERR_NOMEM) {
                ring->is_stuck = false;
                return rc;
        }
        if (!ring->is_stuck)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.secrets",
                          "The keys stay as they were read before", "reason", ctx->detail);
        ring->is_stuck = true;
        return OK;
}

enum err key_ring_read(struct ctx *ctx, struct key_list *ret)
{
        struct key_ring *ring = ctx->cloud->keys;
        enum err rc;

        pthread_mutex_lock(&ring->lock);
        rc = refresh(ctx, ring);
        if (rc == OK)
                *ret = ring->list;
        pthread_mutex_unlock(&ring->lock);
        return rc;
}

enum err key_ring_sealing(struct ctx *ctx, struct master_key *ret)
{
        struct key_list list;
        enum err rc = key_ring_read(ctx, &list);

        if (rc != OK)
                return rc;
        *ret = list.keys[0].key;
        secret_wipe(&list, sizeof(list));
        return OK;
}

enum err key_ring_find(struct ctx *ctx, const char *id, struct master_key *ret)
{
        struct key_list list;
        enum err rc = key_ring_read(ctx, &list);

        if (rc != OK)
                return rc;
        rc = ERR_NOT_FOUND;
        for (size_t i = list.count; rc != OK && i-- > 0;) {
                if (id ? strcmp(list.keys[i].key.id, id) == 0 : list.keys[i].use != KEY_NEXT) {
                        *ret = list.keys[i].key;
                        rc = OK;
                }
        }
        secret_wipe(&list, sizeof(list));
        return rc;
}

static enum err write_file(struct ctx *ctx, const struct key_ring *ring,
                           const struct key_list *list)
{
        char *text;
        enum err rc = key_file_print(ctx, list, &text);

        if (rc != OK)
                return rc;
        rc = private_file_replace(ctx, ring->path, text);
        secret_wipe(text, strlen(text));
        return rc;
}

enum err key_ring_change(struct ctx *ctx, key_change_fn *change, void *arg)
{
        struct key_ring *ring = ctx->cloud->keys;
        CLEANUP(close_fdp) int lock = -1;
        struct key_list list = { 0 };
        enum err rc;

        rc = private_file_lock(ctx, ring->lock_path, &lock);
        if (rc != OK)
                return rc;
        pthread_mutex_lock(&ring->lock);
        rc = file_mark_holds(&ring->mark, ring->path) ? OK : load(ctx, ring);
        if (rc == OK)
                list = ring->list;
        pthread_mutex_unlock(&ring->lock);
        if (rc == OK)
                rc = change(ctx, &list, arg);
        if (rc == OK)
                rc = write_file(ctx, ring, &list);
        secret_wipe(&list, sizeof(list));
        return rc;
}
