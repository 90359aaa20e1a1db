/* Limits counted in SQL databases: one row a key (store_windows.h), in a database that need not be
 * the service's. Each call is one transaction with the row locked, so that hosts count together. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/service_url.h"
#include "core/cloud/limits/limit_backend.h"
#include "core/cloud/limits/limit_pool.h"
#include "core/db/db.h"
#include "core/store/store_windows.h"

/* Deadlocks and connections that were lost since their last use: tried again at once. */
#define TRIES 4

#define PAGE        100 /* rows listed at once: each may hold RATE_CALLS_MAX times */
#define SWEEP_BATCH 1000
#define SWEEP_MAX   100 /* batches of one sweep */

struct limit_db {
        struct database *database;
        struct limit_pool *pool; /* of struct db */
        const char *prefix;      /* the configuration's */
        int64_t timeout_us;
        atomic_bool is_prepared; /* the table is there */
};

static void close_store(void *arg)
{
        struct limit_db *store = arg;

        limit_pool_free(store->pool);
        database_close(store->database);
        free(store);
}
DEFINE_CLEANUP(void *, close_store)

static void close_connection(void *connection)
{
        db_free(connection);
}

/* An SQLite file has one writer at a time: threads of a process wait for each other in the pool,
 * which wakes them, and not in SQLite, which sleeps. */
static enum err open_store(struct ctx *ctx, const char *url, void **ret_store)
{
        const struct config *config = ctx->config;
        const struct database_use use = {
                .setting = "STATE_BACKEND_URL",
                .forgettable = true,
                .ca_bundle = config->ca_bundle,
                .ssl_verify = config->ssl_verify,
        };
        CLEANUP(close_storep) void *guard = NULL;
        struct limit_db *store = calloc(1, sizeof(*store));
        enum err rc;

        guard = store;
        if (!store)
                return ctx_nomem(ctx);
        if (strlen(config->state_key_prefix) + LIMIT_KEY_SIZE > STORE_WINDOW_NAME_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "STATE_BACKEND_KEY_PREFIX must be at most %d bytes long",
                                STORE_WINDOW_NAME_MAX - LIMIT_KEY_SIZE);
        store->prefix = config->state_key_prefix;
        store->timeout_us = (int64_t)(config->state_timeout_s * (double)US_PER_S);
        rc = database_open_as(ctx, url, &use, &store->database);
        if (rc != OK)
                return rc;
        store->pool =
                limit_pool_new(database_path(store->database) ? 1 : (size_t)config->state_pool_size,
                               close_connection);
        if (!store->pool)
                return ctx_nomem(ctx);
        *ret_store = TAKE(guard);
        return OK;
}

static bool begins_with(const char *text, const char *start)
{
        return strncmp(text, start, strlen(start)) == 0;
}

static bool is_pgsql_url(const char *url)
{
        return begins_with(url, "postgresql://") || begins_with(url, "postgres://");
}

static enum err open_sqlite(struct ctx *ctx, void **ret_store)
{
        const char *url = ctx->config->state_url;

        if (!*url) {
                url = arena_printf(ctx->arena, "sqlite://%s/config/cloud/state.db",
                                   ctx->config->home);
                if (!url)
                        return ctx_nomem(ctx);
        }
        if (!begins_with(url, "sqlite:///"))
                return ctx_fail(ctx, ERR_INVALID,
                                "STATE_BACKEND_URL must be sqlite:///absolute/path for "
                                "STATE_BACKEND=sqlite");
        return open_store(ctx, url, ret_store);
}

static enum err open_pgsql(struct ctx *ctx, void **ret_store)
{
        const char *url = ctx->config->state_url;

        if (!*url && is_pgsql_url(ctx->config->database_url))
                url = ctx->config->database_url;
        if (!*url)
                return ctx_fail(ctx, ERR_INVALID,
                                "STATE_BACKEND_URL must be given for postgresql: "
                                "SIMPLETUNER_DATABASE_URL is no such database");
        if (!is_pgsql_url(url))
                return ctx_fail(ctx, ERR_INVALID,
                                "STATE_BACKEND_URL must be postgresql://user@host/name for "
                                "STATE_BACKEND=postgresql");
        return open_store(ctx, url, ret_store);
}

/* ---- one piece of work on a connection of the pool ---- */

struct work {
        struct limit_db *store;
        const struct limit_window *window;
        const char *name; /* the key with its prefix */
        struct limit_count *count;
        void *arg;
};

typedef enum err work_fn(struct ctx *ctx, const struct work *work);

static enum err try_work(struct ctx *ctx, work_fn *fn, const struct work *work)
{
        struct limit_db *store = work->store;
        enum err rc = OK;

