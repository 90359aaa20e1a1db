#include "core/cloud/limits/quota_status.h"

#include "core/store/store_users.h"

#define WARN_FROM_PERCENT 80

/* What the quotas of one type are, before they are put together. */
struct found {
        struct quota_limit base, team, org;
};

static struct quota_limit limit_of(const struct quota *quota)
{
        return (struct quota_limit){
                .is_set = true,
                .limit = quota->limit,
                .action = quota->action,
                .source = quota->scope,
        };
}

/* The nearest scope counts; within levels the highest, of equal ones the strictest. */
static void take_base(struct quota_limit *base, const struct quota *quota)
{
        bool better = !base->is_set || quota->scope < base->source;

        if (base->is_set && quota->scope == base->source)
                better = quota->limit > base->limit ||
                         (quota->limit == base->limit && quota->action > base->action);
        if (better)
                *base = limit_of(quota);
}

/* The lowest counts. */
static void take_ceiling(struct quota_limit *ceiling, const struct quota *quota)
{
        if (!ceiling->is_set || quota->limit < ceiling->limit ||
            (quota->limit == ceiling->limit && quota->action > ceiling->action))
                *ceiling = limit_of(quota);
}

static void take(void *arg, const struct quota *quota)
{
        struct found *found = (struct found *)arg + quota->type;

        switch (quota->scope) {
        case QUOTA_TEAM:
                take_ceiling(&found->team, quota);
                break;
        case QUOTA_ORG:
                take_ceiling(&found->org, quota);
                break;
        case QUOTA_USER:
        case QUOTA_LEVEL:
        case QUOTA_GLOBAL:
                take_base(&found->base, quota);
                break;
        }
}

static void bound(struct quota_limit *limit, const struct quota_limit *ceiling)
{
        if (!ceiling->is_set || (limit->is_set && limit->limit <= ceiling->limit))
                return;
        if (!limit->is_set)
                limit->action = ceiling->action;
        limit->is_set = true;
        limit->limit = ceiling->limit;
        limit->source = ceiling->source;
        limit->is_ceiling = true;
}

enum err quota_limits_load(struct ctx *ctx, int64_t user_id, struct quota_limits *ret)
{
        struct found found[QUOTA_TYPE_COUNT] = { 0 };
        enum err rc = store_quotas_for(ctx, user_id, take, found);

        if (rc != OK)
                return rc;
        ret->any = false;
        for (unsigned type = 0; type < QUOTA_TYPE_COUNT; type++) {
                struct quota_limit limit = found[type].base;

                bound(&limit, &found[type].team);
                bound(&limit, &found[type].org);
                ret->of[type] = limit;
                ret->any = ret->any || limit.is_set;
        }
        return OK;
}

double quota_percent(int64_t used, int64_t limit)
{
        return limit > 0 ? (double)used * 100 / (double)limit : 0;
}

static const char *amount(struct ctx *ctx, enum quota_type type, int64_t value)
{
        if (quota_type_is_money(type))
                return arena_printf(ctx->arena, "$%.2f", (double)value / 1e6);
        return arena_printf(ctx->arena, "%lld", (long long)value);
}

const char *quota_message(struct ctx *ctx, enum quota_notice notice,
                          const struct quota_status *status)
{
        static const char *const words[][2] = {
                [QUOTA_NOTICE_EXCEEDED] = { "", " quota exceeded" },
                [QUOTA_NOTICE_APPROACHING] = { "Approaching ", " limit" },
                [QUOTA_NOTICE_WOULD_EXCEED] = { "Job would exceed ", " limit" },
        };
        const struct quota_limit *limit = &status->limit;
        const char *used = amount(ctx, status->type, status->used);
        const char *of = amount(ctx, status->type, limit->limit);

        if (!used || !of)
                return NULL;
        return arena_printf(ctx->arena, "%s%s%s: %s / %s%s%s%s", words[notice][0],
                            quota_type_name(status->type), words[notice][1], used, of,
                            limit->is_ceiling ? " (limited by " : "",
                            limit->is_ceiling ? quota_scope_name(limit->source) : "",
                            limit->is_ceiling ? " ceiling)" : "");
}

static enum err look(struct ctx *ctx, const char *owner, struct quota_status *status)
{
        enum err rc = store_quota_used(ctx, status->type, owner, &status->used);

        if (rc != OK)
                return rc;
        status->is_exceeded = status->used >= status->limit.limit;
        status->is_warning = !status->is_exceeded &&
                             quota_percent(status->used, status->limit.limit) >= WARN_FROM_PERCENT;
        if (!status->is_exceeded && !status->is_warning)
                return OK;
        status->message = quota_message(
                ctx, status->is_exceeded ? QUOTA_NOTICE_EXCEEDED : QUOTA_NOTICE_APPROACHING,
                status);
        return status->message ? OK : ctx_nomem(ctx);
}

static enum err look_at_all(struct ctx *ctx, int64_t user_id, const char *owner,
                            struct quota_status **ret, size_t *ret_count)
{
        struct quota_status *all = arena_alloc(ctx->arena, QUOTA_TYPE_COUNT * sizeof(*all));
        struct quota_limits limits;
        size_t count = 0;
        enum err rc;

        if (!all)
                return ctx_nomem(ctx);
        rc = quota_limits_load(ctx, user_id, &limits);
        for (unsigned type = 0; rc == OK && type < QUOTA_TYPE_COUNT; type++) {
                if (!limits.of[type].is_set)
                        continue;
                all[count] = (struct quota_status){ .type = (enum quota_type)type,
                                                    .limit = limits.of[type] };
                rc = look(ctx, owner, &all[count++]);
        }
        if (rc != OK)
                return rc;
        *ret = all;
        *ret_count = count;
        return OK;
}

enum err quota_status_of(struct ctx *ctx, int64_t user_id, struct quota_status **ret,
                         size_t *ret_count)
{
        struct user user;
        enum err rc = store_user_get(ctx, user_id, &user);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "User not found: %lld", (long long)user_id);
        return rc == OK ? look_at_all(ctx, user_id, user.username, ret, ret_count) : rc;
}

enum err quota_status_mine(struct ctx *ctx, struct quota_status **ret, size_t *ret_count)
{
        return look_at_all(ctx, ctx->actor.user_id, ctx_actor_name(ctx), ret, ret_count);
}
