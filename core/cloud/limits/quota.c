#include "core/cloud/limits/quota.h"

#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/db/db.h"

double quota_shown(enum quota_type type, int64_t value)
{
        return quota_type_is_money(type) ? (double)value / 1e6 : (double)value;
}

const char *quota_type_description(enum quota_type type)
{
        static const char *const texts[QUOTA_TYPE_COUNT] = {
                [QUOTA_COST_MONTHLY] = "USD that the jobs of the last 30 days may cost",
                [QUOTA_COST_DAILY] = "USD that the jobs of the last 24 hours may cost",
                [QUOTA_CONCURRENT_JOBS] = "Jobs that may be active at once",
                [QUOTA_JOBS_PER_DAY] = "Jobs that may be submitted in 24 hours",
                [QUOTA_JOBS_PER_HOUR] = "Jobs that may be submitted in 60 minutes",
                [QUOTA_LOCAL_GPUS] =
                        "GPUs of this machine in use at once; jobs in the cloud use none",
        };

        return texts[type];
}

/* ---- what is asked for ---- */

/* All names, for a message: "" when memory is out. */
static const char *join(struct ctx *ctx, const char *(*name_at)(unsigned), unsigned count)
{
        const char *text = "";

        for (unsigned i = 0; text && i < count; i++)
                text = arena_printf(ctx->arena, "%s%s%s", text, i ? ", " : "", name_at(i));
        return text ? text : "";
}

static const char *type_at(unsigned n)
{
        return quota_type_name((enum quota_type)n);
}

static const char *action_at(unsigned n)
{
        return quota_action_name((enum quota_action)n);
}

static enum err read_words(struct ctx *ctx, const struct quota_given *given, struct quota *quota)
{
        quota->action = QUOTA_BLOCK;
        if (!quota_type_parse(given->quota_type, &quota->type))
                return ctx_fail(ctx, ERR_INVALID, "Invalid quota_type: %.64s. Valid types: [%s]",
                                given->quota_type, join(ctx, type_at, QUOTA_TYPE_COUNT));
        if (given->action && !quota_action_parse(given->action, &quota->action))
                return ctx_fail(ctx, ERR_INVALID, "Invalid action: %.64s. Valid actions: [%s]",
                                given->action, join(ctx, action_at, QUOTA_ACTION_COUNT));
        return OK;
}

static enum err read_limit(struct ctx *ctx, const struct quota_given *given, struct quota *quota)
{
        const bool money = quota_type_is_money(quota->type);
        const double limit = given->limit_value;

        if (!(limit > 0) || limit > QUOTA_LIMIT_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "limit_value must be more than 0 and at most %.0f",
                                QUOTA_LIMIT_MAX);
        if (!money && limit != (double)(int64_t)limit)
                return ctx_fail(ctx, ERR_INVALID, "limit_value must be a whole number for %s",
                                quota_type_name(quota->type));
        quota->limit = (int64_t)(money ? limit * 1e6 + 0.5 : limit);
        if (quota->limit == 0)
                quota->limit = 1; /* less than a millionth of a USD is not nothing */
        return OK;
}

static enum err read_scope(struct ctx *ctx, const struct quota_given *given, struct quota *quota)
{
        const int64_t ids[] = { given->user_id, given->level_id, given->team_id, given->org_id };
        unsigned set = 0;

        quota->scope = QUOTA_GLOBAL;
        for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
                if (!ids[i])
                        continue;
                set++;
                quota->scope = (enum quota_scope)(QUOTA_USER + i);
                quota->scope_id = ids[i];
        }
        if (set > 1)
                return ctx_fail(ctx, ERR_INVALID,
                                "Give at most one of user_id, level_id, team_id and org_id: a "
                                "quota is for one of them, or for all");
        return OK;
}

/* ---- changes ---- */

static enum err note_change(struct ctx *ctx, const struct quota *quota, const struct quota *old,
                            const char *action)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack(
                "{s:s, s:s, s:f, s:s}", "quota_type", quota_type_name(quota->type), "scope",
                quota_scope_name(quota->scope), "limit_value",
                quota_shown(quota->type, quota->limit), "action", quota_action_name(quota->action));
        const struct audit_entry entry = {
                .event_type = "quota.changed",
                .target_type = "quota",
                .target_id = arena_printf(ctx->arena, "%lld", (long long)quota->quota_id),
                .action = action,
                .details = details,
        };
        bool ok = details && entry.target_id;

        if (ok && quota->scope_id)
                ok = json_object_set_new(details, "scope_id", json_integer(quota->scope_id)) == 0;
        if (ok && old)
                ok = json_object_set_new(details, "before",
                                         json_pack("{s:f, s:s}", "limit_value",
                                                   quota_shown(old->type, old->limit), "action",
                                                   quota_action_name(old->action))) == 0;
        return ok ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* Inside a transaction. Two who set the same one at once wait for each other. */