        if (!atomic_load(&store->is_prepared))
                rc = store_windows_prepare(ctx);
        if (rc == OK) {
                atomic_store(&store->is_prepared, true);
                rc = fn(ctx, work);
        }
        /* Our SQL is right: somebody took the table away. */
        if (rc == ERR_INTERNAL)
                atomic_store(&store->is_prepared, false);
        return rc;
}

static enum err run_on(struct ctx *ctx, work_fn *fn, const struct work *work, int64_t deadline_us)
{
        int64_t left_us = deadline_us - clock_mono_us(&clock_system);
        enum err rc = ERR_UNAVAILABLE;

        for (unsigned tries = 0; tries < TRIES && left_us > 0; tries++) {
                db_set_timeout(ctx, (unsigned)(left_us / US_PER_MS) + 1);
                rc = try_work(ctx, fn, work);
                if (rc != ERR_UNAVAILABLE && rc != ERR_INTERNAL)
                        return rc;
                left_us = deadline_us - clock_mono_us(&clock_system);
        }
        return rc;
}

static enum err run(struct ctx *ctx, work_fn *fn, const struct work *work)
{
        struct limit_db *store = work->store;
        int64_t deadline_us = clock_mono_us(&clock_system) + store->timeout_us;
        struct db *own = ctx->db;
        void *connection = NULL;
        enum err rc;

        rc = limit_pool_get(ctx, store->pool, deadline_us, &connection);
        if (rc != OK)
                return rc;
        ctx->db = connection ? connection : db_new(store->database);
        rc = ctx->db ? run_on(ctx, fn, work, deadline_us) : ctx_nomem(ctx);
        limit_pool_put(store->pool, ctx->db);
        ctx->db = own;
        return rc;
}

static enum err run_for_key(struct ctx *ctx, work_fn *fn, struct work *work, const char *key)
{
        if (strlen(key) >= LIMIT_KEY_SIZE)
                return ctx_fail(ctx, ERR_INVALID, "the key of a limit is too long");
        work->name = arena_printf(ctx->arena, "%s%s", work->store->prefix, key);
        return work->name ? run(ctx, fn, work) : ctx_nomem(ctx);
}

/* ---- counting ---- */

/* How many calls, counted from the oldest, have left the window. Those of a clock that was far
 * ahead count for nothing. */
static size_t count_gone(const struct store_window *row, int64_t window_us)
{
        size_t low = 0, high = row->call_count;

        if (high > 0 && store_window_time(row, high - 1) > row->now_us + window_us)
                return high;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (store_window_time(row, middle) <= row->now_us - window_us)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int64_t reset_in(const struct store_window *row, size_t oldest, int64_t window_us)
{
        int64_t reset_us;

        if (oldest == row->call_count)
                return 0;
        reset_us = store_window_time(row, oldest) + window_us - row->now_us;
        return reset_us > 0 ? reset_us : 1;
}

static enum err take_call(struct ctx *ctx, const struct work *work)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t window_us = work->window->window_s * US_PER_S, at_us;
        struct store_window row;
        size_t gone;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_window_lock(ctx, work->name, &row);
        if (rc != OK)
                return rc;
        gone = count_gone(&row, window_us);
        *work->count = (struct limit_count){
                .admitted = row.call_count - gone < work->window->calls,
                .count = (unsigned)(row.call_count - gone),
                .reset_in_us = reset_in(&row, gone, window_us),
        };
        if (!work->count->admitted)
                return OK;
        at_us = row.now_us;
        if (row.call_count > gone && store_window_time(&row, row.call_count - 1) > at_us)
                at_us = store_window_time(&row, row.call_count - 1);
        rc = store_window_add(ctx, work->name, gone, at_us, at_us + window_us);
        if (rc != OK)
                return rc;
        if (work->count->count++ == 0)
                work->count->reset_in_us = window_us;
        return db_commit(&tx);
}

static enum err look_at_calls(struct ctx *ctx, const struct work *work)
{
        int64_t window_us = work->window->window_s * US_PER_S;
        struct store_window row;
        size_t gone;
        enum err rc;

        rc = store_window_get(ctx, work->name, &row);
        if (rc != OK)
                return rc;
        gone = count_gone(&row, window_us);
        *work->count = (struct limit_count){
                .admitted = row.call_count - gone < work->window->calls,
                .count = (unsigned)(row.call_count - gone),
                .reset_in_us = reset_in(&row, gone, window_us),
        };
        return OK;
}

static enum err forget_calls(struct ctx *ctx, const struct work *work)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_window_remove(ctx, work->name);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err take(struct ctx *ctx, void *store, const struct limit_window *window,
                     struct limit_count *ret)
{
        struct work work = { .store = store, .window = window, .count = ret };

