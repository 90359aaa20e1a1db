#include "core/cloud/backup/backup_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/gzip.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/db/sqlite_copy.h"

#define COPY_NAME "copy.db"

enum err backup_scratch_open(struct ctx *ctx, const char *path, struct backup_scratch *ret)
{
        const char *url = arena_printf(ctx->arena, "sqlite://%s", path);

        return url ? backup_scratch_open_url(ctx, url, ret) : ctx_nomem(ctx);
}

enum err backup_scratch_open_url(struct ctx *ctx, const char *url, struct backup_scratch *ret)
{
        enum err rc;

        *ret = (struct backup_scratch){ .outer = ctx, .ctx = *ctx };
        ret->ctx.db = NULL;
        rc = database_open(ctx, url, &ret->database);
        if (rc != OK)
                return rc;
        ret->ctx.db = db_new(ret->database);
        return ret->ctx.db ? OK : ctx_nomem(ctx);
}

void backup_scratch_close(struct backup_scratch *scratch)
{
        if (!scratch->outer)
                return;
        memcpy(scratch->outer->detail, scratch->ctx.detail, sizeof(scratch->outer->detail));
        db_free(TAKE(scratch->ctx.db));
        database_close(TAKE(scratch->database));
        scratch->outer = NULL;
}

/* The live file, with what waits in its log. */
static int64_t live_size(struct ctx *ctx)
{
        const char *path = database_path(ctx->cloud->database);
        const char *wal = arena_printf(ctx->arena, "%s-wal", path);
        struct stat st;
        int64_t size = stat(path, &st) == 0 ? st.st_size : 0;

        return size + (wal && stat(wal, &st) == 0 ? st.st_size : 0);
}

static enum err add_count(struct ctx *ctx, void *arg, const char *table, int64_t rows)
{
        return json_object_set_new(arg, table, json_integer(rows)) == 0 ? OK : ctx_nomem(ctx);
}

/* What the copy says of itself. */
static enum err look_at(struct ctx *ctx, const char *copy, struct backup *backup)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        struct migrate_status status = { .current = 0 };
        enum err rc = backup_scratch_open(ctx, copy, &scratch);

        if (rc == OK)
                rc = migrate_check(&scratch.ctx, &status);
        if (rc == OK)
                rc = store_audit_head_get(&scratch.ctx, &backup->audit_head);
        if (rc == ERR_NOT_FOUND)
                rc = OK;
        backup->schema_version = status.current;
        return rc;
}

static enum err examine(struct ctx *ctx, const char *copy, struct backup *backup)
{
        json_t *rows = json_object();
        enum err rc = rows ? json_keep(ctx, rows) : ctx_nomem(ctx);

        if (rc == OK)
                rc = sqlite_copy_check(ctx, copy);
        if (rc == OK)
                rc = sqlite_copy_tables(ctx, copy, add_count, rows);
        backup->rows = rows;
        return rc;
}

static enum err pack_copy(struct ctx *ctx, const struct backup_new *made, struct backup *backup)
{
        CLEANUP(close_fdp) int from = openat(made->fd, COPY_NAME, O_RDONLY | O_CLOEXEC);
        CLEANUP(close_fdp)
        int to = openat(made->fd, backup->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct gzip_sums sums;
        enum err rc;

        if (from < 0 || to < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", made->path);
        rc = gzip_pack(ctx, from, to, (int)ctx->config->backup.level, &sums);
        if (rc != OK)
                return rc;
        backup->file_bytes = sums.packed_bytes;
        backup->plain_bytes = sums.plain_bytes;
        backup->sha256 = arena_strdup(ctx->arena, sums.packed_sha256);
        backup->plain_sha256 = arena_strdup(ctx->arena, sums.plain_sha256);
        return backup->sha256 && backup->plain_sha256 ? OK : ctx_nomem(ctx);
}

enum err backup_sqlite_make(struct ctx *ctx, const struct backup_new *made, struct backup *backup)
{
        const char *copy = backup_new_path(ctx, made, COPY_NAME);
        enum err rc;

        backup->file = arena_printf(ctx->arena, "jobs_backup_%s.db.gz", backup->id);
        if (!copy || !backup->file)
                return ctx_nomem(ctx);
        backup->created_at_us = clock_wall_us(ctx->clock);
        rc = backup_need_space(ctx, made->fd, live_size(ctx) * 3 / 2, "a backup");
        if (rc == OK)
                rc = sqlite_copy_out(ctx, database_path(ctx->cloud->database), copy);
        FAULT_POINT("backup.copied");
        if (rc == OK)
                rc = look_at(ctx, copy, backup);
        if (rc == OK)
                rc = sqlite_copy_settle(ctx, copy);
        if (rc == OK)
                rc = examine(ctx, copy, backup);
        if (rc == OK)
                rc = pack_copy(ctx, made, backup);
        FAULT_POINT("backup.packed");
        if (rc == OK && unlinkat(made->fd, COPY_NAME, 0) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", copy);
        return rc;
}
