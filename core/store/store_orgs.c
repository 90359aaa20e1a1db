#include "core/store/store_orgs.h"

#include "core/db/db.h"

#define ORGS                                                                                       \
        "SELECT o.org_id, o.name, o.description, o.created_at_us, (SELECT COUNT(*) FROM users u "  \
        "WHERE u.org_id = o.org_id AND u.deleted_at_us IS NULL) FROM orgs o "
#define TEAMS                                                                                      \
        "SELECT t.team_id, t.org_id, t.name, t.description, t.created_at_us, (SELECT COUNT(*) "    \
        "FROM team_members m WHERE m.team_id = t.team_id) FROM teams t "

/* ---- organisations ---- */

static enum err keep_org(struct ctx *ctx, struct db_stmt *stmt, void *ret)
{
        struct org row = {
                .org_id = db_int(stmt, 0),
                .created_at_us = db_int(stmt, 3),
                .members = db_int(stmt, 4),
        };
        enum err rc = db_text_dup(ctx, stmt, 1, &row.name);

        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 2, &row.description);
        if (rc == OK)
                *(struct org *)ret = row;
        return rc;
}

enum err store_orgs_list(struct ctx *ctx, int64_t org_id, const struct org **ret)
{
        static const char of_all[] = ORGS "ORDER BY o.name";
        static const char of_one[] = ORGS "WHERE o.org_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = org_id ? db_query(ctx, &stmt, of_one, "i", org_id)
                             : db_query(ctx, &stmt, of_all, "");

        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct org, keep_org), ret) : rc;
}

static enum err unknown_org(struct ctx *ctx, int64_t org_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Organization %lld not found", (long long)org_id);
}

enum err store_org_get(struct ctx *ctx, int64_t org_id, struct org *ret)
{
        static const char sql[] = ORGS "WHERE o.org_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "i", org_id);

        if (rc == OK)
                return keep_org(ctx, stmt, ret);
        return rc == ERR_NOT_FOUND ? unknown_org(ctx, org_id) : rc;
}

static enum err org_taken(struct ctx *ctx, const char *name)
{
        return ctx_fail(ctx, ERR_CONFLICT, "Organization '%.100s' already exists", name);
}

enum err store_org_insert(struct ctx *ctx, const struct org *row, int64_t *ret_org_id)
{
        static const char sql[] = "INSERT INTO orgs (org_id, name, description, created_at_us) "
                                  "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        int64_t org_id, changed = 0;
        enum err rc = db_next(ctx, "org", &org_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, sql, "itti", org_id, row->name, row->description,
                            clock_wall_us(ctx->clock));
        if (rc == OK && changed == 0)
                return org_taken(ctx, row->name);
        if (rc == OK)
                *ret_org_id = org_id;
        return rc;
}

enum err store_org_update(struct ctx *ctx, const struct org *row)
{
        static const char sql[] = "UPDATE orgs SET name = $2, description = $3 WHERE org_id = $1";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "itt", row->org_id, row->name, row->description);

        if (rc == ERR_CONFLICT)
                return org_taken(ctx, row->name);
        return rc == OK && changed == 0 ? unknown_org(ctx, row->org_id) : rc;
}

enum err store_org_delete(struct ctx *ctx, int64_t org_id)
{
        static const char members[] = "DELETE FROM team_members WHERE team_id IN "
                                      "(SELECT team_id FROM teams WHERE org_id = $1)";
        int64_t changed = 0;
        enum err rc = db_run(ctx, NULL, members, "i", org_id);

        if (rc == OK)
                rc = db_run(ctx, NULL, "DELETE FROM teams WHERE org_id = $1", "i", org_id);
        if (rc == OK)
                rc = db_run(ctx, &changed, "DELETE FROM orgs WHERE org_id = $1", "i", org_id);
        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, rc, "Organization %lld is in use", (long long)org_id);
        return rc == OK && changed == 0 ? unknown_org(ctx, org_id) : rc;
}

/* ---- teams ---- */

static enum err keep_team(struct ctx *ctx, struct db_stmt *stmt, void *ret)
{
        struct team row = {
                .team_id = db_int(stmt, 0),
                .org_id = db_int(stmt, 1),
                .created_at_us = db_int(stmt, 4),
                .members = db_int(stmt, 5),
        };
        enum err rc = db_text_dup(ctx, stmt, 2, &row.name);

        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 3, &row.description);
        if (rc == OK)
                *(struct team *)ret = row;
        return rc;
}

