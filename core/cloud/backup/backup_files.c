#include "core/cloud/backup/backup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fault.h"

#define STAMP_LEN  19 /* YYYYmmdd_HHMMSS_mmm */
#define SAME_TIMES 1000

static bool is_name_byte(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("._-", c));
}

bool backup_is_id(const char *id)
{
        static const char form[] = "dddddddd_dddddd_ddd";
        size_t i;

        for (i = 0; i < STAMP_LEN; i++) {
                if (form[i] == 'd' ? id[i] < '0' || id[i] > '9' : id[i] != form[i])
                        return false;
        }
        if (!id[i])
                return true;
        if (id[i] != '_' || !id[i + 1] || strlen(id) > STAMP_LEN + 1 + BACKUP_NAME_MAX)
                return false;
        for (i++; id[i]; i++) {
                if (!is_name_byte(id[i]))
                        return false;
        }
        return true;
}

static enum err clean_name(struct ctx *ctx, const char *name, char ret[BACKUP_NAME_MAX + 1])
{
        size_t len = name ? strlen(name) : 0;

        if (len > BACKUP_NAME_MAX)
                return ctx_fail(ctx, ERR_INVALID, "name must have at most %d characters",
                                BACKUP_NAME_MAX);
        for (size_t i = 0; i < len; i++) {
                ret[i] = name[i] == ' ' ? '_' : name[i];
                if (!is_name_byte(ret[i]))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "name must be of letters, digits, blanks and . _ -");
        }
        ret[len] = '\0';
        return OK;
}

static void stamp_of(int64_t wall_us, char ret[STAMP_LEN + 1])
{
        char iso[CLOCK_ISO_SIZE]; /* 2024-01-15T10:30:00.000Z */

        clock_format_iso(wall_us, iso);
        snprintf(ret, STAMP_LEN + 1, "%.4s%.2s%.2s_%.2s%.2s%.2s_%.3s", iso, iso + 5, iso + 8,
                 iso + 11, iso + 14, iso + 17, iso + 20);
}

enum err backup_new_id(struct ctx *ctx, const struct backup_lock *lock, const char *name,
                       char ret_id[BACKUP_ID_SIZE])
{
        char clean[BACKUP_NAME_MAX + 1], stamp[STAMP_LEN + 1], id[BACKUP_ID_SIZE];
        int64_t now_us = clock_wall_us(ctx->clock);
        struct stat st;
        enum err rc = clean_name(ctx, name, clean);

        if (rc != OK)
                return rc;
        for (int i = 0; i < SAME_TIMES; i++, now_us += US_PER_MS) {
                stamp_of(now_us, stamp);
                snprintf(id, sizeof(id), "%s%s%s", stamp, *clean ? "_" : "", clean);
                if (fstatat(lock->dir_fd, id, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
                        memcpy(ret_id, id, sizeof(id));
                        return OK;
                }
        }
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be written to", lock->dir);
}

/* Calls with each name in a directory that is no link; false: it is none. */
static DIR *open_stream(int dir_fd, const char *name)
{
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

        if (!dir && fd >= 0)
                close(fd);
        return dir;
}

static bool is_dot(const char *name)
{
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool backup_files_remove(int dir_fd, const char *name)
{
        DIR *dir = open_stream(dir_fd, name);
        const struct dirent *entry;
        bool ok = true;

        if (!dir)
                return unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT;
        while ((entry = readdir(dir))) {
                if (!is_dot(entry->d_name))
                        ok = unlinkat(dirfd(dir), entry->d_name, 0) == 0 && ok;
        }
        closedir(dir);
        return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 && ok;
}

int64_t backup_files_size(int dir_fd, const char *name)
{
        DIR *dir = open_stream(dir_fd, name);
        const struct dirent *entry;
        struct stat st;
        int64_t size = 0;

        if (!dir)
                return -1;
        while ((entry = readdir(dir))) {
                if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(st.st_mode))
                        size += st.st_size;
        }
        closedir(dir);
        return size;
}

enum err backup_need_space(struct ctx *ctx, int fd, int64_t needed, const char *what)
{
        const int64_t floor = (int64_t)ctx->config->min_free_bytes;
        struct statvfs vfs;
        int64_t there;

        if (fstatvfs(fd, &vfs) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the free space cannot be read: %m");
        there = (int64_t)((uint64_t)vfs.f_bavail * vfs.f_frsize) - floor;
        if (needed <= there)
                return OK;
        return ctx_fail(ctx, ERR_NO_SPACE,
                        "%s needs %" PRId64 " MiB, and %" PRId64 " MiB are free beyond "
                        "SIMPLETUNER_MIN_FREE_BYTES",
                        what, needed / (int64_t)MiB + 1, there > 0 ? there / (int64_t)MiB : 0);
}

/* ---- in the making ---- */

enum err backup_new_begin(struct ctx *ctx, const struct backup_lock *lock, const char *what,
                          struct backup_new *ret)
{
        struct backup_new made = { .parent_fd = lock->dir_fd, .fd = -1 };

        snprintf(made.name, sizeof(made.name), BACKUP_NEW "%s", what);
        made.path = arena_printf(ctx->arena, "%s/%s", lock->dir, made.name);
        if (!made.path)
                return ctx_nomem(ctx);
        if (mkdirat(lock->dir_fd, made.name, 0700) == 0)
                made.fd = openat(lock->dir_fd, made.name,
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (made.fd < 0)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE, "%s: %m",
                                made.path);
        *ret = made;
        return OK;
}

const char *backup_new_path(struct ctx *ctx, const struct backup_new *made, const char *file)
{
        return arena_printf(ctx->arena, "%s/%s", made->path, file);
}

/* Every file is on the disk before the directory has its name, and the name after it. */
static bool sync_all(int parent_fd, const char *name)
{
        DIR *dir = open_stream(parent_fd, name);
        const struct dirent *entry;
        bool ok = dir != NULL;

        while (ok && (entry = readdir(dir))) {
                int fd;

                if (is_dot(entry->d_name))
                        continue;
                fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
                ok = fd >= 0 && fsync(fd) == 0;
                close_fdp(&fd);
        }
        ok = ok && fsync(dirfd(dir)) == 0;
        if (dir)
                closedir(dir);
        return ok;
}

enum err backup_new_end(struct ctx *ctx, struct backup_new *made, const char *id)
{
        if (!sync_all(made->parent_fd, made->name))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be synced: %m", made->path);
        FAULT_POINT("backup.synced");
        if (renameat(made->parent_fd, made->name, made->parent_fd, id) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be renamed: %m", made->path);
        close_fdp(&made->fd);
        FAULT_POINT("backup.renamed");
        if (fsync(made->parent_fd) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the backup directory cannot be synced: %m");
        return OK;
}

void backup_new_drop(struct backup_new *made)
{
        if (made->fd < 0)
                return;
        close_fdp(&made->fd);
        backup_files_remove(made->parent_fd, made->name);
}
