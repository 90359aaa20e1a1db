/* Limits counted in Redis, and the only user of hiredis, for its protocol: connections are
 * http_socket's, because hiredis 0.14 knows no TLS. A key is a sorted set of the times of its
 * calls, by the server's clock; a script makes each count one step. Keys expire with their window.
 * One server, or what acts as one: not Redis Cluster. */
#pragma GCC diagnostic push /* its headers define functions that our warnings do not like */
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <hiredis.h>
#pragma GCC diagnostic pop
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/cloud/limits/limit_backend.h"
#include "core/cloud/limits/limit_pool.h"
#include "core/cloud/limits/redis_url.h"

#define CHUNK      (16 * KiB)
#define SCAN_COUNT "500"
#define KEYS_MAX   1000000 /* listed at once */

enum script { TAKE_CALL, LOOK_AT_CALLS, COUNT_CALLS, SCRIPT_COUNT };

struct limit_redis {
        struct limit_pool *pool; /* of struct link */
        struct arena *arena;     /* owns the texts */
        struct redis_place place;
        const char *prefix;
        int64_t timeout_us;
        char sha1[SCRIPT_COUNT][2 * SHA1_SIZE + 1];
};

/* A connection that has logged in. */
struct link {
        struct http_socket *socket;
        redisReader *reader;
};

typedef redisReply reply_object;
DEFINE_CLEANUP(reply_object *, freeReplyObject)

/* ---- scripts ---- */

/* Times grow strictly, so that each is a member of its own, even when the clock is set back; those
 * of a clock that was far ahead count for nothing. Lua would write large numbers rounded. */
#define BEGIN                                                                                      \
        "local time = redis.call('TIME') "                                                         \
        "local now = time[1] * 1000000 + time[2] "                                                 \
        "local calls, window = tonumber(ARGV[1]), tonumber(ARGV[2]) "                              \
        "local gone = string.format('%.0f', now - window) "                                        \
        "local last = redis.call('ZREVRANGE', KEYS[1], 0, 0) "                                     \
        "last = last[1] and tonumber(last[1]) or 0 "                                               \
        "local ahead = last > now + window "
#define OLDEST                                                                                     \
        "local oldest = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. gone, '+inf', 'LIMIT', 0, 1) " \
        "local reset = oldest[1] and math.max(tonumber(oldest[1]) + window - now, 1) or 0 "

static const char *const scripts[SCRIPT_COUNT] = {
        [TAKE_CALL] = BEGIN "if ahead then redis.call('DEL', KEYS[1]) last = 0 "
                            "else redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', gone) end "
                            "local count, admitted = redis.call('ZCARD', KEYS[1]), 0 "
                            "if count < calls then "
                            "local at = math.max(now, last + 1) "
                            "local text = string.format('%.0f', at) "
                            "redis.call('ZADD', KEYS[1], text, text) "
                            "redis.call('PEXPIRE', KEYS[1], math.ceil((at + window - now) / 1000)) "
                            "count, admitted = count + 1, 1 "
                            "end " OLDEST "return {admitted, count, reset}",
        [LOOK_AT_CALLS] =
                BEGIN "if ahead then return {1, 0, 0} end "
                      "local count = redis.call('ZCOUNT', KEYS[1], '(' .. gone, '+inf') " OLDEST
                      "return {count < calls and 1 or 0, count, reset}",
        /* The window is not known here: it is from the last call to where the key expires. */
        [COUNT_CALLS] = "local time = redis.call('TIME') "
                        "local now = time[1] * 1000000 + time[2] "
                        "local last = redis.call('ZREVRANGE', KEYS[1], 0, 0) "
                        "if not last[1] then return 0 end "
                        "local window = redis.call('PTTL', KEYS[1]) * 1000 + now - last[1] "
                        "local gone = string.format('%.0f', now - window) "
                        "return redis.call('ZCOUNT', KEYS[1], '(' .. gone, '+inf')",
};

static bool hash_scripts(struct limit_redis *store)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA1);
        unsigned char sha1[SHA1_SIZE];

        for (size_t i = 0; hash && i < SCRIPT_COUNT; i++) {
                if (!crypto_hash_add(hash, scripts[i], strlen(scripts[i])) ||
                    !crypto_hash_end(hash, sha1))
                        return false;
                crypto_hex(sha1, SHA1_SIZE, store->sha1[i]);
        }
        return hash != NULL;
}

/* ---- connections ---- */