static enum err put(struct ctx *ctx, struct quota *quota)
{
        struct quota old;
        bool had;
        enum err rc = db_lock(ctx, "quotas");

        if (rc == OK)
                rc = store_quota_find(ctx, quota, &old);
        had = rc == OK;
        if (rc == OK || rc == ERR_NOT_FOUND)
                rc = store_quota_put(ctx, quota, &quota->quota_id);
        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s not found: %lld",
                                quota_scope_name(quota->scope), (long long)quota->scope_id);
        if (rc == OK && had)
                quota->created_at_us = old.created_at_us;
        return rc == OK ? note_change(ctx, quota, had ? &old : NULL,
                                      had ? "Quota changed" : "Quota set")
                        : rc;
}

static enum err read_given(struct ctx *ctx, const struct quota_given *given, struct quota *ret)
{
        enum err rc = read_words(ctx, given, ret);

        if (rc == OK)
                rc = read_limit(ctx, given, ret);
        if (rc == OK)
                rc = read_scope(ctx, given, ret);
        return rc;
}

enum err quota_set(struct ctx *ctx, const struct quota_given *given, struct quota *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct quota quota = { .created_at_us = now_us,
                               .updated_at_us = now_us,
                               .created_by = ctx_actor_name(ctx) };
        int64_t org_id;
        enum err rc;

        rc = read_given(ctx, given, &quota);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_quota_target(ctx, quota.scope, quota.scope_id, &org_id);
        if (rc == OK)
                rc = put(ctx, &quota);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = quota;
        return rc;
}

enum err quota_get(struct ctx *ctx, int64_t quota_id, struct quota *ret)
{
        return store_quota_get(ctx, quota_id, ret);
}

enum err quota_list(struct ctx *ctx, quota_row_fn *row, void *arg)
{
        return store_quotas_each(ctx, row, arg);
}

/* group: whose it has to be, NULL: anybody's. */
static enum err remove_quota(struct ctx *ctx, int64_t quota_id, const struct quota *group)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct quota quota;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, "quotas");
        if (rc == OK)
                rc = store_quota_get(ctx, quota_id, &quota);
        if (rc == OK && group && (quota.scope != group->scope || quota.scope_id != group->scope_id))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Quota not found: %lld", (long long)quota_id);
        if (rc == OK)
                rc = store_quota_delete(ctx, quota_id);
        if (rc == OK)
                rc = note_change(ctx, &quota, NULL, "Quota removed");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err quota_remove(struct ctx *ctx, int64_t quota_id)
{
        return remove_quota(ctx, quota_id, NULL);
}

/* ---- organisations and teams ---- */

static struct quota of_group(const struct quota_group *group)
{
        return (struct quota){
                .scope = group->team_id ? QUOTA_TEAM : QUOTA_ORG,
                .scope_id = group->team_id ? group->team_id : group->org_id,
        };
}

static enum err check_member(struct ctx *ctx, const struct quota *whose)
{
        bool member = false;
        enum err rc = OK;

        if (auth_may(ctx, PERM_ADMIN_QUOTAS))
                return OK;
        if (ctx->actor.user_id)
                rc = store_quota_member(ctx, whose->scope, whose->scope_id, ctx->actor.user_id,
                                        &member);
        if (rc == OK && !member)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s not found: %lld",
                                whose->scope == QUOTA_TEAM ? "Team" : "Organization",
                                (long long)whose->scope_id);
        return rc;
}

/* Is there such a group, and may the one who asks know of it? */
static enum err check_group(struct ctx *ctx, const struct quota_group *group)
{
        const struct quota whose = of_group(group);
        int64_t org_id = 0;
        enum err rc = store_quota_target(ctx, whose.scope, whose.scope_id, &org_id);

        if (rc == OK && group->team_id && org_id != group->org_id)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Team not found: %lld",
                                (long long)group->team_id);
        return rc == OK ? check_member(ctx, &whose) : rc;
}

enum err quota_group_list(struct ctx *ctx, const struct quota_group *group, quota_row_fn *row,
                          void *arg)
{
        const struct quota whose = of_group(group);
        enum err rc = check_group(ctx, group);

        return rc == OK ? store_quotas_of(ctx, whose.scope, whose.scope_id, row, arg) : rc;
}

enum err quota_group_set(struct ctx *ctx, const struct quota_group *group,
                         const struct quota_given *given, struct quota *ret)
{
        struct quota_given its = *given;
        enum err rc = check_group(ctx, group);

        its.user_id = its.level_id = its.team_id = its.org_id = 0;
        if (group->team_id)
                its.team_id = group->team_id;
        else
                its.org_id = group->org_id;
        return rc == OK ? quota_set(ctx, &its, ret) : rc;
}

enum err quota_group_remove(struct ctx *ctx, const struct quota_group *group, int64_t quota_id)
{
        const struct quota whose = of_group(group);
        enum err rc = check_group(ctx, group);

        return rc == OK ? remove_quota(ctx, quota_id, &whose) : rc;
}
