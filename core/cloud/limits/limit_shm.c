/* The backend "memory": windows in memory that all processes of a host share, or where there is no
 * shared memory, each for itself. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/base/shared_memory.h"
#include "core/base/window_table.h"
#include "core/cloud/limits/limit_backend.h"

static_assert(LIMIT_KEY_SIZE == WINDOW_KEY_SIZE, "keys fit");
static_assert(RATE_CALLS_MAX <= WINDOW_CALLS_MAX, "limits fit");
static_assert(RATE_PERIOD_MAX * 1000 <= WINDOW_MS_MAX, "periods fit");

struct store {
        pthread_mutex_t mutex; /* of whoever attaches first */
        _Atomic(struct window_table *) table;
        struct shared_memory *shared; /* NULL: the table is our own */
};

static enum err open_store(struct ctx *ctx, void **ret_store)
{
        struct store *store = calloc(1, sizeof(*store));

        if (!store)
                return ctx_nomem(ctx);
        pthread_mutex_init(&store->mutex, NULL);
        *ret_store = store;
        return OK;
}

static void close_store(void *arg)
{
        struct store *store = arg;

        if (!store->shared)
                free(atomic_load(&store->table));
        shared_memory_close(store->shared);
        pthread_mutex_destroy(&store->mutex);
        free(store);
}

static struct window_table *attach(struct ctx *ctx, struct store *store)
{
        const struct shared_layout layout = {
                .kind = WINDOW_TABLE_KIND,
                .owner = ctx->config->home,
                .version = WINDOW_TABLE_VERSION,
                .size = window_table_size(),
                .init = window_table_init,
        };
        struct window_table *table;

        if (shared_memory_open(&layout, &store->shared))
                return shared_memory_bytes(store->shared);
        log_event(ctx, LOG_WARNING, "simpletuner.cloud.limits",
                  "There is no shared memory: each process counts limits for itself");
        table = aligned_alloc(64, window_table_size());
        if (table)
                window_table_init(table, window_table_size());
        return table;
}

/* Attached on first use: most commands of the companion count nothing. */
static enum err table_of(struct ctx *ctx, struct store *store, struct window_table **ret)
{
        *ret = atomic_load_explicit(&store->table, memory_order_acquire);
        if (*ret)
                return OK;
        pthread_mutex_lock(&store->mutex);
        *ret = atomic_load(&store->table);
        if (!*ret) {
                *ret = attach(ctx, store);
                atomic_store_explicit(&store->table, *ret, memory_order_release);
        }
        pthread_mutex_unlock(&store->mutex);
        return *ret ? OK : ctx_nomem(ctx);
}

typedef void ask_fn(struct window_table *table, const struct window *window, int64_t now_us,
                    struct window_count *ret);

static enum err ask(struct ctx *ctx, void *store, const struct limit_window *asked, ask_fn *fn,
                    struct limit_count *ret)
{
        const struct window window = { asked->key, asked->calls, asked->window_s * 1000 };
        struct window_table *table;
        struct window_count count;
        enum err rc = table_of(ctx, store, &table);

        if (rc != OK)
                return rc;
        fn(table, &window, clock_mono_us(ctx->clock), &count);
        *ret = (struct limit_count){ count.admitted, count.count, count.reset_in_us };
        return OK;
}

static enum err take(struct ctx *ctx, void *store, const struct limit_window *window,
                     struct limit_count *ret)
{
        return ask(ctx, store, window, window_table_take, ret);
}

static enum err look(struct ctx *ctx, void *store, const struct limit_window *window,
                     struct limit_count *ret)
{
        return ask(ctx, store, window, window_table_look, ret);
}

static enum err forget(struct ctx *ctx, void *store, const char *key)
{
        struct window_table *table;
        enum err rc = table_of(ctx, store, &table);

        if (rc == OK)
                window_table_forget(table, key);
        return rc;
}

static enum err each_key(struct ctx *ctx, void *store, limit_each_fn *each, void *arg)
{
        struct window_table *table;
        enum err rc = table_of(ctx, store, &table);

        if (rc == OK)
                window_table_each(table, clock_mono_us(ctx->clock), each, arg);
        return rc;
}

static enum err ping(struct ctx *ctx, void *store)
{
        struct window_table *table;

        return table_of(ctx, store, &table);
}

const struct limit_backend limit_shm = {
        .name = "memory",
        .open = open_store,
        .close = close_store,
        .take = take,
        .look = look,
        .forget = forget,
        .each = each_key,
        .ping = ping,
};
