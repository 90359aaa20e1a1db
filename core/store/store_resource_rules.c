#include "core/store/store_resource_rules.h"

#include "core/db/db.h"

#define COLUMNS                                                                                    \
        "r.rule_id, r.name, r.resource_type, r.pattern, r.action, r.priority, r.applies_to, "      \
        "r.description, r.created_at_us"
#define ORDER " ORDER BY r.priority DESC, r.rule_id"

static struct resource_rule borrow(struct db_stmt *stmt)
{
        return (struct resource_rule){
                .rule_id = db_int(stmt, 0),
                .name = db_text(stmt, 1),
                .resource_type = db_text(stmt, 2),
                .pattern = db_text(stmt, 3),
                .action = db_text(stmt, 4),
                .priority = db_int(stmt, 5),
                .applies_to = db_text(stmt, 6),
                .description = db_text(stmt, 7),
                .created_at_us = db_int(stmt, 8),
        };
}

static enum err keep(struct ctx *ctx, struct resource_rule *row)
{
        const char **const texts[] = { &row->name,   &row->resource_type, &row->pattern,
                                       &row->action, &row->applies_to,    &row->description };
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
        return rc;
}

static enum err copy(struct ctx *ctx, struct db_stmt *stmt, void *ret)
{
        struct resource_rule *row = ret;

        *row = borrow(stmt);
        return keep(ctx, row);
}

enum err store_resource_rules_list(struct ctx *ctx, struct resource_rule_filter filter,
                                   const struct resource_rule **ret)
{
        static const char of_all[] = "SELECT " COLUMNS " FROM resource_rules r" ORDER;
        static const char of_level[] = "SELECT " COLUMNS " FROM resource_rules r "
                                       "WHERE r.rule_id IN (SELECT t.rule_id FROM level_rules t "
                                       "WHERE t.level_id = $1)" ORDER;
        static const char of_user[] = "SELECT " COLUMNS " FROM resource_rules r "
                                      "WHERE r.rule_id IN (SELECT t.rule_id FROM level_rules t "
                                      "JOIN user_levels m ON m.level_id = t.level_id "
                                      "WHERE m.user_id = $1)" ORDER;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        if (filter.level_id)
                rc = db_query(ctx, &stmt, of_level, "i", filter.level_id);
        else if (filter.user_id)
                rc = db_query(ctx, &stmt, of_user, "i", filter.user_id);
        else
                rc = db_query(ctx, &stmt, of_all, "");
        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct resource_rule, copy), ret) : rc;
}

static enum err unknown(struct ctx *ctx, int64_t rule_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "Resource rule %lld not found", (long long)rule_id);
}

enum err store_resource_rule_get(struct ctx *ctx, int64_t rule_id, struct resource_rule *ret)
{
        static const char sql[] = "SELECT " COLUMNS " FROM resource_rules r WHERE r.rule_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct resource_rule row;
        enum err rc = db_first(ctx, &stmt, sql, "i", rule_id);

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? unknown(ctx, rule_id) : rc;
        row = borrow(stmt);
        rc = keep(ctx, &row);
        if (rc == OK)
                *ret = row;
        return rc;
}

enum err store_resource_rule_insert(struct ctx *ctx, const struct resource_rule *row,
                                    int64_t *ret_rule_id)
{
        static const char sql[] =
                "INSERT INTO resource_rules (rule_id, name, resource_type, pattern, action, "
                "priority, applies_to, description, created_at_us) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        int64_t rule_id;
        enum err rc = db_next(ctx, "resource_rule", &rule_id);

        if (rc == OK)
                rc = db_run(ctx, NULL, sql, "ittttitti", rule_id, row->name, row->resource_type,
                            row->pattern, row->action, row->priority, row->applies_to,
                            row->description, clock_wall_us(ctx->clock));
        if (rc == OK)
                *ret_rule_id = rule_id;
        return rc;
}

enum err store_resource_rule_update(struct ctx *ctx, const struct resource_rule *row)
{
        static const char sql[] =
                "UPDATE resource_rules SET name = $2, resource_type = $3, pattern = $4, "
                "action = $5, priority = $6, applies_to = $7, description = $8 "
                "WHERE rule_id = $1";
        int64_t changed = 0;
        enum err rc =
                db_run(ctx, &changed, sql, "ittttitt", row->rule_id, row->name, row->resource_type,
                       row->pattern, row->action, row->priority, row->applies_to, row->description);

        return rc == OK && changed == 0 ? unknown(ctx, row->rule_id) : rc;
}

enum err store_resource_rule_delete(struct ctx *ctx, int64_t rule_id)
{
        int64_t changed = 0;
        enum err rc = db_run(ctx, NULL, "DELETE FROM level_rules WHERE rule_id = $1", "i", rule_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, "DELETE FROM resource_rules WHERE rule_id = $1", "i",
                            rule_id);
        return rc == OK && changed == 0 ? unknown(ctx, rule_id) : rc;
}

enum err store_level_rules_clear(struct ctx *ctx, int64_t level_id)
{
        return db_run(ctx, NULL, "DELETE FROM level_rules WHERE level_id = $1", "i", level_id);
}

enum err store_level_rule_add(struct ctx *ctx, int64_t level_id, int64_t rule_id)
{
        static const char sql[] = "INSERT INTO level_rules (level_id, rule_id) VALUES ($1, $2) "
                                  "ON CONFLICT DO NOTHING";

        return db_run(ctx, NULL, sql, "ii", level_id, rule_id);
}

enum err store_rule_levels_each(struct ctx *ctx, int64_t rule_id, level_id_fn *row, void *arg)
{
        static const char sql[] = "SELECT level_id FROM level_rules WHERE rule_id = $1 "
                                  "ORDER BY level_id";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", rule_id);

        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK)
                row(arg, db_int(stmt, 0));
        return rc == ERR_NOT_FOUND ? OK : rc;
}