        return run_for_key(ctx, take_call, &work, window->key);
}

static enum err look(struct ctx *ctx, void *store, const struct limit_window *window,
                     struct limit_count *ret)
{
        struct work work = { .store = store, .window = window, .count = ret };

        return run_for_key(ctx, look_at_calls, &work, window->key);
}

static enum err forget(struct ctx *ctx, void *store, const char *key)
{
        struct work work = { .store = store };

        return run_for_key(ctx, forget_calls, &work, key);
}

/* ---- all keys ---- */

/* A row does not say how long its window is: from its last call to where it expires. */
static unsigned count_current(const struct store_window *row)
{
        int64_t last_us = row->call_count ? store_window_time(row, row->call_count - 1) : 0;

        return (unsigned)(row->call_count - count_gone(row, row->expires_at_us - last_us));
}

/* One page of rows; the callback is told after the database is done with. */
struct page {
        const char *after;
        size_t count;
        struct store_window rows[PAGE];
};

static enum err read_page(struct ctx *ctx, const struct work *work)
{
        struct page *page = work->arg;

        return store_windows_list(ctx, page->after, PAGE, page->rows, &page->count);
}

/* False: enough, or all names with the prefix have been. */
static bool tell_page(const struct page *page, const struct limit_db *store, limit_each_fn *each,
                      void *arg)
{
        for (size_t i = 0; i < page->count; i++) {
                const char *name = page->rows[i].name;
                unsigned count = count_current(&page->rows[i]);

                if (!begins_with(name, store->prefix) ||
                    (count > 0 && !each(arg, name + strlen(store->prefix), count)))
                        return false;
        }
        return page->count == PAGE;
}

static enum err each_key(struct ctx *ctx, void *arg, limit_each_fn *each, void *each_arg)
{
        struct limit_db *store = arg;
        struct page *page = arena_alloc(ctx->arena, sizeof(*page));
        struct work work = { .store = store, .arg = page };
        enum err rc;

        if (!page)
                return ctx_nomem(ctx);
        page->after = store->prefix;
        do {
                rc = run(ctx, read_page, &work);
                if (rc != OK)
                        return rc;
                if (page->count > 0)
                        page->after = page->rows[page->count - 1].name;
        } while (tell_page(page, store, each, each_arg));
        return OK;
}

/* ---- upkeep ---- */

static enum err sweep_batch(struct ctx *ctx, const struct work *work)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_windows_sweep(ctx, SWEEP_BATCH, work->arg);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err sweep(struct ctx *ctx, void *store)
{
        int64_t removed = 0;
        struct work work = { .store = store, .arg = &removed };
        enum err rc = OK;

        for (unsigned batch = 0; batch < SWEEP_MAX; batch++) {
                rc = run(ctx, sweep_batch, &work);
                if (rc != OK || removed < SWEEP_BATCH)
                        break;
        }
        return rc;
}

static enum err read_nothing(struct ctx *ctx, const struct work *work)
{
        struct store_window row;

        return store_window_get(ctx, work->name, &row);
}

static enum err ping(struct ctx *ctx, void *store)
{
        struct work work = { .store = store };

        return run_for_key(ctx, read_nothing, &work, "");
}

#define SQL_BACKEND(name_, open_)                                                                  \
        {                                                                                          \
                .name = (name_), .open = (open_), .close = close_store, .take = take,              \
                .look = look, .forget = forget, .each = each_key, .ping = ping, .sweep = sweep,    \
        }

const struct limit_backend limit_sqlite = SQL_BACKEND("sqlite", open_sqlite);
const struct limit_backend limit_pgsql = SQL_BACKEND("postgresql", open_pgsql);

#ifdef WITH_MYSQL
static enum err open_mysql(struct ctx *ctx, void **ret_store)
{
        static const char *const options[] = { "socket", "tls", NULL };
        const char *text = ctx->config->state_url;
        struct service_url url;

        if ((!begins_with(text, "mysql://") && !begins_with(text, "mariadb://")) ||
            !service_url_parse(ctx->arena, text, &url) || strlen(url.path) < 2 ||
            !service_url_has_only(&url, options))
                return ctx_fail(ctx, ERR_INVALID,
                                "STATE_BACKEND_URL must be mysql://[user:password@]host[:port]/"
                                "database[?tls=1] or mysql://user@/database?socket=/path for "
                                "STATE_BACKEND=mysql");
        return open_store(ctx, text, ret_store);
}

const struct limit_backend limit_mysql = SQL_BACKEND("mysql", open_mysql);
#endif
