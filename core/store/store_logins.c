#include "core/store/store_logins.h"

#include "core/db/db.h"

enum err store_login_failures(struct ctx *ctx, const char *name_sha256, struct login_failures *ret)
{
        static const char sql[] = "SELECT failures, failed_at_us, until_us FROM login_failures "
                                  "WHERE name_sha256 = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", name_sha256);
        if (rc == OK)
                *ret = (struct login_failures){ db_int(stmt, 0), db_int(stmt, 1), db_int(stmt, 2) };
        return rc;
}

enum err store_login_failures_put(struct ctx *ctx, const char *name_sha256,
                                  const struct login_failures *row)
{
        static const char sql[] =
                "INSERT INTO login_failures (name_sha256, failures, failed_at_us, until_us) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT (name_sha256) DO UPDATE SET "
                "failures = excluded.failures, failed_at_us = excluded.failed_at_us, "
                "until_us = excluded.until_us";

        return db_run(ctx, NULL, sql, "tiii", name_sha256, row->failures, row->failed_at_us,
                      row->until_us);
}

enum err store_login_failures_clear(struct ctx *ctx, const char *name_sha256)
{
        static const char sql[] = "DELETE FROM login_failures WHERE name_sha256 = $1";

        return db_run(ctx, NULL, sql, "t", name_sha256);
}

enum err store_login_failures_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                    int64_t *ret_pruned)
{
        static const char sql[] =
                "DELETE FROM login_failures WHERE name_sha256 IN (SELECT name_sha256 "
                "FROM login_failures WHERE failed_at_us < $1 ORDER BY failed_at_us LIMIT $2)";

        return db_run(ctx, ret_pruned, sql, "ii", before_us, (int64_t)limit);
}
