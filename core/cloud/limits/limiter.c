#include "core/cloud/limits/limiter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/limit_backend.h"
#include "core/cloud/metrics/meter.h"

#define ASK_AGAIN_US (1 * US_PER_S)
#define STALL_US     (250 * US_PER_MS) /* without any answer: do not wait in a queue behind others */

static const char logger[] = "simpletuner.cloud.limits";

#ifdef WITH_REDIS
#define REDIS &limit_redis
#else
#define REDIS NULL
#endif
#ifdef WITH_MYSQL
#define MYSQL &limit_mysql
#else
#define MYSQL NULL
#endif

/* Every backend there is, by its names in STATE_BACKEND. NULL: this build does not have it. */
/* clang-format off */
static const struct { const char *word; const struct limit_backend *backend; const char *option; }
backends[] = {
        { "memory",     &limit_shm,    "" },
        { "sqlite",     &limit_sqlite, "" },
        { "postgresql", &limit_pgsql,  "" },
        { "postgres",   &limit_pgsql,  "" },
        { "redis",      REDIS,         "--with-redis" },
        { "mysql",      MYSQL,         "--with-mysql" },
        { "mariadb",    MYSQL,         "--with-mysql" },
};
/* clang-format on */

struct limiter {
        const struct limit_backend *backend;
        void *store;
        bool is_local;                /* in memory: it is never away */
        atomic_bool away;             /* it did not answer */
        atomic_llong ask_again_us;    /* while it is away: when the next thread may; monotonic */
        atomic_uint waiting;          /* calls that wait for its answer */
        atomic_llong last_heard_us;   /* of any of them; monotonic */
        pthread_mutex_t mutex;        /* of the reason */
        char reason[CTX_DETAIL_SIZE]; /* why it is away */
};

static enum err choose(struct ctx *ctx, const struct limit_backend **ret)
{
        const char *word = ctx->config->state_backend;

        for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
                if (strcmp(backends[i].word, word) != 0)
                        continue;
                *ret = backends[i].backend;
                return *ret ? OK
                            : ctx_fail(ctx, ERR_INVALID,
                                       "STATE_BACKEND %s: this program was built without it; build "
                                       "it with ./configure %s",
                                       word, backends[i].option);
        }
        return ctx_fail(ctx, ERR_INVALID, "STATE_BACKEND %s is not known", word);
}

enum err limiter_new_on(struct ctx *ctx, const struct limit_backend *backend, struct limiter **ret)
{
        CLEANUP(limiter_freep) struct limiter *limiter = calloc(1, sizeof(*limiter));
        enum err rc;

        if (!limiter)
                return ctx_nomem(ctx);
        pthread_mutex_init(&limiter->mutex, NULL);
        limiter->backend = backend;
        rc = backend->open(ctx, &limiter->store);
        if (rc != OK)
                return rc;
        limiter->is_local = limiter->backend == &limit_shm;
        *ret = TAKE(limiter);
        return OK;
}

enum err limiter_new(struct ctx *ctx, struct limiter **ret)
{
        const struct limit_backend *backend;
        enum err rc = choose(ctx, &backend);

        return rc == OK ? limiter_new_on(ctx, backend, ret) : rc;
}

void limiter_free(struct limiter *limiter)
{
        if (!limiter)
                return;
        if (limiter->store)
                limiter->backend->close(limiter->store);
        pthread_mutex_destroy(&limiter->mutex);
        free(limiter);
}

static struct limiter *limiter_of(const struct ctx *ctx)
{
        return ctx->cloud ? ctx->cloud->limiter : NULL;
}

/* ---- asking a backend that may be away ---- */

static void note_away(struct ctx *ctx, struct limiter *limiter)
{
        pthread_mutex_lock(&limiter->mutex);
        snprintf(limiter->reason, sizeof(limiter->reason), "%s", ctx->detail);
        pthread_mutex_unlock(&limiter->mutex);
        atomic_store(&limiter->ask_again_us, clock_mono_us(ctx->clock) + ASK_AGAIN_US);
        if (!atomic_exchange(&limiter->away, true))
                log_event(ctx, LOG_WARNING, logger,
                          "Rate limits are not enforced: the state backend does not answer",
                          "backend", limiter->backend->name, "reason", ctx->detail);
}

static void note_back(struct ctx *ctx, struct limiter *limiter)
{
        if (atomic_load_explicit(&limiter->away, memory_order_relaxed) &&
            atomic_exchange(&limiter->away, false))
                log_event(ctx, LOG_WARNING, logger, "Rate limits are enforced again", "backend",
                          limiter->backend->name);
}

/* Others wait, and none of them has heard anything for a while. */
static bool is_stalled(const struct limiter *limiter, int64_t now_us)
{
        return atomic_load(&limiter->waiting) > 0 &&
               now_us - atomic_load(&limiter->last_heard_us) > STALL_US;
}