static void close_link(void *arg)
{
        struct link *link = arg;

        http_socket_close(link->socket);
        if (link->reader)
                redisReaderFree(link->reader);
        free(link);
}

/* What one piece of work has: a connection, and until when. */
struct session {
        const struct limit_redis *store;
        struct link *link;
        int64_t deadline_us;
};

static enum err read_reply(struct ctx *ctx, const struct session *session, redisReply **ret)
{
        redisReader *reader = session->link->reader;
        char space[CHUNK];
        void *reply = NULL;

        while (redisReaderGetReply(reader, &reply) == REDIS_OK && !reply) {
                size_t len = sizeof(space);
                enum err rc = http_socket_receive(ctx, session->link->socket, space, &len,
                                                  session->deadline_us);

                if (rc != OK)
                        return rc;
                if (redisReaderFeed(reader, space, len) != REDIS_OK)
                        break;
        }
        if (!reply)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s", reader->errstr);
        *ret = reply;
        return OK;
}

/* The reply may be an error of the server's. ERR_UNAVAILABLE: the connection is of no more use. */
static enum err ask(struct ctx *ctx, const struct session *session, const char *const *words,
                    redisReply **ret)
{
        char *command = NULL;
        int count = 0, len;
        enum err rc;

        while (words[count])
                count++;
        len = redisFormatCommandArgv(&command, count, (const char **)(uintptr_t)words, NULL);
        if (len < 0)
                return ctx_nomem(ctx);
        rc = http_socket_send(ctx, session->link->socket, command, (size_t)len,
                              session->deadline_us);
        redisFreeCommand(command);
        return rc == OK ? read_reply(ctx, session, ret) : rc;
}

/* The same, where an error is a failure: with a server that is loading, full or not ours. */
static enum err demand(struct ctx *ctx, const struct session *session, const char *const *words,
                       redisReply **ret)
{
        enum err rc = ask(ctx, session, words, ret);

        if (rc == OK && (*ret)->type == REDIS_REPLY_ERROR)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s", (*ret)->str);
        return rc;
}

static enum err log_in(struct ctx *ctx, const struct session *session)
{
        const struct redis_place *place = &session->store->place;
        const char *const with_user[] = { "AUTH", place->user, place->password, NULL };
        const char *const without[] = { "AUTH", place->password, NULL };
        const char *const select[] = { "SELECT", place->database, NULL };
        CLEANUP(freeReplyObjectp) reply_object *auth = NULL;
        CLEANUP(freeReplyObjectp) reply_object *selected = NULL;
        enum err rc = OK;

        if (place->password)
                rc = demand(ctx, session, place->user ? with_user : without, &auth);
        if (rc == OK && strcmp(place->database, "0") != 0)
                rc = demand(ctx, session, select, &selected);
        return rc;
}

static enum err connect_link(struct ctx *ctx, struct session *session)
{
        struct link *link = calloc(1, sizeof(*link));
        enum err rc;

        if (!link)
                return ctx_nomem(ctx);
        session->link = link;
        link->reader = redisReaderCreate();
        rc = link->reader ? http_socket_open(ctx, &session->store->place.target,
                                             session->deadline_us, &link->socket)
                          : ctx_nomem(ctx);
        if (rc == OK)
                rc = log_in(ctx, session);
        if (rc != OK)
                close_link(TAKE(session->link));
        return rc;
}

typedef enum err session_fn(struct ctx *ctx, const struct session *session, void *arg);

/* With a connection of the pool. One that broke since it was last used is replaced, once. */
static enum err run(struct ctx *ctx, const struct limit_redis *store, session_fn *fn, void *arg)
{
        struct session session = { .store = store };
        void *pooled = NULL;
        bool was_pooled;
        enum err rc;

        session.deadline_us = clock_mono_us(&clock_system) + store->timeout_us;
        rc = limit_pool_get(ctx, store->pool, session.deadline_us, &pooled);
        if (rc != OK)
                return rc;
        session.link = pooled;
        if (session.link && !http_socket_is_quiet(session.link->socket))
                close_link(TAKE(session.link));
        was_pooled = session.link != NULL;
        rc = was_pooled ? fn(ctx, &session, arg) : connect_link(ctx, &session);
        if (was_pooled && rc == ERR_UNAVAILABLE) {
                close_link(TAKE(session.link));
                rc = connect_link(ctx, &session);
                was_pooled = false;
        }
        if (!was_pooled && rc == OK)
                rc = fn(ctx, &session, arg);
        if (rc != OK && session.link)
                close_link(TAKE(session.link));
        limit_pool_put(store->pool, session.link);
        return rc == OK ? OK : ctx_prefix(ctx, rc, "Redis");
}

