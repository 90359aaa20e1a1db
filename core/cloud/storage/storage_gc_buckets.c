#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_temp.h"
#include "core/cloud/storage/storage_gc.h"
#include "core/cloud/storage/storage_walk.h"
#include "core/db/db.h"
#include "core/store/store_archives.h"
#include "core/store/store_objects.h"

typedef DIR dir_stream;
static void close_stream(dir_stream *dir)
{
        closedir(dir);
}
DEFINE_CLEANUP(dir_stream *, close_stream)

struct gc_bucket {
        const struct storage_gc *gc;
        const char *bucket, *directory;
        int64_t bytes; /* of one that no row knows: what is in it */
        unsigned entries;
};

static enum err report(struct ctx *ctx, const struct gc_bucket *bucket,
                       enum storage_waste_kind kind, const struct storage_entry *entry)
{
        struct storage_waste waste = { .kind = kind, .bytes = entry->st->st_size };

        waste.path = arena_printf(ctx->arena, "%s/%s", bucket->directory, entry->path);
        waste.removed = kind != WASTE_UNKNOWN && !bucket->gc->dry_run;
        if (!waste.path)
                return ctx_nomem(ctx);
        bucket->gc->found(bucket->gc->arg, &waste);
        return OK;
}

/* What results are fetched into lives as long as they are being fetched. */
static enum err meet_archive_part(struct ctx *ctx, const struct gc_bucket *bucket,
                                  const struct storage_entry *entry)
{
        CLEANUP(close_fdp) int fd = -1;
        struct archive archive;
        enum err rc = store_archive_get(ctx, bucket->bucket, &archive);

        if (rc != ERR_NOT_FOUND && (rc != OK || archive.state == ARCHIVE_WAITING))
                return rc;
        fd = openat(entry->dir, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
                return OK;
        if (!bucket->gc->dry_run && unlinkat(entry->dir, entry->name, 0) != 0)
                return OK;
        return report(ctx, bucket, WASTE_FILE, entry);
}

/* Under the lock of its key nobody is between a file and its row. */
static enum err remove_file(struct ctx *ctx, const struct gc_bucket *bucket, const char *key,
                            const struct storage_entry *entry)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct object object;
        struct stat now;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_object_lock(ctx, bucket->bucket, key);
        if (rc == OK)
                rc = store_object_get(ctx, bucket->bucket, key, &object);
        if (rc != ERR_NOT_FOUND)
                return rc;
        if (fstatat(entry->dir, entry->name, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
            !storage_gc_is_old(ctx, &now) || !storage_entry_is_idle(entry))
                return OK;
        if (!bucket->gc->dry_run && unlinkat(entry->dir, entry->name, 0) != 0)
                return OK;
        return report(ctx, bucket, WASTE_FILE, entry);
}

static enum err meet_file(struct ctx *ctx, void *arg, const struct storage_entry *entry)
{
        const struct gc_bucket *bucket = arg;
        struct object object;
        const char *key;
        enum err rc;

        if (!S_ISREG(entry->st->st_mode))
                return report(ctx, bucket, WASTE_UNKNOWN, entry);
        if (!storage_gc_is_old(ctx, entry->st))
                return OK;
        if (strncmp(entry->path, OBJECT_PART_PREFIX, strlen(OBJECT_PART_PREFIX)) == 0)
                return meet_archive_part(ctx, bucket, entry);
        rc = object_key_of(ctx, entry->path, &key);
        if (rc == OK)
                rc = store_object_get(ctx, bucket->bucket, key, &object);
        return rc == ERR_NOT_FOUND ? remove_file(ctx, bucket, key, entry) : rc;
}

/* ---- directories without a bucket ---- */

static enum err count_entry(struct ctx *ctx, void *arg, const struct storage_entry *entry)
{
        struct gc_bucket *bucket = arg;

        (void)ctx;
        bucket->entries++;
        bucket->bytes += entry->st->st_size;
        return OK;
}

/* One with anything in it may be somebody's: an older database's, or no storage at all. */
static enum err meet_stranger(struct ctx *ctx, struct gc_bucket *bucket)
{
        struct storage_walk walk = { .directory = bucket->directory,
                                     .fn = count_entry,
                                     .arg = bucket };
        struct storage_waste waste = { .kind = WASTE_UNKNOWN, .path = bucket->directory };
        enum err rc = storage_walk(ctx, &walk);

        if (rc != OK)
                return rc;
        if (bucket->entries == 0) {
                waste.kind = WASTE_BUCKET;
                walk.prune = waste.removed = !bucket->gc->dry_run;
                if (walk.prune)
                        rc = storage_walk(ctx, &walk);
                if (rc != OK || (walk.prune && rmdir(bucket->directory) != 0))
                        return rc;
        }
        waste.bytes = bucket->bytes;
        bucket->gc->found(bucket->gc->arg, &waste);
        return OK;
}

static enum err meet_directory(struct ctx *ctx, const struct storage_gc *gc, const char *root,
                               const char *name)
{
        const char *path = arena_printf(ctx->arena, "%s/%s", root, name);
        struct gc_bucket bucket = { .gc = gc, .bucket = name, .directory = path };
        const struct storage_walk walk = {
                .directory = path, .prune = !gc->dry_run, .fn = meet_file, .arg = &bucket
        };
        const char *own = "";
        struct bucket row;
        enum err rc;

        if (!path)
                return ctx_nomem(ctx);
        rc = store_bucket_get(ctx, name, &row);
        if (rc == OK)
                rc = object_spool(ctx, row.directory, &own);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        return strcmp(own, path) == 0 ? storage_walk(ctx, &walk) : meet_stranger(ctx, &bucket);
}

enum err storage_gc_buckets(struct ctx *ctx, const struct storage_gc *gc, const char *root)
{
        CLEANUP(close_streamp) dir_stream *stream = opendir(root);
        enum err rc = OK;

        if (!stream)
                return errno == ENOENT ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", root);
        for (const struct dirent *entry; rc == OK && (entry = readdir(stream));) {
                struct stat st;

                if (entry->d_name[0] == '.' ||
                    fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
                        continue;
                if (S_ISDIR(st.st_mode))
                        rc = meet_directory(ctx, gc, root, entry->d_name);
        }
        return rc;
}