/* While it is away, one thread in a second: whoever moves that second on. */
static bool take_turn(struct limiter *limiter, int64_t now_us)
{
        long long due_us = atomic_load(&limiter->ask_again_us);

        return now_us >= due_us && atomic_compare_exchange_strong(&limiter->ask_again_us, &due_us,
                                                                  now_us + ASK_AGAIN_US);
}

/* May this thread ask? Whoever may says afterwards what came of it. */
static bool begin(struct ctx *ctx, struct limiter *limiter)
{
        int64_t now_us;

        if (limiter->is_local)
                return true;
        now_us = clock_mono_us(ctx->clock);
        if (is_stalled(limiter, now_us) ||
            (atomic_load(&limiter->away) && !take_turn(limiter, now_us)))
                return false;
        if (atomic_load(&limiter->waiting) == 0)
                atomic_store(&limiter->last_heard_us, now_us); /* first: nobody sees an old one */
        atomic_fetch_add(&limiter->waiting, 1);
        return true;
}

static void end(struct ctx *ctx, struct limiter *limiter, enum err rc)
{
        if (limiter->is_local)
                return;
        atomic_store(&limiter->last_heard_us, clock_mono_us(ctx->clock));
        atomic_fetch_sub(&limiter->waiting, 1);
        if (rc == OK)
                note_back(ctx, limiter);
        else
                note_away(ctx, limiter);
}

/* One question to the backend. False: it did not answer, nothing is known; why is in the log. */
struct question {
        const struct limit *limit;
        const char *who;
        bool counts;
};

/* "rule|who", cut where it is too long. This is done for every request, and is most of the work. */
static void make_key(char key[LIMIT_KEY_SIZE], const char *rule, const char *who)
{
        const size_t rule_len = strnlen(rule, LIMIT_KEY_SIZE - 2);
        const size_t who_len = strnlen(who, LIMIT_KEY_SIZE - 2 - rule_len);

        memcpy(key, rule, rule_len);
        key[rule_len] = '|';
        memcpy(key + rule_len + 1, who, who_len);
        key[rule_len + 1 + who_len] = '\0';
}

static enum err ask_backend(struct ctx *ctx, struct limiter *limiter,
                            const struct question *question, struct limit_count *ret)
{
        char key[LIMIT_KEY_SIZE];
        const struct limit_window window = { key, question->limit->calls,
                                             question->limit->period_s };

        make_key(key, question->limit->rule, question->who);
        return question->counts ? limiter->backend->take(ctx, limiter->store, &window, ret)
                                : limiter->backend->look(ctx, limiter->store, &window, ret);
}

/* What ctx says of another failure stays, whatever comes of this. */
static bool ask_elsewhere(struct ctx *ctx, struct limiter *limiter, const struct question *question,
                          struct limit_count *ret)
{
        char detail[CTX_DETAIL_SIZE];
        const char *code = ctx->code;
        enum err rc;

        if (!begin(ctx, limiter))
                return false;
        memcpy(detail, ctx->detail, sizeof(detail));
        rc = ask_backend(ctx, limiter, question, ret);
        end(ctx, limiter, rc);
        memcpy(ctx->detail, detail, sizeof(detail));
        ctx->code = code;
        return rc == OK;
}

static bool ask(struct ctx *ctx, struct limiter *limiter, const struct question *question,
                struct limit_count *ret)
{
        return limiter->is_local ? ask_backend(ctx, limiter, question, ret) == OK
                                 : ask_elsewhere(ctx, limiter, question, ret);
}

static bool is_limit(const struct limit *limit)
{
        return limit->calls > 0 && limit->period_s > 0;
}

enum err limiter_check(struct ctx *ctx, const struct limit *limit, const char *who,
                       struct limit_usage *ret_usage)
{
        const struct question question = { limit, who, true };
        struct limiter *limiter = limiter_of(ctx);
        struct limit_count count;

        if (ret_usage)
                *ret_usage = (struct limit_usage){ 0 };
        if (!limiter || !is_limit(limit) || !ask(ctx, limiter, &question, &count))
                return OK;
        if (ret_usage)
                *ret_usage = (struct limit_usage){ count.count, limit->calls, count.reset_in_us };
        if (count.admitted)
                return OK;
        meter_add(ctx, METER_RATE_REJECTED, METER_LABELS(limit->rule), 1);
        ctx->retry_after_s = (unsigned)((count.reset_in_us + US_PER_S - 1) / US_PER_S);
        if (ctx->retry_after_s == 0)
                ctx->retry_after_s = 1;
        return ctx_fail(ctx, ERR_LIMITED, "Rate limit exceeded. Please try again later.");
}

