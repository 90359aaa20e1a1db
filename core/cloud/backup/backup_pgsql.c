#include "core/cloud/backup/backup_pgsql.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/cloud/backup/backup_sqlite.h"
#include "core/cloud/backup/pgsql_programs.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/db/pgsql_service.h"
#include "core/store/store_backup.h"

static enum err add_count(struct ctx *ctx, void *arg, const char *table, int64_t rows)
{
        return json_object_set_new(arg, table, json_integer(rows)) == 0 ? OK : ctx_nomem(ctx);
}

/* What the manifest says, as of the snapshot. */
static enum err look_at(struct ctx *ctx, struct backup *backup)
{
        json_t *rows = json_object();
        struct migrate_status status = { .current = 0 };
        enum err rc = rows ? json_keep(ctx, rows) : ctx_nomem(ctx);

        if (rc == OK)
                rc = store_tables_each(ctx, add_count, rows);
        if (rc == OK)
                rc = migrate_check(ctx, &status);
        if (rc == OK)
                rc = store_audit_head_get(ctx, &backup->audit_head);
        if (rc == ERR_NOT_FOUND)
                rc = OK;
        backup->rows = rows;
        backup->schema_version = status.current;
        return rc;
}

static enum err dump(struct ctx *ctx, const struct backup_new *made, const struct backup *backup,
                     const char *snapshot)
{
        CLEANUP(pgsql_place_clear) struct pgsql_place place = { 0 };
        struct store_server server;
        const char *program, *argv[16];
        enum err rc = store_server_get(ctx, &server);

        if (rc == OK)
                rc = backup_need_space(ctx, made->fd, server.bytes, "a backup");
        if (rc == OK)
                rc = pgsql_program(ctx, "pg_dump", server.major, &program);
        if (rc == OK)
                rc = pgsql_place_make(ctx, made->path, ctx->config->database_url, &place);
        if (rc != OK)
                return rc;
        argv[0] = program;
        argv[1] = "-Fc";
        argv[2] = "--no-owner";
        argv[3] = "--no-privileges";
        argv[4] = "--no-unlogged-table-data";
        argv[5] = "--no-password";
        argv[6] = arena_printf(ctx->arena, "--compress=%d", (int)ctx->config->backup.level);
        argv[7] = arena_printf(ctx->arena, "--snapshot=%s", snapshot);
        argv[8] = arena_printf(ctx->arena, "--table=\"%s\".*", server.schema);
        argv[9] = arena_printf(ctx->arena, "--exclude-table=\"%s\".limit_windows", server.schema);
        argv[10] = "--file";
        argv[11] = backup_new_path(ctx, made, backup->file);
        argv[12] = NULL;
        if (!argv[6] || !argv[7] || !argv[8] || !argv[9] || !argv[11])
                return ctx_nomem(ctx);
        rc = pgsql_run(ctx, argv, &place);
        if (rc == OK && chmod(argv[11], 0600) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", argv[11]);
        return rc;
}

static enum err make_from_snapshot(struct ctx *ctx, const struct backup_new *made,
                                   struct backup *backup)
{
        const char *snapshot;
        enum err rc = store_snapshot_begin(ctx, &snapshot);

        backup->created_at_us = clock_wall_us(ctx->clock);
        if (rc == OK)
                rc = look_at(ctx, backup);
        if (rc == OK)
                rc = dump(ctx, made, backup, snapshot);
        store_snapshot_end(ctx);
        return rc;
}

enum err backup_pgsql_make(struct ctx *ctx, const struct backup_new *made, struct backup *backup)
{
        struct ctx own = *ctx;
        enum err rc;

        backup->file = arena_printf(ctx->arena, "jobs_backup_%s.dump", backup->id);
        own.db = db_new(ctx->cloud->database);
        if (!backup->file || !own.db) {
                db_free(own.db);
                return ctx_nomem(ctx);
        }
        rc = make_from_snapshot(&own, made, backup);
        memcpy(ctx->detail, own.detail, sizeof(ctx->detail));
        db_free(own.db);
        FAULT_POINT("backup.copied");
        if (rc == OK)
                rc = backup_file_sums(ctx, made, backup);
        return rc == OK ? backup_pgsql_check(ctx, backup_new_path(ctx, made, backup->file)) : rc;
}

/* Reads all of it and makes the script that would be run. */
enum err backup_pgsql_check(struct ctx *ctx, const char *path)
{
        const char *argv[] = { NULL, "--file=/dev/null", path, NULL };
        enum err rc = path ? pgsql_program(ctx, "pg_restore", 0, &argv[0]) : ctx_nomem(ctx);

        if (rc == OK)
                rc = pgsql_run(ctx, argv, NULL);
        return rc == ERR_UNAVAILABLE ? ERR_CONFLICT : rc;
}

/* ---- putting it back ---- */

/* What pg_restore writes goes to psql, and the last words only when it has written all: psql gives
 * up a transaction whose end does not come. */
static enum err relay(struct ctx *ctx, const char *path, struct child *psql)
{
        CLEANUP(child_kill) struct child restore = CHILD_NONE;
        const char *argv[] = { NULL, "--no-owner", "--no-privileges", "--file=-", path, NULL };
        char piece[16 * KiB];
        ssize_t len = 0;
        enum err rc = pgsql_program(ctx, "pg_restore", 0, &argv[0]);

        if (rc == OK)
                rc = pgsql_start(ctx, argv, NULL, CHILD_OUT, &restore);
        while (rc == OK && (len = read(restore.out_fd, piece, sizeof(piece))) != 0) {
                if (len < 0 && errno != EINTR)
                        rc = ctx_fail(ctx, ERR_UNAVAILABLE, "pg_restore: %m");
                if (len > 0)
                        rc = child_write(ctx, psql, piece, (size_t)len);
                FAULT_POINT("restore.half");
        }
        return rc == OK ? child_end(ctx, &restore) : rc;
}

static enum err feed(struct ctx *ctx, const char *path, const struct pgsql_place *place,
                     const char *head, const char *tail)
{
        CLEANUP(child_kill) struct child psql = CHILD_NONE;
        enum err rc = pgsql_psql(ctx, place, &psql), ended;

        if (rc == OK)
                rc = child_write(ctx, &psql, head, strlen(head));
        if (rc == OK)
                rc = relay(ctx, path, &psql);
        if (rc == OK)
                rc = child_write(ctx, &psql, tail, strlen(tail));
        if (psql.pid == 0)
                return rc;
        ended = child_end(ctx, &psql); /* its complaint is the better one */
        return ended == OK ? rc : ended;
}

enum err backup_pgsql_restore(struct ctx *ctx, const char *path, const char *dir,
                              int64_t begun_at_us)
{
        CLEANUP(pgsql_place_clear) struct pgsql_place place = { 0 };
        struct store_continuity continuity = { 0 };
        const char *head, *tail;
        enum err rc = store_continuity_get(ctx, &continuity);

        if (rc != OK) { /* there may be nothing yet, or something that is too old */
                continuity = (struct store_continuity){ 0 };
                db_disconnect(ctx);
        }
        rc = store_restore_head(ctx, &head);
        if (rc == OK)
                rc = store_restore_tail(ctx, &continuity, begun_at_us, &tail);
        if (rc == OK)
                rc = pgsql_place_make(ctx, dir, ctx->config->database_url, &place);
        if (rc == OK)
                rc = feed(ctx, path, &place, head, tail);
        FAULT_POINT("restore.committed");
        return rc;
}

/* ---- trying it ---- */

static enum err compare(struct ctx *ctx, void *arg, const char *table, int64_t rows)
{
        const json_t *wanted = json_object_get(arg, table);

        if (json_is_integer(wanted) && json_integer_value(wanted) == rows)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT, "table %s has %lld rows, and the manifest says %lld",
                        table, (long long)rows, (long long)json_integer_value(wanted));
}

