#include "core/cloud/restore_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/child.h"
#include "core/base/fault.h"
#include "core/cloud/cloud.h"
#include "core/db/database.h"

static enum err fail(struct ctx *ctx, const char *path)
{
        return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE, "%s: %m", path);
}

static enum err copy_file(struct ctx *ctx, const char *from, const char *to)
{
        CLEANUP(close_fdp) int in = open(from, O_RDONLY | O_CLOEXEC);
        CLEANUP(close_fdp) int out = -1;
        ssize_t n;

        if (in < 0)
                return fail(ctx, from);
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (out < 0)
                return fail(ctx, to);
        while ((n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0)) > 0)
                ;
        return n < 0 || fsync(out) != 0 ? fail(ctx, to) : OK;
}

static enum err sync_dir_of(struct ctx *ctx, const char *path)
{
        const char *dir = arena_strndup(ctx->arena, path, (size_t)(strrchr(path, '/') - path) + 1);
        CLEANUP(close_fdp) int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        return fd >= 0 && fsync(fd) == 0 ? OK : fail(ctx, path);
}

/* By another process: if this one opened and closed the live file itself, the locks of all its
 * connections would be gone. */
static enum err copy_live(struct ctx *ctx, const char *from, const char *to)
{
        CLEANUP(child_kill) struct child child = CHILD_NONE;
        CLEANUP(close_fdp) int out = -1;
        const char *const argv[] = { "/bin/cp", "--", from, to, NULL };
        const char *const environment[] = { "LC_ALL=C.UTF-8", NULL };
        enum err rc = child_start(ctx, argv, environment, 0, &child);

        if (rc == OK)
                rc = child_end(ctx, &child);
        if (rc != OK)
                return rc;
        out = open(to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        return out >= 0 && fchmod(out, 0600) == 0 && fsync(out) == 0 ? OK : fail(ctx, to);
}

enum err restore_file_copy_aside(struct ctx *ctx, const char **ret_path)
{
        const char *live = database_path(ctx->cloud->database);
        char stamp[CLOCK_ISO_SIZE];
        const char *aside, *log, *log_aside;
        enum err rc;

        clock_format_iso(clock_wall_us(ctx->clock), stamp);
        aside = arena_printf(ctx->arena, "%s.before-restore.%s", live, stamp);
        log = arena_printf(ctx->arena, "%s-wal", live);
        log_aside = aside ? arena_printf(ctx->arena, "%s-wal", aside) : NULL;
        if (!aside || !log || !log_aside)
                return ctx_nomem(ctx);
        *ret_path = NULL;
        if (access(live, F_OK) != 0)
                return OK;
        rc = copy_live(ctx, live, aside);
        if (rc == OK && access(log, F_OK) == 0)
                rc = copy_live(ctx, log, log_aside);
        if (rc == OK)
                *ret_path = aside;
        return rc == OK ? sync_dir_of(ctx, aside) : rc;
}

static enum err remove_file(struct ctx *ctx, const char *live, const char *suffix)
{
        const char *path = arena_printf(ctx->arena, "%s%s", live, suffix);

        if (!path)
                return ctx_nomem(ctx);
        return unlink(path) == 0 || errno == ENOENT ? OK : fail(ctx, path);
}

/* The old file's log goes first: the old file is no database with it or without it, so whoever is
 * killed in between has lost nothing, and the copies aside have both. */
enum err restore_file_replace(struct ctx *ctx, const char *path)
{
        const char *live = database_path(ctx->cloud->database);
        const char *beside = arena_printf(ctx->arena, "%s.restoring", live);
        enum err rc = beside ? copy_file(ctx, path, beside) : ctx_nomem(ctx);

        if (rc == OK)
                rc = remove_file(ctx, live, "-wal");
        if (rc == OK)
                rc = remove_file(ctx, live, "-shm");
        if (rc == OK)
                rc = remove_file(ctx, live, "-journal");
        FAULT_POINT("restore.unlogged");
        if (rc == OK)
                rc = sync_dir_of(ctx, live);
        if (rc == OK && rename(beside, live) != 0)
                rc = fail(ctx, live);
        return rc == OK ? sync_dir_of(ctx, live) : rc;
}
