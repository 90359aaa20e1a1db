#include "core/store/store_sealed.h"

#include "core/db/db.h"

#define PROXY "\"proxy_url\":\""
#define TOKEN "\"auth_token\":\""

/* $1 a pattern of what is not wanted, $2 how many, $3 and on the keys of the row before; and for
 * the other, $1 the new text, $2 the old one, $3 and on the keys. */
#define SQL_OF(table, column, begins, select, where, order, match)                                 \
        .list_sql =                                                                                \
                "SELECT " select ", " column " FROM " table " WHERE " where " AND " column         \
                " LIKE '" begins "v1.%' AND " column " NOT LIKE $1 ORDER BY " order " LIMIT $2",   \
        .replace_sql = "UPDATE " table " SET " column " = $1 WHERE " column " = $2 AND " match,    \
        .count_sql = "SELECT COUNT(*) FROM " table " WHERE " column " LIKE $1"

#define BY_ONE(table, column, begins, key)                                                         \
        SQL_OF(table, column, begins, key ", '', ''", key " > $3", key, key " = $3")
#define BY_THREE(table, column, begins, a, b, c)                                                   \
        SQL_OF(table, column, begins, a ", " b ", " c, "(" a ", " b ", " c ") > ($3, $4, $5)",     \
               a ", " b ", " c, a " = $3 AND " b " = $4 AND " c " = $5")

/* clang-format off */
static const struct sealed_column columns[] = {
        { "jobs.request", 1, "", BY_ONE("jobs", "request", "", "job_id") },
        { "webhook_deliveries.body", 1, "",
          BY_ONE("webhook_deliveries", "body", "", "delivery_id") },
        { "s3_credentials.secret_sealed", 1, "",
          BY_ONE("s3_credentials", "secret_sealed", "", "access_key_id") },
        { "user_credentials.value", 3, "",
          BY_THREE("user_credentials", "value", "", "provider", "name", "owner") },
        { "providers.config.proxy_url", 1, PROXY,
          BY_ONE("providers", "config", "%" PROXY, "provider") },
        { "preferences.audit.export/auth_token", 0, TOKEN,
          SQL_OF("preferences", "value", "%" TOKEN, "name, '', ''",
                 "name > $3 AND name = 'audit.export'", "name", "name = $3") },
};
/* clang-format on */

const struct sealed_column *sealed_column_at(size_t n)
{
        return n < ARRAY_SIZE(columns) ? &columns[n] : NULL;
}

/* What LIKE matches texts under key_id with. NULL: out of memory. */
static const char *pattern_of(struct ctx *ctx, const struct sealed_column *column,
                              const char *key_id)
{
        return arena_printf(ctx->arena, "%s%sv1.%s.%%", *column->begins ? "%" : "", column->begins,
                            key_id);
}

static enum err copy_row(struct ctx *ctx, struct db_stmt *stmt, void *row)
{
        struct sealed_row *copy = row;
        enum err rc = OK;

        for (unsigned i = 0; rc == OK && i < SEALED_KEYS_MAX; i++)
                rc = db_text_dup(ctx, stmt, i, &copy->key[i]);
        return rc == OK ? db_text_dup(ctx, stmt, SEALED_KEYS_MAX, &copy->text) : rc;
}

enum err store_sealed_list(struct ctx *ctx, const struct sealed_column *column,
                           const struct sealed_page *page, struct sealed_row **ret)
{
        static const struct sealed_row first = { .key = { "", "", "" } };
        const struct sealed_row *after = page->after ? page->after : &first;
        const char *pattern = pattern_of(ctx, column, page->key_id);
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        if (!pattern)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, column->list_sql, column->key_count == 3 ? "tittt" : "tit",
                      pattern, page->limit, after->key[0], after->key[1], after->key[2]);
        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct sealed_row, copy_row), ret) : rc;
}

enum err store_sealed_replace(struct ctx *ctx, const struct sealed_column *column,
                              const struct sealed_row *row, const char *text, bool *ret_replaced)
{
        int64_t changed = 0;
        enum err rc =
                db_run(ctx, &changed, column->replace_sql, column->key_count == 3 ? "ttttt" : "ttt",
                       text, row->text, row->key[0], row->key[1], row->key[2]);

        if (rc == OK)
                *ret_replaced = changed > 0;
        return rc;
}

enum err store_sealed_count(struct ctx *ctx, const struct sealed_column *column, const char *key_id,
                            int64_t *ret)
{
        const char *pattern = pattern_of(ctx, column, key_id);

        return pattern ? db_number(ctx, ret, column->count_sql, "t", pattern) : ctx_nomem(ctx);
}

enum err store_sealed_uploads(struct ctx *ctx, const char *key_id, bool is_oldest, int64_t *ret)
{
        static const char sql[] =
                "SELECT COUNT(*) FROM jobs WHERE upload_token_sha256 IS NOT NULL "
                "AND (upload_key_id = $1 OR (upload_key_id IS NULL AND CAST($2 AS BIGINT) = 1))";

        return db_number(ctx, ret, sql, "ti", key_id, (int64_t)is_oldest);
}
