#include "core/store/store_quotas.h"

#include <string.h>

#include "core/db/db.h"

static const char *const type_names[QUOTA_TYPE_COUNT] = {
        [QUOTA_COST_MONTHLY] = "cost_monthly",       [QUOTA_COST_DAILY] = "cost_daily",
        [QUOTA_CONCURRENT_JOBS] = "concurrent_jobs", [QUOTA_JOBS_PER_DAY] = "jobs_per_day",
        [QUOTA_JOBS_PER_HOUR] = "jobs_per_hour",     [QUOTA_LOCAL_GPUS] = "local_gpus",
};
static const char *const action_names[QUOTA_ACTION_COUNT] = {
        [QUOTA_WARN] = "warn",
        [QUOTA_REQUIRE_APPROVAL] = "require_approval",
        [QUOTA_BLOCK] = "block",
};

const char *quota_type_name(enum quota_type type)
{
        return type_names[type];
}

const char *quota_action_name(enum quota_action action)
{
        return action_names[action];
}

const char *quota_scope_name(enum quota_scope scope)
{
        static const char *const names[] = {
                [QUOTA_USER] = "user", [QUOTA_LEVEL] = "level",   [QUOTA_TEAM] = "team",
                [QUOTA_ORG] = "org",   [QUOTA_GLOBAL] = "global",
        };

        return names[scope];
}

static bool find(const char *const *names, unsigned count, const char *name, unsigned *ret)
{
        for (unsigned i = 0; i < count; i++) {
                if (strcmp(names[i], name) == 0) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

bool quota_type_parse(const char *name, enum quota_type *ret)
{
        unsigned found;

        if (!find(type_names, QUOTA_TYPE_COUNT, name, &found))
                return false;
        *ret = (enum quota_type)found;
        return true;
}

bool quota_action_parse(const char *name, enum quota_action *ret)
{
        unsigned found;

        if (!find(action_names, QUOTA_ACTION_COUNT, name, &found))
                return false;
        *ret = (enum quota_action)found;
        return true;
}

/* ---- rows ---- */

/* SQL: the quota of $1 for the scope that is the one of $2 to $5 that is not 0. */
#define SCOPE_COLUMNS                                                                              \
        "quota_type, COALESCE(user_id, 0), COALESCE(level_id, 0), COALESCE(team_id, 0), "          \
        "COALESCE(org_id, 0)"
#define COLUMNS                                                                                    \
        "quota_id, quota_type, limit_value, action, user_id, level_id, team_id, org_id, "          \
        "created_at_us, updated_at_us, created_by"
#define SELECT "SELECT " COLUMNS " FROM quotas "

static int64_t id_of(const struct quota *quota, enum quota_scope scope)
{
        return quota->scope == scope ? quota->scope_id : 0;
}

static struct quota borrow(struct db_stmt *stmt)
{
        struct quota quota = {
                .quota_id = db_int(stmt, 0),
                .limit = db_int(stmt, 2),
                .scope = QUOTA_GLOBAL,
                .created_at_us = db_int(stmt, 8),
                .updated_at_us = db_int(stmt, 9),
                .created_by = db_text(stmt, 10),
        };

        /* The table's CHECKs leave no other words. */
        if (!quota_type_parse(db_text(stmt, 1), &quota.type))
                quota.type = QUOTA_CONCURRENT_JOBS;
        if (!quota_action_parse(db_text(stmt, 3), &quota.action))
                quota.action = QUOTA_BLOCK;
        for (unsigned scope = QUOTA_USER; scope <= QUOTA_ORG; scope++) {
                if (db_int(stmt, 4 + scope)) {
                        quota.scope = (enum quota_scope)scope;
                        quota.scope_id = db_int(stmt, 4 + scope);
                }
        }
        return quota;
}

static enum err get(struct ctx *ctx, struct db_stmt *stmt, struct quota *ret)
{
        struct quota quota;
        enum err rc = db_step(ctx, stmt);

        if (rc != OK)
                return rc;
        quota = borrow(stmt);
        rc = ctx_strdup(ctx, quota.created_by, &quota.created_by);
        if (rc == OK)
                *ret = quota;
        return rc;
}

static enum err each(struct ctx *ctx, struct db_stmt *stmt, quota_row_fn *row, void *arg)
{
        enum err rc;

        while ((rc = db_step(ctx, stmt)) == OK) {
                struct quota quota = borrow(stmt);

                row(arg, &quota);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_quota_put(struct ctx *ctx, const struct quota *quota, int64_t *ret_id)
{
        static const char sql[] =
                "INSERT INTO quotas (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, "
                "$10) ON CONFLICT (" SCOPE_COLUMNS ") DO UPDATE SET limit_value = $3, action = $4, "
                "updated_at_us = $9 RETURNING quota_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        int64_t id;
        enum err rc = db_next(ctx, "quota", &id);

        if (rc == OK)
                rc = db_first(ctx, &stmt, sql, "ititzzzzit", id, type_names[quota->type],
                              quota->limit, action_names[quota->action], id_of(quota, QUOTA_USER),
                              id_of(quota, QUOTA_LEVEL), id_of(quota, QUOTA_TEAM),
                              id_of(quota, QUOTA_ORG), quota->updated_at_us, quota->created_by);
        if (rc == OK)
                *ret_id = db_int(stmt, 0);
        return rc;
}

enum err store_quota_find(struct ctx *ctx, const struct quota *like, struct quota *ret)
{
        static const char sql[] = SELECT "WHERE (" SCOPE_COLUMNS ") = ($1, $2, $3, $4, $5)";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tiiii", type_names[like->type], id_of(like, QUOTA_USER),
                      id_of(like, QUOTA_LEVEL), id_of(like, QUOTA_TEAM), id_of(like, QUOTA_ORG));
        return rc == OK ? get(ctx, stmt, ret) : rc;
}

static enum err unknown(struct ctx *ctx, int64_t quota_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Quota not found: %lld", (long long)quota_id);
}

enum err store_quota_get(struct ctx *ctx, int64_t quota_id, struct quota *ret)
{
        static const char sql[] = SELECT "WHERE quota_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", quota_id);

        if (rc == OK)
                rc = get(ctx, stmt, ret);
        return rc == ERR_NOT_FOUND ? unknown(ctx, quota_id) : rc;
}

enum err store_quota_delete(struct ctx *ctx, int64_t quota_id)
{
        static const char sql[] = "DELETE FROM quotas WHERE quota_id = $1";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "i", quota_id);

        return rc == OK && changed == 0 ? unknown(ctx, quota_id) : rc;
}

enum err store_quotas_each(struct ctx *ctx, quota_row_fn *row, void *arg)
{
        static const char sql[] = SELECT "ORDER BY quota_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        return rc == OK ? each(ctx, stmt, row, arg) : rc;
}

enum err store_quotas_of(struct ctx *ctx, enum quota_scope scope, int64_t scope_id,
                         quota_row_fn *row, void *arg)
{
        static const char of_team[] = SELECT "WHERE team_id = $1 ORDER BY quota_id";
        static const char of_org[] = SELECT "WHERE org_id = $1 ORDER BY quota_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, scope == QUOTA_TEAM ? of_team : of_org, "i", scope_id);
        return rc == OK ? each(ctx, stmt, row, arg) : rc;
}

enum err store_quotas_for(struct ctx *ctx, int64_t user_id, quota_row_fn *row, void *arg)
{
        /* An index for each part, however many quotas there are. */
        static const char sql[] = SELECT
                "WHERE user_id = $1 "
                "UNION ALL " SELECT "WHERE level_id IN (SELECT l.level_id FROM user_levels l "
                "WHERE l.user_id = $1) "
                "UNION ALL " SELECT "WHERE team_id IN (SELECT m.team_id FROM team_members m "
                "WHERE m.user_id = $1) "
                "UNION ALL " SELECT "WHERE org_id = (SELECT u.org_id FROM users u "
                "WHERE u.user_id = $1) "
                "UNION ALL " SELECT "WHERE user_id IS NULL AND level_id IS NULL "
                "AND team_id IS NULL AND org_id IS NULL";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", user_id);

        return rc == OK ? each(ctx, stmt, row, arg) : rc;
}

/* ---- for whom ---- */

enum err store_quota_target(struct ctx *ctx, enum quota_scope scope, int64_t scope_id,
                            int64_t *ret_org_id)
{
        static const char *const sql[] = {
                [QUOTA_USER] = "SELECT 0 FROM users WHERE user_id = $1 AND deleted_at_us IS NULL",
                [QUOTA_LEVEL] = "SELECT 0 FROM levels WHERE level_id = $1",
                [QUOTA_TEAM] = "SELECT org_id FROM teams WHERE team_id = $1",
                [QUOTA_ORG] = "SELECT 0 FROM orgs WHERE org_id = $1",
        };
        static const char *const names[] = { "User", "Level", "Team", "Organization" };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        if (scope == QUOTA_GLOBAL) {
                *ret_org_id = 0;
                return OK;
        }
        rc = db_first(ctx, &stmt, sql[scope], "i", scope_id);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "%s not found: %lld", names[scope], (long long)scope_id);
        if (rc == OK)
                *ret_org_id = db_int(stmt, 0);
        return rc;
}