static enum err look_into(struct ctx *ctx, const char *url, const struct backup *backup)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        struct migrate_status status;
        unsigned applied;
        enum err rc = backup_scratch_open_url(ctx, url, &scratch);

        if (rc == OK)
                rc = store_tables_each(&scratch.ctx, compare, (void *)backup->rows);
        if (rc == OK)
                rc = migrate_check(&scratch.ctx, &status);
        if (rc == OK && status.state == MIGRATE_BEHIND)
                rc = migrate_run(&scratch.ctx, &applied);
        return rc;
}

static enum err run_script(struct ctx *ctx, const struct pgsql_place *place, const char *script)
{
        CLEANUP(child_kill) struct child psql = CHILD_NONE;
        enum err rc = pgsql_psql(ctx, place, &psql), ended;

        if (rc == OK)
                rc = child_write(ctx, &psql, script, strlen(script));
        if (psql.pid == 0)
                return rc;
        ended = child_end(ctx, &psql);
        return ended == OK ? rc : ended;
}

static enum err try_in(struct ctx *ctx, const char *database, const char *dir,
                       const struct backup *backup)
{
        CLEANUP(pgsql_place_clear) struct pgsql_place place = { 0 };
        const char *url = pgsql_url_for(ctx, ctx->config->database_url, database);
        const char *path = arena_printf(ctx->arena, "%s/%s", backup->path, backup->file);
        const char *head;
        enum err rc = url && path ? pgsql_place_make(ctx, dir, url, &place) : ctx_nomem(ctx);

        if (rc == OK)
                rc = store_rehearsal_head(ctx, &head);
        if (rc == OK)
                rc = feed(ctx, path, &place, head, "");
        return rc == OK ? look_into(ctx, url, backup) : rc;
}

enum err backup_pgsql_rehearse(struct ctx *ctx, const struct backup *backup, const char *dir)
{
        CLEANUP(pgsql_place_clear) struct pgsql_place place = { 0 };
        char unique[ULID_SIZE], detail[CTX_DETAIL_SIZE];
        const char *database, *script;
        enum err rc = crypto_ulid(ctx, unique), dropped;

        if (rc != OK)
                return rc;
        database = arena_printf(ctx->arena, "simpletuner_rehearsal_%s", unique);
        if (!database)
                return ctx_nomem(ctx);
        rc = pgsql_place_make(ctx, dir, ctx->config->database_url, &place);
        if (rc == OK)
                rc = store_rehearsal_make(ctx, database, &script);
        if (rc == OK)
                rc = run_script(ctx, &place, script);
        if (rc != OK)
                return rc == ERR_UNAVAILABLE ? ctx_prefix(ctx, ERR_DENIED, "no scratch database")
                                             : rc;
        rc = try_in(ctx, database, dir, backup);
        memcpy(detail, ctx->detail, sizeof(detail));
        dropped = store_rehearsal_drop(ctx, database, &script);
        if (dropped == OK)
                dropped = run_script(ctx, &place, script);
        if (rc != OK)
                memcpy(ctx->detail, detail, sizeof(detail));
        return rc == OK ? dropped : rc;
}
