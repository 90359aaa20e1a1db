#include "core/cloud/file_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void read_stat(const struct stat *st, struct file_mark *ret)
{
        ret->mtime = st->st_mtim;
        ret->inode = st->st_ino;
        ret->size = st->st_size;
}

bool file_mark_holds(const struct file_mark *mark, const char *path)
{
        struct file_mark now = FILE_MARK_NONE;
        struct stat st;

        if (mark->held < 0 || stat(path, &st) != 0 || st.st_mode & 077)
                return false;
        read_stat(&st, &now);
        return now.inode == mark->inode && now.size == mark->size &&
               now.mtime.tv_sec == mark->mtime.tv_sec && now.mtime.tv_nsec == mark->mtime.tv_nsec;
}

enum err file_mark_take(struct ctx *ctx, const char *path, struct file_mark *ret)
{
        CLEANUP(close_fdp) int held = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (held < 0 && (errno == ENOENT || errno == ENOTDIR))
                return ERR_NOT_FOUND;
        if (held < 0 || fstat(held, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        read_stat(&st, ret);
        ret->held = TAKE_FD(held);
        return OK;
}

void file_mark_drop(struct file_mark *mark)
{
        close_fdp(&mark->held);
        mark->held = -1;
}