enum err store_teams_list(struct ctx *ctx, int64_t org_id, int64_t user_id, const struct team **ret)
{
        static const char of_org[] = TEAMS "WHERE t.org_id = $1 ORDER BY t.name";
        static const char of_user[] = TEAMS "WHERE t.team_id IN (SELECT x.team_id "
                                            "FROM team_members x WHERE x.user_id = $1) "
                                            "ORDER BY t.name";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = user_id ? db_query(ctx, &stmt, of_user, "i", user_id)
                              : db_query(ctx, &stmt, of_org, "i", org_id);

        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct team, keep_team), ret) : rc;
}

static enum err unknown_team(struct ctx *ctx, int64_t team_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Team %lld not found", (long long)team_id);
}

enum err store_team_get(struct ctx *ctx, int64_t org_id, int64_t team_id, struct team *ret)
{
        static const char sql[] = TEAMS "WHERE t.org_id = $1 AND t.team_id = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "ii", org_id, team_id);

        if (rc == OK)
                return keep_team(ctx, stmt, ret);
        return rc == ERR_NOT_FOUND ? unknown_team(ctx, team_id) : rc;
}

static enum err team_taken(struct ctx *ctx, const char *name)
{
        return ctx_fail(ctx, ERR_CONFLICT, "Team '%.100s' already exists", name);
}

enum err store_team_insert(struct ctx *ctx, const struct team *row, int64_t *ret_team_id)
{
        static const char sql[] =
                "INSERT INTO teams (team_id, org_id, name, description, created_at_us) "
                "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        int64_t team_id, changed = 0;
        enum err rc = db_next(ctx, "team", &team_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, sql, "iitti", team_id, row->org_id, row->name,
                            row->description, clock_wall_us(ctx->clock));
        if (rc == OK && changed == 0)
                return team_taken(ctx, row->name);
        if (rc == OK)
                *ret_team_id = team_id;
        return rc;
}

enum err store_team_update(struct ctx *ctx, const struct team *row)
{
        static const char sql[] = "UPDATE teams SET name = $2, description = $3 WHERE team_id = $1";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "itt", row->team_id, row->name, row->description);

        if (rc == ERR_CONFLICT)
                return team_taken(ctx, row->name);
        return rc == OK && changed == 0 ? unknown_team(ctx, row->team_id) : rc;
}

enum err store_team_delete(struct ctx *ctx, int64_t team_id)
{
        int64_t changed = 0;
        enum err rc =
                db_run(ctx, NULL, "DELETE FROM team_members WHERE team_id = $1", "i", team_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, "DELETE FROM teams WHERE team_id = $1", "i", team_id);
        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, rc, "Team %lld is in use", (long long)team_id);
        return rc == OK && changed == 0 ? unknown_team(ctx, team_id) : rc;
}

/* ---- members ---- */

enum err store_team_member_add(struct ctx *ctx, int64_t team_id, int64_t user_id,
                               int64_t *ret_changed)
{
        static const char sql[] = "INSERT INTO team_members (team_id, user_id) VALUES ($1, $2) "
                                  "ON CONFLICT DO NOTHING";

        return db_run(ctx, ret_changed, sql, "ii", team_id, user_id);
}

enum err store_team_member_remove(struct ctx *ctx, int64_t team_id, int64_t user_id,
                                  int64_t *ret_changed)
{
        static const char sql[] = "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2";

        return db_run(ctx, ret_changed, sql, "ii", team_id, user_id);
}

enum err store_team_member_clear(struct ctx *ctx, int64_t user_id)
{
        return db_run(ctx, NULL, "DELETE FROM team_members WHERE user_id = $1", "i", user_id);
}

enum err store_members_each(struct ctx *ctx, int64_t org_id, int64_t team_id, member_row_fn *row,
                            void *arg)
{
        static const char sql[] =
                "SELECT user_id, username, display_name, deactivated_at_us FROM users u "
                "WHERE org_id = $1 AND deleted_at_us IS NULL AND ($2 = 0 OR EXISTS "
                "(SELECT 1 FROM team_members m WHERE m.team_id = $2 AND m.user_id = u.user_id)) "
                "ORDER BY username_key";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "ii", org_id, team_id);

        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                const struct member member = {
                        .user_id = db_int(stmt, 0),
                        .username = db_text(stmt, 1),
                        .display_name = db_text(stmt, 2),
                        .is_active = db_int(stmt, 3) == 0,
                };

                row(arg, &member);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
