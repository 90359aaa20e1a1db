#include "core/cloud/limits/quota_check.h"

#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/limits/quota.h"
#include "core/db/db.h"

#define WARN_FROM_PERCENT 80

enum err quota_hold(struct ctx *ctx, const char *owner)
{
        const char *name = arena_printf(ctx->arena, "quota:%s", owner);

        return name ? db_lock(ctx, name) : ctx_nomem(ctx);
}

static enum err warn(struct ctx *ctx, struct quota_verdict *verdict, const char *text)
{
        return text && json_array_append_new(verdict->warnings, json_string(text)) == 0
                       ? OK
                       : ctx_nomem(ctx);
}

/* What the job adds to the use of a type. */
static int64_t share_of(enum quota_type type, const struct job *job)
{
        if (type == QUOTA_LOCAL_GPUS)
                return 0;
        return quota_type_is_money(type) ? job->estimated_cost_usd_micros : 1;
}

/* status->used is what would be used. A count says how much is used, that is "5 / 5" for the sixth
 * job; a sum what it would come to. */
static enum err exceed(struct ctx *ctx, const struct quota_status *status, int64_t share,
                       struct quota_verdict *verdict)
{
        struct quota_status now = *status;
        const char *text;

        now.used -= share;
        text = now.used >= now.limit.limit ? quota_message(ctx, QUOTA_NOTICE_EXCEEDED, &now)
                                           : quota_message(ctx, QUOTA_NOTICE_WOULD_EXCEED, status);
        if (!text)
                return ctx_nomem(ctx);
        verdict->over[status->type] = true;
        switch (status->limit.action) {
        case QUOTA_BLOCK:
                if (!verdict->refusal) {
                        verdict->refusal = text;
                        verdict->refused = now;
                        verdict->share = share;
                }
                return OK;
        case QUOTA_REQUIRE_APPROVAL:
                if (!verdict->approval)
                        verdict->approval = text;
                return OK;
        case QUOTA_WARN:
        case QUOTA_ACTION_COUNT:
                break;
        }
        return warn(ctx, verdict, text);
}

static enum err check_type(struct ctx *ctx, const struct job *job, struct quota_status *status,
                           struct quota_verdict *verdict)
{
        const int64_t share = share_of(status->type, job);
        enum err rc = store_quota_used(ctx, status->type, job->owner, &status->used);

        if (rc != OK)
                return rc;
        status->used += share;
        if (status->used > status->limit.limit)
                return exceed(ctx, status, share, verdict);
        if (quota_percent(status->used, status->limit.limit) < WARN_FROM_PERCENT)
                return OK;
        return warn(ctx, verdict, quota_message(ctx, QUOTA_NOTICE_APPROACHING, status));
}

/* The permission is one of accounts: where there is none yet, who set the quota meant himself. */
static bool is_exempt(const struct ctx *ctx)
{
        return ctx->actor.kind == ACTOR_USER && auth_may(ctx, PERM_JOB_BYPASS_QUOTA);
}

enum err quota_check(struct ctx *ctx, const struct job *job, struct quota_verdict *ret)
{
        struct quota_verdict verdict = { .warnings = json_array() };
        struct quota_limits limits = { .any = false };
        enum err rc = verdict.warnings ? json_keep(ctx, verdict.warnings) : ctx_nomem(ctx);

        if (rc == OK && !is_exempt(ctx))
                rc = quota_limits_load(ctx, ctx->actor.user_id, &limits);
        for (unsigned type = 0; rc == OK && limits.any && type < QUOTA_TYPE_COUNT; type++) {
                struct quota_status status = { .type = (enum quota_type)type,
                                               .limit = limits.of[type] };

                if (status.limit.is_set)
                        rc = check_type(ctx, job, &status, &verdict);
        }
        if (rc == OK)
                *ret = verdict;
        return rc;
}

enum err quota_refuse(struct ctx *ctx, const struct quota_verdict *verdict)
{
        const struct quota_status *over = &verdict->refused;
        CLEANUP(json_decrefp)
        json_t *details = json_pack(
                "{s:s, s:f, s:f, s:f, s:s, s:s}", "quota_type", quota_type_name(over->type),
                "limit", quota_shown(over->type, over->limit.limit), "current",
                quota_shown(over->type, over->used), "job", quota_shown(over->type, verdict->share),
                "action", quota_action_name(over->limit.action), "source",
                quota_scope_name(over->limit.source));
        enum err rc = details ? json_text(ctx, details, &ctx->details) : ctx_nomem(ctx);

        if (rc != OK)
                return rc;
        return ctx_fail(ctx, ERR_OVER_QUOTA, "Quota exceeded: %s", verdict->refusal);
}

static enum err note(struct ctx *ctx, const char *owner, enum quota_type type)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s}", "quota_type", quota_type_name(type));
        const struct audit_entry entry = {
                .event_type = "quota.exceeded",
                .target_type = "user",
                .target_id = owner,
                .action = "A submission was over a quota",
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

enum err quota_note_excess(struct ctx *ctx, const char *owner, const struct quota_verdict *verdict)
{
        enum err rc = OK;

        for (unsigned type = 0; rc == OK && type < QUOTA_TYPE_COUNT; type++) {
                bool first = false;

                if (verdict->over[type])
                        rc = store_quota_excess(ctx, owner, (enum quota_type)type, &first);
                if (rc == OK && first)
                        rc = note(ctx, owner, (enum quota_type)type);
        }
        return rc;
}
