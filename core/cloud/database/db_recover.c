#include "core/cloud/database/db_recover.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/backup/backup_sqlite.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/db/sqlite_copy.h"

/* NULL: out of memory. */
static const char *make_absolute(struct ctx *ctx, const char *path)
{
        char here[PATH_MAX];

        if (*path == '/' || !getcwd(here, sizeof(here)))
                return path;
        return arena_printf(ctx->arena, "%s/%s", here, path);
}

static enum err name_files(struct ctx *ctx, const char *from, const char *to,
                           struct db_recover_report *report)
{
        char now[CLOCK_ISO_SIZE], stamp[CLOCK_ISO_SIZE];
        size_t len = 0;

        clock_format_iso(clock_wall_us(ctx->clock), now);
        for (const char *c = now; *c && *c != '.'; c++) {
                if (*c != '-' && *c != ':')
                        stamp[len++] = *c;
        }
        stamp[len] = '\0';
        report->from = from ? make_absolute(ctx, from) : database_path(ctx->cloud->database);
        if (!report->from)
                return ctx_fail(ctx, ERR_UNSUPPORTED,
                                "the database is PostgreSQL: restore a backup, or look at its "
                                "manual under \"Reliability\" and pg_amcheck");
        report->path =
                to ? make_absolute(ctx, to)
                   : arena_printf(ctx->arena, "%s/recovered-%sZ.db", ctx->config->home, stamp);
        report->strays =
                report->path ? arena_printf(ctx->arena, "%s.lost_and_found", report->path) : NULL;
        return report->strays ? OK : ctx_nomem(ctx);
}

/* ---- what came out ---- */

static enum err check_soundness(struct ctx *ctx, struct db_recover_report *report)
{
        enum err rc = sqlite_copy_check(ctx, report->path);

        report->sound = rc == OK;
        if (rc != ERR_CONFLICT)
                return rc;
        return ctx_strdup(ctx, ctx->detail, &report->unsound);
}

static enum err check_audit(struct ctx *scratch, struct db_recover_report *report)
{
        const struct audit_range all = { 0 };
        struct audit_report *audit = arena_alloc(scratch->arena, sizeof(*audit));
        enum err rc;

        if (!audit)
                return ctx_nomem(scratch);
        rc = audit_verify(scratch, all, audit);
        if (rc == ERR_NOMEM)
                return rc;
        report->audit_checked = rc == OK;
        if (rc != OK)
                return ctx_strdup(scratch, scratch->detail, &report->audit_trouble);
        report->audit_valid = audit->broken_total == 0;
        return OK;
}

/* What an older or damaged schema does not allow to be asked stays unknown. */
static enum err check_contents(struct ctx *ctx, struct db_recover_report *report)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        struct migrate_status status = { 0 };
        enum err rc = backup_scratch_open(ctx, report->path, &scratch);

        if (rc != OK)
                return rc;
        rc = migrate_check(&scratch.ctx, &status);
        if (rc == OK && status.state != MIGRATE_EMPTY) {
                report->schema_version = status.current;
                report->newest = status.newest;
        }
        if (rc == OK && status.state == MIGRATE_CURRENT)
                return check_audit(&scratch.ctx, report);
        return ctx_strdup(ctx, rc == OK ? "the schema is not this program's" : scratch.ctx.detail,
                          &report->audit_trouble);
}

static bool is_complete(const struct db_recover_report *report)
{
        const struct sqlite_salvage *salvage = &report->salvage;

        for (const struct sqlite_salvage_table *t = salvage->tables; t; t = t->next) {
                if (t->lost != 0)
                        return false;
        }
        return report->sound && salvage->stray_rows == 0 && salvage->not_made == 0 &&
               report->schema_version > 0;
}

/* A new database of this program's schema, for what may be lost of that. */
static enum err make_sample(struct ctx *ctx, const char *path)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        unsigned applied;
        enum err rc = backup_scratch_open(ctx, path, &scratch);

        return rc == OK ? migrate_run(&scratch.ctx, &applied) : rc;
}

static enum err save(struct ctx *ctx, struct db_recover_report *report)
{
        struct sqlite_salvage_paths paths = { .from = report->from,
                                              .to = report->path,
                                              .strays = report->strays };
        enum err rc;

        paths.sample = arena_printf(ctx->arena, "%s.schema", report->path);
        if (!paths.sample)
                return ctx_nomem(ctx);
        rc = make_sample(ctx, paths.sample);
        if (rc == OK)
                rc = sqlite_salvage(ctx, &paths, &report->salvage);
        unlink(paths.sample);
        return rc;
}

enum err db_recover(struct ctx *ctx, const char *from, const char *to,
                    struct db_recover_report *ret)
{
        struct db_recover_report report = { 0 };
        enum err rc = name_files(ctx, from, to, &report);

        if (rc == OK)
                rc = save(ctx, &report);
        if (rc == OK)
                rc = check_soundness(ctx, &report);
        if (rc == OK)
                rc = check_contents(ctx, &report);
        if (rc != OK)
                return rc;
        if (report.salvage.stray_rows == 0)
                report.strays = NULL;
        report.complete = is_complete(&report);
        *ret = report;
        return OK;
}

enum err db_recover_put_back(struct ctx *ctx, const struct backup_lock *lock,
                             const struct restore_wish *wish, bool dry_run,
                             struct restore_report *ret)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        struct restore_wish own = *wish;
        enum err rc = backup_new_begin(ctx, lock, "file", &made);

        if (rc != OK)
                return rc;
        own.path = backup_new_path(ctx, &made, "database.db");
        if (!own.path)
                return ctx_nomem(ctx);
        rc = sqlite_copy_out(ctx, wish->path, own.path);
        if (rc == OK)
                rc = sqlite_copy_check(ctx, own.path);
        return rc == OK && !dry_run ? restore_sqlite_file(ctx, lock, &own, ret) : rc;
}

bool db_recover_is_database(struct ctx *ctx, const char *path)
{
        char detail[CTX_DETAIL_SIZE];
        enum err rc;

        memcpy(detail, ctx->detail, sizeof(detail));
        rc = sqlite_copy_is_database(ctx, path);
        memcpy(ctx->detail, detail, sizeof(detail));
        return rc == OK;
}