/* ---- counting ---- */

struct call {
        enum script script;
        const char *name; /* the key with its prefix */
        const char *calls, *window_us;
        long long numbers[3];
        size_t number_count;
};

static enum err read_numbers(struct ctx *ctx, const redisReply *reply, struct call *call)
{
        size_t count = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

        if (reply->type == REDIS_REPLY_INTEGER) {
                call->numbers[0] = reply->integer;
                count = 1;
        }
        for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < count && i < 3; i++)
                call->numbers[i] = reply->element[i]->integer;
        return count == call->number_count ? OK
                                           : ctx_fail(ctx, ERR_UNAVAILABLE,
                                                      "it is no Redis: a script answers otherwise");
}

/* By its hash, and with its text where the server does not know it (any more). */
static enum err run_script(struct ctx *ctx, const struct session *session, void *arg)
{
        struct call *call = arg;
        const char *words[] = { "EVALSHA",   session->store->sha1[call->script],
                                "1",         call->name,
                                call->calls, call->window_us,
                                NULL };
        CLEANUP(freeReplyObjectp) reply_object *reply = NULL;
        enum err rc;

        rc = ask(ctx, session, words, &reply);
        if (rc == OK && reply->type == REDIS_REPLY_ERROR &&
            strncmp(reply->str, "NOSCRIPT", 8) == 0) {
                freeReplyObject(TAKE(reply));
                words[0] = "EVAL";
                words[1] = scripts[call->script];
                rc = ask(ctx, session, words, &reply);
        }
        if (rc == OK && reply->type == REDIS_REPLY_ERROR)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s", reply->str);
        return rc == OK ? read_numbers(ctx, reply, call) : rc;
}

static enum err name_key(struct ctx *ctx, const struct limit_redis *store, const char *key,
                         const char **ret)
{
        if (strlen(key) >= LIMIT_KEY_SIZE)
                return ctx_fail(ctx, ERR_INVALID, "the key of a limit is too long");
        *ret = arena_printf(ctx->arena, "%s%s", store->prefix, key);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err count(struct ctx *ctx, const struct limit_redis *store, enum script script,
                      const struct limit_window *window, struct limit_count *ret)
{
        struct call call = { .script = script, .number_count = 3 };
        enum err rc = name_key(ctx, store, window->key, &call.name);

        if (rc != OK)
                return rc;
        call.calls = arena_printf(ctx->arena, "%u", window->calls);
        call.window_us = arena_printf(ctx->arena, "%u000000", window->window_s);
        if (!call.calls || !call.window_us)
                return ctx_nomem(ctx);
        rc = run(ctx, store, run_script, &call);
        if (rc == OK)
                *ret = (struct limit_count){
                        .admitted = call.numbers[0] == 1,
                        .count = (unsigned)call.numbers[1],
                        .reset_in_us = call.numbers[2],
                };
        return rc;
}

static enum err take(struct ctx *ctx, void *store, const struct limit_window *window,
                     struct limit_count *ret)
{
        return count(ctx, store, TAKE_CALL, window, ret);
}

static enum err look(struct ctx *ctx, void *store, const struct limit_window *window,
                     struct limit_count *ret)
{
        return count(ctx, store, LOOK_AT_CALLS, window, ret);
}

static enum err run_words(struct ctx *ctx, const struct session *session, void *words)
{
        CLEANUP(freeReplyObjectp) reply_object *reply = NULL;

        return demand(ctx, session, words, &reply);
}

static enum err forget(struct ctx *ctx, void *arg, const char *key)
{
        const struct limit_redis *store = arg;
        const char *words[] = { "DEL", NULL, NULL };
        enum err rc = name_key(ctx, store, key, &words[1]);

        return rc == OK ? run(ctx, store, run_words, words) : rc;
}

static enum err ping(struct ctx *ctx, void *store)
{
        const char *words[] = { "PING", NULL };

        return run(ctx, store, run_words, words);
}

/* ---- all keys ---- */

/* One step of a SCAN, and the names it found so far. */
struct scan {
        const char *pattern, *cursor;
        const char **names;
        size_t count, room;
};

/* The prefix as a pattern of itself and what follows. */
static const char *pattern_of(struct arena *arena, const char *prefix)
{
        char *pattern = arena_alloc(arena, 2 * strlen(prefix) + 2), *to = pattern;

        if (!pattern)
                return NULL;
        for (; *prefix; prefix++) {
                if (strchr("*?[]\\^-", *prefix))
                        *to++ = '\\';
                *to++ = *prefix;
        }
        *to = '*';
        return pattern;
}

static enum err keep_name(struct ctx *ctx, struct scan *scan, const redisReply *reply)
{
        if (scan->count == KEYS_MAX)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "there are too many keys to list");
        if (scan->count == scan->room) {
                size_t room = scan->room ? 2 * scan->room : 1024;
                const char **names = arena_alloc(ctx->arena, room * sizeof(*names));

                if (!names)
                        return ctx_nomem(ctx);
                if (scan->count > 0)
                        memcpy(names, scan->names, scan->count * sizeof(*names));
                scan->names = names;
                scan->room = room;
        }
        return ctx_strdup(ctx, reply->str ? reply->str : "", &scan->names[scan->count++]);
}

