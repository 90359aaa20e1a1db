#include "fcgi/rate_gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cloud/limits/rate_refusal.h"
#include "core/cloud/storage/storage_limit.h"

/* While developing, on the machine itself. What came through a proxy has its header. */
static bool is_at_home(const struct request *request)
{
        return !request->forwarded && ipaddr_is_loopback(&request->client);
}

/* Is the address counted only when this fails? An unsigned webhook shows nothing to go by. */
static bool is_deferred(const struct request *request)
{
        if (!request->route)
                return false;
        if (request->route->rate == RATE_WEBHOOK && request->route->permission == PERM_PUBLIC)
                return request_header(request, "Webhook-Signature") ||
                       request_header(request, "Svix-Signature");
        return request->route->rate == RATE_STORAGE;
}

/* As patterns see it: decoded where it can be, and the slash at its end, which routes do not mind,
 * taken off. */
static const char *path_of(struct ctx *ctx, const struct request *request)
{
        const char *path = request->path, *decoded;
        size_t len = strlen(path);

        if (strchr(path, '%') && request_decode(ctx, "The path", path, len, &decoded) == OK) {
                path = decoded;
                len = strlen(path);
        }
        if (len > 1 && path[len - 1] == '/') {
                decoded = arena_strndup(ctx->arena, path, len - 1);
                path = decoded ? decoded : path;
        }
        return path;
}

static void find_rule(struct ctx *ctx, const struct request *request, struct rate_match *ret)
{
        const enum method method = request->method == METHOD_HEAD ? METHOD_GET : request->method;
        const struct rate_request asked = {
                .rate = request->route ? request->route->rate : RATE_DEFAULT,
                .method = method_name(method),
                .path = path_of(ctx, request),
        };

        rate_rules_match(ctx, &asked, ret);
}

void rate_gate_note(struct reply *reply, const char *rule, const struct limit_usage *usage,
                    bool refused)
{
        const struct limit_usage *told = &reply->limit.usage;

        reply->limit.is_known = true;
        if (usage->limit == 0 ||
            (!refused && told->limit > 0 &&
             (int64_t)told->limit - told->count <= (int64_t)usage->limit - usage->count))
                return;
        snprintf(reply->limit.rule, sizeof(reply->limit.rule), "%s", rule);
        reply->limit.usage = *usage;
        reply->limit.refused = refused;
}

/* Count for the client address, and remember it for the answer. */
static enum err count(struct ctx *ctx, const struct request *request, struct reply *reply,
                      const struct limit *limit)
{
        const bool is_known = reply->limit.is_known;
        char who[IPADDR_SOURCE_SIZE];
        struct limit_usage usage;
        enum err rc;

        ipaddr_source(&request->client, who);
        rc = limiter_check(ctx, limit, who, &usage);
        rate_gate_note(reply, limit->rule, &usage, rc == ERR_LIMITED);
        reply->limit.is_known = is_known;
        return rc;
}

enum err rate_gate_enter(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct rate_match match;

        if (is_at_home(request))
                return OK;
        find_rule(ctx, request, &match);
        if (match.limit.calls == 0 || (is_deferred(request) && !match.is_custom))
                return OK;
        return count(ctx, request, reply, &match.limit);
}

enum err rate_gate_met(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        char who[STORAGE_LIMIT_WHO_SIZE];
        struct limit_usage usage;
        struct limit limit;
        enum err rc;

        if (request->route->rate != RATE_STORAGE || ctx->actor.kind == ACTOR_ANONYMOUS)
                return OK;
        reply->limit.is_known = true;
        rc = storage_limit_of(ctx, &limit, who);
        if (rc != OK || limit.calls == 0)
                return rc;
        rc = limiter_check(ctx, &limit, who, &usage);
        rate_gate_note(reply, limit.rule, &usage, rc == ERR_LIMITED);
        return rc;
}

/* What went wrong is ours, or has been counted, or was done by one who is known. */
static bool is_failed_guess(const struct request *request, const struct reply *reply, enum err rc)
{
        return rc != OK && rc != ERR_NOT_READY && rc != ERR_LIMITED && !err_is_fault(rc) &&
               is_deferred(request) && !reply->limit.is_known && !is_at_home(request);
}

enum err rate_gate_leave(struct ctx *ctx, const struct request *request, struct reply *reply,
                         enum err rc)
{
        struct rate_match match;

        if (!is_failed_guess(request, reply, rc))
                return rc;
        find_rule(ctx, request, &match);
        if (match.limit.calls == 0 || match.is_custom)
                return rc;
        return count(ctx, request, reply, &match.limit) == OK ? rc : ERR_LIMITED;
}

static void add_number(struct ctx *ctx, struct reply *reply, const char *name, int64_t value)
{
        const char *text = arena_printf(ctx->arena, "%" PRId64, value);

        if (text)
                reply_header(reply, name, text);
}

static void note_refusal(struct ctx *ctx, const struct request *request, const struct reply *reply)
{
        const struct rate_refusal refusal = {
                .rule = reply->limit.rule,
                .client = request->client,
                .endpoint = request->route ? request->route->path : "unmatched",
                .method = method_name(request->method),
                .user_agent = request_header(request, "User-Agent"),
        };

        rate_refusal_note(ctx, &refusal);
}

void rate_gate_tell(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const struct limit_usage *usage = &reply->limit.usage;
        const int64_t reset_us = clock_wall_us(ctx->clock) + usage->reset_in_us;

        if (usage->limit == 0)
                return;
        add_number(ctx, reply, "X-RateLimit-Limit", usage->limit);
        add_number(ctx, reply, "X-RateLimit-Remaining",
                   usage->count < usage->limit ? usage->limit - usage->count : 0);
        add_number(ctx, reply, "X-RateLimit-Reset", (reset_us + US_PER_S - 1) / US_PER_S);
        if (reply->limit.refused)
                note_refusal(ctx, request, reply);
}
