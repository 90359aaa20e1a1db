#include "core/cloud/backup/backup_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/backup/backup_files.h"

#define LOCK_NAME ".lock"

enum err backup_dir(struct ctx *ctx, const char **ret)
{
        const char *dir = ctx->config->backup.dir;

        if (*dir)
                return ctx_strdup(ctx, dir, ret);
        *ret = arena_printf(ctx->arena, "%s/backups", ctx->config->home);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err open_dir(struct ctx *ctx, const char *dir, int *ret_fd)
{
        CLEANUP(close_fdp) int fd = -1;
        struct stat st;

        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the backup directory %s cannot be made: %m",
                                dir);
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the backup directory %s: %m", dir);
        if (st.st_mode & 022)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "others may write to the backup directory %s: run chmod 700 %s",
                                dir, dir);
        *ret_fd = TAKE_FD(fd);
        return OK;
}

/* What begins like this is of nobody, now that we have the lock. */
static void sweep(int dir_fd)
{
        int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
        const struct dirent *entry;

        if (!dir) {
                close_fdp(&copy);
                return;
        }
        while ((entry = readdir(dir))) {
                if (strncmp(entry->d_name, BACKUP_NEW, strlen(BACKUP_NEW)) == 0)
                        backup_files_remove(dir_fd, entry->d_name);
        }
        closedir(dir);
}

enum err backup_lock_take(struct ctx *ctx, struct backup_lock *ret)
{
        const char *dir;
        enum err rc = backup_dir(ctx, &dir);

        return rc == OK ? backup_lock_take_in(ctx, dir, ret) : rc;
}

enum err backup_lock_take_in(struct ctx *ctx, const char *dir, struct backup_lock *ret)
{
        CLEANUP(close_fdp) int dir_fd = -1;
        CLEANUP(close_fdp) int lock_fd = -1;
        enum err rc = open_dir(ctx, dir, &dir_fd);

        if (rc != OK)
                return rc;
        lock_fd = openat(dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock_fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s/" LOCK_NAME ": %m", dir);
        if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "a backup, restore or rehearsal is under way already");
        sweep(dir_fd);
        ret->dir = dir;
        ret->dir_fd = TAKE_FD(dir_fd);
        ret->lock_fd = TAKE_FD(lock_fd);
        return OK;
}

void backup_lock_drop(struct backup_lock *lock)
{
        close_fdp(&lock->lock_fd);
        close_fdp(&lock->dir_fd);
        *lock = BACKUP_LOCK_NONE;
}

bool backup_lock_is_held(struct ctx *ctx)
{
        CLEANUP(close_fdp) int fd = -1;
        const char *dir, *path;

        if (backup_dir(ctx, &dir) != OK)
                return false;
        path = arena_printf(ctx->arena, "%s/" LOCK_NAME, dir);
        fd = path ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
        return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
}