static enum err scan_step(struct ctx *ctx, const struct session *session, void *arg)
{
        struct scan *scan = arg;
        const char *const words[] = { "SCAN",  scan->cursor, "MATCH", scan->pattern,
                                      "COUNT", SCAN_COUNT,   NULL };
        CLEANUP(freeReplyObjectp) reply_object *reply = NULL;
        enum err rc = demand(ctx, session, words, &reply);

        if (rc != OK)
                return rc;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !reply->element[0]->str)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "it is no Redis: SCAN answers otherwise");
        for (size_t i = 0; rc == OK && i < reply->element[1]->elements; i++)
                rc = keep_name(ctx, scan, reply->element[1]->element[i]);
        return rc == OK ? ctx_strdup(ctx, reply->element[0]->str, &scan->cursor) : rc;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who is told of keys. */
struct listener {
        limit_each_fn *each;
        void *arg;
        bool has_enough;
};

static enum err tell_name(struct ctx *ctx, const struct limit_redis *store, const char *name,
                          struct listener *listener)
{
        struct call call = { .script = COUNT_CALLS, .name = name, .number_count = 1 };
        enum err rc = run(ctx, store, run_script, &call);

        if (rc == OK && call.numbers[0] > 0)
                listener->has_enough = !listener->each(listener->arg, name + strlen(store->prefix),
                                                       (unsigned)call.numbers[0]);
        return rc;
}

/* SCAN may find a key twice, so all are collected first. */
static enum err each_key(struct ctx *ctx, void *arg, limit_each_fn *each, void *each_arg)
{
        const struct limit_redis *store = arg;
        struct scan scan = { .pattern = pattern_of(ctx->arena, store->prefix), .cursor = "0" };
        struct listener listener = { .each = each, .arg = each_arg };
        enum err rc;

        if (!scan.pattern)
                return ctx_nomem(ctx);
        do {
                rc = run(ctx, store, scan_step, &scan);
        } while (rc == OK && strcmp(scan.cursor, "0") != 0);
        if (scan.count > 0)
                qsort(scan.names, scan.count, sizeof(*scan.names), compare_names);
        for (size_t i = 0; rc == OK && !listener.has_enough && i < scan.count; i++) {
                if (i == 0 || strcmp(scan.names[i], scan.names[i - 1]) != 0)
                        rc = tell_name(ctx, store, scan.names[i], &listener);
        }
        return rc;
}

/* ---- opening ---- */

static void close_store(void *arg)
{
        struct limit_redis *store = arg;

        limit_pool_free(store->pool);
        arena_free(store->arena);
        free(store);
}
DEFINE_CLEANUP(void *, close_store)

static enum err open_redis(struct ctx *ctx, void **ret_store)
{
        struct limit_redis *store = calloc(1, sizeof(*store));
        CLEANUP(close_storep) void *guard = store;
        enum err rc;

        if (!store)
                return ctx_nomem(ctx);
        store->arena = arena_new();
        store->pool = limit_pool_new((size_t)ctx->config->state_pool_size, close_link);
        if (!store->arena || !store->pool || !hash_scripts(store))
                return ctx_nomem(ctx);
        rc = redis_url_read(ctx, store->arena, &store->place);
        if (rc != OK)
                return rc;
        store->prefix = ctx->config->state_key_prefix;
        store->timeout_us = (int64_t)(ctx->config->state_timeout_s * (double)US_PER_S);
        *ret_store = TAKE(guard);
        return OK;
}

const struct limit_backend limit_redis = {
        .name = "redis",
        .open = open_redis,
        .close = close_store,
        .take = take,
        .look = look,
        .forget = forget,
        .each = each_key,
        .ping = ping,
};
