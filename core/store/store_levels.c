#include "core/store/store_levels.h"

#include "core/db/db.h"

#define COLUMNS                                                                                    \
        "l.level_id, l.name, l.description, l.priority, l.permissions, l.is_system, "              \
        "l.created_at_us"
#define ORDER "l.priority DESC, l.name"

/* The level in the row at hand, from column first on. */
static struct level borrow(struct db_stmt *stmt, unsigned first)
{
        return (struct level){
                .level_id = db_int(stmt, first),
                .name = db_text(stmt, first + 1),
                .description = db_text(stmt, first + 2),
                .priority = db_int(stmt, first + 3),
                .permissions = db_text(stmt, first + 4),
                .is_system = db_int(stmt, first + 5) != 0,
                .created_at_us = db_int(stmt, first + 6),
        };
}

static enum err keep(struct ctx *ctx, struct level *row)
{
        enum err rc = ctx_strdup(ctx, row->name, &row->name);

        if (rc == OK)
                rc = ctx_strdup(ctx, row->description, &row->description);
        if (rc == OK)
                rc = ctx_strdup(ctx, row->permissions, &row->permissions);
        return rc;
}

static enum err copy(struct ctx *ctx, struct db_stmt *stmt, void *ret)
{
        struct level *row = ret;

        *row = borrow(stmt, 0);
        return keep(ctx, row);
}

enum err store_levels_list(struct ctx *ctx, int64_t user_id, const struct level **ret)
{
        static const char of_all[] = "SELECT " COLUMNS " FROM levels l ORDER BY " ORDER;
        static const char of_one[] = "SELECT " COLUMNS " FROM user_levels m JOIN levels l "
                                     "ON l.level_id = m.level_id WHERE m.user_id = $1 "
                                     "ORDER BY " ORDER;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        if (user_id)
                rc = db_query(ctx, &stmt, of_one, "i", user_id);
        else
                rc = db_query(ctx, &stmt, of_all, "");
        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct level, copy), ret) : rc;
}

enum err store_user_levels_each(struct ctx *ctx, int64_t first_id, int64_t last_id,
                                user_level_row_fn *row, void *arg)
{
        static const char sql[] = "SELECT m.user_id, " COLUMNS " FROM user_levels m JOIN levels l "
                                  "ON l.level_id = m.level_id WHERE m.user_id BETWEEN $1 AND $2 "
                                  "ORDER BY m.user_id, " ORDER;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "ii", first_id, last_id);

        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                const struct level level = borrow(stmt, 1);

                row(arg, db_int(stmt, 0), &level);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

static enum err get(struct ctx *ctx, struct db_stmt *stmt, struct level *ret)
{
        struct level row;
        enum err rc = db_step(ctx, stmt);

        if (rc != OK)
                return rc;
        row = borrow(stmt, 0);
        rc = keep(ctx, &row);
        if (rc == OK)
                *ret = row;
        return rc;
}

static enum err unknown(struct ctx *ctx, int64_t level_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Level %lld not found", (long long)level_id);
}

enum err store_level_get(struct ctx *ctx, int64_t level_id, struct level *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM levels l WHERE l.level_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", level_id);

        if (rc == OK)
                rc = get(ctx, stmt, ret);
        return rc == ERR_NOT_FOUND ? unknown(ctx, level_id) : rc;
}

enum err store_level_by_name(struct ctx *ctx, const char *name, struct level *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM levels l WHERE l.name = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "t", name);

        if (rc == OK)
                rc = get(ctx, stmt, ret);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "Level not found: %.64s", name);
        return rc;
}

enum err store_level_insert(struct ctx *ctx, const struct level *row, int64_t *ret_level_id)
{
        static const char sql[] =
                "INSERT INTO levels (level_id, name, description, priority, permissions, "
                "is_system, created_at_us) VALUES ($1, $2, $3, $4, $5, 0, $6) "
                "ON CONFLICT DO NOTHING";
        int64_t level_id, changed = 0;
        enum err rc = db_next(ctx, "level", &level_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, sql, "ittiti", level_id, row->name, row->description,
                            row->priority, row->permissions, clock_wall_us(ctx->clock));
        if (rc == OK && changed == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "Level '%.64s' already exists", row->name);
        if (rc == OK)
                *ret_level_id = level_id;
        return rc;
}

enum err store_level_update(struct ctx *ctx, const struct level *row)
{
        static const char sql[] = "UPDATE levels SET name = $2, description = $3, priority = $4, "
                                  "permissions = $5 WHERE level_id = $1";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ittit", row->level_id, row->name,
                             row->description, row->priority, row->permissions);

        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, rc, "Level '%.64s' already exists", row->name);
        return rc == OK && changed == 0 ? unknown(ctx, row->level_id) : rc;
}

enum err store_level_delete(struct ctx *ctx, int64_t level_id)
{
        int64_t changed = 0;
        enum err rc =
                db_run(ctx, NULL, "DELETE FROM level_rules WHERE level_id = $1", "i", level_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, "DELETE FROM levels WHERE level_id = $1", "i", level_id);
        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, rc, "Level %lld is in use", (long long)level_id);
        return rc == OK && changed == 0 ? unknown(ctx, level_id) : rc;
}

enum err store_level_count_users(struct ctx *ctx, int64_t level_id, int64_t *ret)
{
        static const char sql[] = "SELECT COUNT(*) FROM user_levels WHERE level_id = $1";

        return db_number(ctx, ret, sql, "i", level_id);
}

enum err store_user_level_add(struct ctx *ctx, int64_t user_id, int64_t level_id,
                              int64_t *ret_changed)
{
        static const char sql[] =
                "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

        return db_run(ctx, ret_changed, sql, "iiti", user_id, level_id, ctx_actor_name(ctx),
                      clock_wall_us(ctx->clock));
}

enum err store_user_level_remove(struct ctx *ctx, int64_t user_id, int64_t level_id,
                                 int64_t *ret_changed)
{
        static const char sql[] = "DELETE FROM user_levels WHERE user_id = $1 AND level_id = $2";

        return db_run(ctx, ret_changed, sql, "ii", user_id, level_id);
}

enum err store_user_levels_clear(struct ctx *ctx, int64_t user_id)
{
        return db_run(ctx, NULL, "DELETE FROM user_levels WHERE user_id = $1", "i", user_id);
}
