/* Which backups there are, and which go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/backup/backup.h"

static enum err read_one(struct ctx *ctx, const char *dir, const char *id, struct backup *ret)
{
        CLEANUP(close_fdp) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const char *path = arena_printf(ctx->arena, "%s/%s", dir, id);
        struct stat st;
        enum err rc;

        if (!path)
                return ctx_nomem(ctx);
        if (fd < 0 || fstatat(fd, id, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Backup not found: %s", id);
        rc = backup_manifest_read(ctx, path, ret);
        if (rc == OK && strcmp(ret->id, id) != 0)
                rc = ctx_fail(ctx, ERR_CONFLICT, "the manifest in %s is that of %s", id, ret->id);
        if (rc == OK)
                ret->size_bytes = backup_files_size(fd, id);
        return rc;
}

enum err backup_get(struct ctx *ctx, const char *id, struct backup *ret)
{
        const char *dir;
        enum err rc;

        if (!backup_is_id(id))
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid backup ID: it has the form YYYYmmdd_HHMMSS_mmm[_name]");
        rc = backup_dir(ctx, &dir);
        return rc == OK ? read_one(ctx, dir, id, ret) : rc;
}

/* Newest first: an id begins with its time. */
static int by_id(const void *a, const void *b)
{
        return strcmp(*(const char *const *)b, *(const char *const *)a);
}

struct ids {
        const char **ids;
        size_t count;
};

static enum err read_ids(struct ctx *ctx, const char *path, struct ids *ret)
{
        DIR *dir = opendir(path);
        struct dirent *entry;
        size_t room = 0;
        enum err rc = OK;

        *ret = (struct ids){ 0 };
        if (!dir)
                return errno == ENOENT ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        while (rc == OK && (entry = readdir(dir))) {
                if (!backup_is_id(entry->d_name))
                        continue;
                if (ret->count == room) {
                        const char **more =
                                arena_alloc(ctx->arena, (room * 2 + 64) * sizeof(*more));

                        if (more && ret->count)
                                memcpy(more, ret->ids, ret->count * sizeof(*more));
                        room = room * 2 + 64;
                        ret->ids = more;
                }
                rc = ret->ids ? ctx_strdup(ctx, entry->d_name, &ret->ids[ret->count++])
                              : ctx_nomem(ctx);
        }
        closedir(dir);
        if (rc == OK && ret->count)
                qsort(ret->ids, ret->count, sizeof(*ret->ids), by_id);
        return rc;
}

enum err backup_list(struct ctx *ctx, unsigned limit, struct backup **ret, int64_t *ret_bytes)
{
        struct backup *first = NULL, **next = &first;
        int64_t bytes = 0;
        struct ids ids;
        const char *dir;
        enum err rc = backup_dir(ctx, &dir);

        if (rc == OK)
                rc = read_ids(ctx, dir, &ids);
        for (size_t i = 0; rc == OK && i < ids.count && limit > 0; i++) {
                struct backup *backup = arena_alloc(ctx->arena, sizeof(*backup));

                rc = backup ? read_one(ctx, dir, ids.ids[i], backup) : ctx_nomem(ctx);
                if (rc == OK) {
                        *next = backup;
                        next = &backup->next;
                        bytes += backup->size_bytes;
                        limit--;
                } else if (rc == ERR_CONFLICT || rc == ERR_NOT_FOUND || rc == ERR_UNAVAILABLE) {
                        rc = OK; /* verify and get say what is wrong with it */
                }
        }
        if (rc != OK)
                return rc;
        *ret = first;
        *ret_bytes = bytes;
        return OK;
}

/* ---- what an operator names ---- */

static enum err find_newest(struct ctx *ctx, struct backup *ret)
{
        struct backup *newest = NULL;
        int64_t bytes;
        enum err rc = backup_list(ctx, 1, &newest, &bytes);

        if (rc == OK && !newest)
                rc = ctx_fail(ctx, ERR_NOT_FOUND,
                              "there is no backup yet: run \"simpletuner-cloud backup\"");
        if (rc == OK)
                *ret = *newest;
        return rc;
}

