#include "tests/fixture_backup.h"

struct backup fixture_backup_make(struct ctx *ctx, const char *name)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        const struct backup_wish wish = { .name = name };
        struct backup backup = { 0 };

        assert_ok(ctx, backup_lock_take(ctx, &lock));
        assert_ok(ctx, backup_make(ctx, &lock, &wish, &backup));
        return backup;
}

enum err fixture_backup_verify(struct ctx *ctx, const char *what)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup backup;
        enum err rc = backup_find(ctx, what, &backup);

        if (rc == OK)
                rc = backup_lock_take(ctx, &lock);
        return rc == OK ? backup_verify(ctx, &lock, &backup, NULL) : rc;
}

enum err fixture_backup_restore_as(struct ctx *ctx, const char *what,
                                   struct backup_restore_wish wish, struct restore_report *report)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup backup;
        enum err rc = backup_find(ctx, what, &backup);

        if (rc == OK)
                rc = backup_lock_take(ctx, &lock);
        return rc == OK ? backup_restore(ctx, &lock, &backup, &wish, report) : rc;
}

enum err fixture_backup_restore(struct ctx *ctx, const char *what)
{
        struct restore_report report;

        return fixture_backup_restore_as(ctx, what, (struct backup_restore_wish){ 0 }, &report);
}

void fixture_set_mark(struct ctx *ctx, const char *value)
{
        fixture_sql(ctx, "DELETE FROM preferences WHERE name = 'mark'");
        fixture_sql(ctx, arena_printf(ctx->arena,
                                      "INSERT INTO preferences (name, value) VALUES ('mark', '%s')",
                                      value));
}

bool fixture_is_mark(struct ctx *ctx, const char *value)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        assert_ok(ctx, db_query(ctx, &stmt,
                                "SELECT 1 FROM preferences WHERE name = 'mark' AND "
                                "value = $1",
                                "t", value));
        rc = db_step(ctx, stmt);
        assert_true(rc == OK || rc == ERR_NOT_FOUND);
        return rc == OK;
}