void limiter_track(struct ctx *ctx, const struct limit *limit, const char *who, bool *ret_allowed)
{
        const struct question question = { limit, who, true };
        struct limiter *limiter = limiter_of(ctx);
        struct limit_count count;

        *ret_allowed = !limiter || !is_limit(limit) || !ask(ctx, limiter, &question, &count) ||
                       count.admitted;
        if (!*ret_allowed)
                meter_add(ctx, METER_RATE_REJECTED, METER_LABELS(limit->rule), 1);
}

void limiter_get_usage(struct ctx *ctx, const struct limit *limit, const char *who,
                       struct limit_usage *ret)
{
        const struct question question = { limit, who, false };
        struct limiter *limiter = limiter_of(ctx);
        struct limit_count count;

        *ret = (struct limit_usage){ 0 };
        if (limiter && is_limit(limit) && ask(ctx, limiter, &question, &count))
                *ret = (struct limit_usage){ count.count, limit->calls, count.reset_in_us };
}

void limiter_forget(struct ctx *ctx, const struct limit *limit, const char *who)
{
        struct limiter *limiter = limiter_of(ctx);
        char key[LIMIT_KEY_SIZE];

        if (!limiter || !begin(ctx, limiter))
                return;
        make_key(key, limit->rule, who);
        end(ctx, limiter, limiter->backend->forget(ctx, limiter->store, key));
}

/* ---- looking at all ---- */

struct kept_standing {
        unsigned count;
        char key[LIMIT_KEY_SIZE];
};

struct listing {
        const char *rule; /* NULL: all */
        struct kept_standing *kept;
        size_t max, count;
        int64_t tracked;
};

/* Keep it in its place among the largest. */
static bool keep(void *arg, const char *key, unsigned count)
{
        struct listing *listing = arg;
        size_t rule_len = listing->rule ? strlen(listing->rule) : 0, at;

        if (rule_len > 0 && (strncmp(key, listing->rule, rule_len) != 0 || key[rule_len] != '|'))
                return true;
        listing->tracked++;
        if (listing->max == 0 ||
            (listing->count == listing->max && listing->kept[listing->max - 1].count >= count))
                return true;
        at = listing->count < listing->max ? listing->count++ : listing->max - 1;
        for (; at > 0 && listing->kept[at - 1].count < count; at--)
                listing->kept[at] = listing->kept[at - 1];
        listing->kept[at].count = count;
        snprintf(listing->kept[at].key, sizeof(listing->kept[at].key), "%s", key);
        return true;
}

static enum err write_standings(struct ctx *ctx, const struct listing *listing,
                                struct limit_standings *ret)
{
        struct limit_standing *rows = arena_alloc(ctx->arena, (listing->count + 1) * sizeof(*rows));

        if (!rows)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < listing->count; i++) {
                char *key = listing->kept[i].key, *bar = strchr(key, '|');

                if (bar)
                        *bar = '\0';
                rows[i] =
                        (struct limit_standing){ key, bar ? bar + 1 : "", listing->kept[i].count };
        }
        *ret = (struct limit_standings){ rows, listing->count, listing->tracked };
        return OK;
}

enum err limiter_list(struct ctx *ctx, const char *rule, size_t max, struct limit_standings *ret)
{
        struct limiter *limiter = limiter_of(ctx);
        struct listing listing = { .rule = rule, .max = max };
        enum err rc;

        listing.kept = arena_alloc(ctx->arena, (max + 1) * sizeof(*listing.kept));
        if (!listing.kept)
                return ctx_nomem(ctx);
        if (limiter) {
                if (!begin(ctx, limiter))
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "the state backend is away");
                rc = limiter->backend->each(ctx, limiter->store, keep, &listing);
                end(ctx, limiter, rc);
                if (rc != OK)
                        return rc;
        }
        return write_standings(ctx, &listing, ret);
}

enum err limiter_ping(struct ctx *ctx)
{
        struct limiter *limiter = limiter_of(ctx);
        char reason[CTX_DETAIL_SIZE];
        enum err rc;

        if (!limiter)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "there is no state backend");
        if (begin(ctx, limiter)) {
                rc = limiter->backend->ping(ctx, limiter->store);
                end(ctx, limiter, rc);
                return rc == OK ? OK : ERR_UNAVAILABLE;
        }
        pthread_mutex_lock(&limiter->mutex);
        memcpy(reason, limiter->reason, sizeof(reason));
        pthread_mutex_unlock(&limiter->mutex);
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s", *reason ? reason : "it is slow to answer");
}

const char *limiter_backend_name(const struct ctx *ctx)
{
        const struct limiter *limiter = limiter_of(ctx);

        return limiter ? limiter->backend->name : "none";
}

bool limiter_is_away(const struct ctx *ctx)
{
        struct limiter *limiter = limiter_of(ctx);

        return limiter && atomic_load(&limiter->away);
}

enum err limiter_sweep(struct ctx *ctx)
{
        struct limiter *limiter = limiter_of(ctx);

        if (!limiter || !limiter->backend->sweep)
                return OK;
        return limiter->backend->sweep(ctx, limiter->store);
}