enum err backup_find(struct ctx *ctx, const char *what, struct backup *ret)
{
        const char *slash, *path = what;
        struct stat st;
        enum err rc;

        if (!what)
                return find_newest(ctx, ret);
        if (backup_is_id(what)) {
                rc = backup_get(ctx, what, ret);
                if (rc != ERR_NOT_FOUND)
                        return rc;
        }
        if (stat(what, &st) != 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Backup file not found: %s", what);
        if (!S_ISDIR(st.st_mode)) {
                slash = strrchr(what, '/');
                path = slash ? arena_strndup(ctx->arena, what, (size_t)(slash - what) + 1) : ".";
        }
        if (!path)
                return ctx_nomem(ctx);
        rc = backup_manifest_read(ctx, path, ret);
        if (rc == ERR_NOT_FOUND)
                rc = ctx_fail(ctx, ERR_NOT_FOUND,
                              "%s is no backup: there is no " BACKUP_MANIFEST " beside it", what);
        if (rc == OK)
                ret->size_bytes = backup_files_size(AT_FDCWD, path);
        return rc;
}

/* ---- going ---- */

static enum err note_deletion(struct ctx *ctx, const char *id, const char *why)
{
        CLEANUP(json_decrefp) json_t *details = json_pack("{s:s}", "reason", why);
        const struct audit_entry entry = {
                .event_type = "backup.deleted",
                .target_type = "backup",
                .target_id = id,
                .action = "Deleted a backup",
                .details = details,
        };

        return details ? audit_note(ctx, &entry) : ctx_nomem(ctx);
}

/* The entry comes first: what was deleted must have one. The manifest of what goes is gone before
 * anything else of it, so nothing half is listed. */
static enum err remove_one(struct ctx *ctx, const struct backup_lock *lock, const char *id,
                           const char *why)
{
        const char *hidden = arena_printf(ctx->arena, BACKUP_NEW "gone-%s", id);
        enum err rc = hidden ? note_deletion(ctx, id, why) : ctx_nomem(ctx);

        if (rc != OK)
                return rc;
        if (renameat(lock->dir_fd, id, lock->dir_fd, hidden) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s/%s cannot be removed: %m", lock->dir, id);
        if (!backup_files_remove(lock->dir_fd, hidden))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s/%s cannot be removed: %m", lock->dir,
                                hidden);
        return OK;
}

enum err backup_delete(struct ctx *ctx, const struct backup_lock *lock, const char *id)
{
        struct backup *all = NULL;
        int64_t bytes;
        struct backup backup;
        enum err rc = backup_get(ctx, id, &backup);

        if (rc == ERR_CONFLICT) /* a damaged one may go */
                return remove_one(ctx, lock, id, "asked for");
        if (rc == OK)
                rc = backup_list(ctx, 2, &all, &bytes);
        if (rc != OK)
                return rc;
        if (all && !all->next && strcmp(all->id, id) == 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%s is the only backup there is: make another "
                                "one first",
                                id);
        return remove_one(ctx, lock, id, "asked for");
}

enum err backup_prune(struct ctx *ctx, const struct backup_lock *lock, unsigned *ret_count)
{
        const struct backup_config *config = &ctx->config->backup;
        const int64_t before_us =
                clock_wall_us(ctx->clock) - (int64_t)config->retention_days * US_PER_DAY;
        struct backup *all = NULL;
        uint64_t newer = 0;
        int64_t bytes;
        enum err rc = OK;

        *ret_count = 0;
        if (config->retention_days == 0)
                return OK;
        rc = backup_list(ctx, UINT32_MAX, &all, &bytes);
        for (; rc == OK && all; all = all->next) {
                if (newer++ < config->retention_count || all->created_at_us >= before_us)
                        continue;
                rc = remove_one(ctx, lock, all->id, "retention");
                *ret_count += rc == OK;
        }
        return rc;
}