enum err store_quota_member(struct ctx *ctx, enum quota_scope scope, int64_t scope_id,
                            int64_t user_id, bool *ret)
{
        static const char of_team[] =
                "SELECT 1 FROM team_members WHERE team_id = $1 AND user_id = $2";
        static const char of_org[] = "SELECT 1 FROM users WHERE org_id = $1 AND user_id = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, scope == QUOTA_TEAM ? of_team : of_org, "ii", scope_id, user_id);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret = rc == OK;
        return OK;
}

enum err store_quota_excess(struct ctx *ctx, const char *owner, enum quota_type type,
                            bool *ret_first)
{
        /* A later time is one of a clock that was set back. */
        static const char sql[] =
                "INSERT INTO quota_excesses (owner, quota_type, noted_at_us) VALUES ($1, $2, $3) "
                "ON CONFLICT (owner, quota_type) DO UPDATE SET noted_at_us = $3 "
                "WHERE quota_excesses.noted_at_us <= $4 OR quota_excesses.noted_at_us > $3";
        const int64_t now_us = clock_wall_us(ctx->clock);
        int64_t changed = 0;
        enum err rc;

        rc = db_run(ctx, &changed, sql, "ttii", owner, type_names[type], now_us,
                    now_us - 60 * US_PER_S);
        if (rc == OK)
                *ret_first = changed > 0;
        return rc;
}
