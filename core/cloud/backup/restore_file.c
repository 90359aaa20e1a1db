#include "core/cloud/backup/restore_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/child.h"
#include "core/base/fault.h"
#include "core/cloud/cloud.h"
#include "core/db/database.h"
#include "core/db/sqlite_copy.h"
#include "core/db/sqlite_hold.h"

#define HALF ".restoring" /* what is not whole yet */

static const char *const beside[] = { "-wal", "-shm", "-journal" };

static enum err fail(struct ctx *ctx, const char *path)
{
        return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE, "%s: %m", path);
}

/* As readable as the old one, and to the same: root may be who restores. */
static enum err dress_like(struct ctx *ctx, int fd, const char *live)
{
        struct stat st;

        if (stat(live, &st) != 0)
                return OK;
        if ((geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) != 0) ||
            fchmod(fd, st.st_mode & 0777) != 0)
                return fail(ctx, live);
        return OK;
}

static enum err copy_file(struct ctx *ctx, const char *from, const char *to, const char *live)
{
        CLEANUP(close_fdp) int in = open(from, O_RDONLY | O_CLOEXEC);
        CLEANUP(close_fdp) int out = -1;
        ssize_t n;
        enum err rc;

        if (in < 0)
                return fail(ctx, from);
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (out < 0)
                return fail(ctx, to);
        rc = dress_like(ctx, out, live);
        if (rc != OK)
                return rc;
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

static enum err remove_file(struct ctx *ctx, const char *live, const char *suffix)
{
        const char *path = arena_printf(ctx->arena, "%s%s", live, suffix);

        if (!path)
                return ctx_nomem(ctx);
        return unlink(path) == 0 || errno == ENOENT ? OK : fail(ctx, path);
}

/* ---- keeping the old one ---- */

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

/* Whole, or not under its name. */
static enum err keep(struct ctx *ctx, const char *live, const char *aside, const char *suffix)
{
        const char *from = arena_printf(ctx->arena, "%s%s", live, suffix);
        const char *to = arena_printf(ctx->arena, "%s%s", aside, suffix);
        const char *half = arena_printf(ctx->arena, "%s" HALF, live);
        enum err rc;

        if (!from || !to || !half)
                return ctx_nomem(ctx);
        if (access(from, F_OK) != 0)
                return OK;
        rc = remove_file(ctx, live, HALF);
        if (rc == OK)
                rc = copy_live(ctx, from, half);
        if (rc == OK && rename(half, to) != 0)
                rc = fail(ctx, to);
        if (rc != OK)
                unlink(half);
        return rc;
}

/* The file last: when it is there, so is its log. */
enum err restore_file_copy_aside(struct ctx *ctx, const char **ret_path)
{
        const char *live = database_path(ctx->cloud->database), *aside;
        char stamp[CLOCK_ISO_SIZE];
        enum err rc = OK;

        clock_format_iso(clock_wall_us(ctx->clock), stamp);
        aside = arena_printf(ctx->arena, "%s.before-restore.%s", live, stamp);
        if (!aside)
                return ctx_nomem(ctx);
        *ret_path = NULL;
        if (access(live, F_OK) != 0)
                return OK;
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(beside); i++)
                rc = keep(ctx, live, aside, beside[i]);
        if (rc == OK)
                rc = keep(ctx, live, aside, "");
        if (rc == OK)
                *ret_path = aside;
        return rc == OK ? sync_dir_of(ctx, aside) : rc;
}

/* ---- putting the new one in its place ---- */

/* The old file's log goes first: SQLite refuses the old file with it or without it, so whoever is
 * killed in between has lost nothing, and the copies aside have both. */
static enum err change_places(struct ctx *ctx, const char *path, const char *live)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(beside); i++)
                rc = remove_file(ctx, live, beside[i]);
        FAULT_POINT("restore.unlogged");
        if (rc == OK)
                rc = sync_dir_of(ctx, live);
        if (rc == OK && rename(path, live) != 0)
                rc = fail(ctx, live);
        FAULT_POINT("restore.placed");
        return rc == OK ? sync_dir_of(ctx, live) : rc;
}

enum err restore_file_replace(struct ctx *ctx, const char *path)
{
        const char *live = database_path(ctx->cloud->database);
        const char *half = arena_printf(ctx->arena, "%s" HALF, live);
        CLEANUP(sqlite_hold_endp) struct sqlite_hold *hold = NULL;
        enum err rc;

        if (!half)
                return ctx_nomem(ctx);
        rc = sqlite_copy_settle(ctx, path);
        if (rc == OK)
                rc = copy_file(ctx, path, half, live);
        if (rc == OK && access(live, F_OK) == 0)
                rc = sqlite_hold_begin(ctx, live, &hold);
        if (rc == OK)
                rc = change_places(ctx, half, live);
        if (rc != OK)
                unlink(half);
        return rc;
}
