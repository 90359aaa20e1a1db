#include "core/cloud/storage/storage_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cloud/remote/remote_store.h"
#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_temp.h"
#include "core/cloud/storage/storage_content.h"
#include "core/cloud/storage/storage_walk.h"
#include "core/db/db.h"

#define PAGE           500 /* keys, buckets, uploads at a time */
#define PATIENCE_MS    20
#define PATIENCE_TRIES 25
#define PATIENCE_ALL   250

const char *storage_fault_name(enum storage_fault fault)
{
        static const char *const names[FAULT_COUNT] = {
                [FAULT_NO_FILE] = "no_file", [FAULT_NO_ROW] = "no_row",   [FAULT_SIZE] = "size",
                [FAULT_CHANGED] = "changed", [FAULT_CONTENT] = "content", [FAULT_PART] = "part",
                [FAULT_TOTALS] = "totals",
        };

        return names[fault];
}

struct checking {
        const struct storage_check *check;
        struct storage_report report;
        struct bucket bucket; /* the one that is being checked */
        unsigned patience;    /* so many times PATIENCE_MS may be waited yet */
};

static void find(struct checking *checking, enum storage_fault fault, const char *key,
                 bool repaired)
{
        const struct storage_finding finding = {
                .fault = fault,
                .bucket = checking->bucket.bucket,
                .key = key,
                .repaired = repaired,
        };

        checking->report.findings++;
        checking->report.repaired += repaired;
        checking->check->found(checking->check->arg, &finding);
}

/* ---- texts kept from a page of rows ---- */

struct names {
        struct ctx *ctx;
        const char **names;
        size_t count;
        enum err rc;
};

static enum err names_begin(struct ctx *ctx, struct names *ret)
{
        *ret = (struct names){ .ctx = ctx };
        ret->names = arena_alloc(ctx->arena, PAGE * sizeof(*ret->names));
        return ret->names ? OK : ctx_nomem(ctx);
}

static bool names_add(struct names *names, const char *name)
{
        if (names->rc == OK)
                names->rc = ctx_strdup(names->ctx, name, &names->names[names->count]);
        names->count += names->rc == OK;
        return names->rc == OK;
}

/* ---- objects ---- */

/* What is wrong with the file of a row, as far as it can be seen from outside; FAULT_COUNT:
 * nothing. *ret_fd, the caller's, is open where there is a file. */
static enum err look(struct ctx *ctx, const struct checking *checking, const struct object *object,
                     enum storage_fault *ret, int *ret_fd)
{
        CLEANUP(close_fdp) int dir = -1;
        CLEANUP(close_fdp) int fd = -1;
        const char *path;
        struct stat st;
        enum err rc = object_path(ctx, object->key, &path);

        if (rc == OK)
                rc = object_dir_open(ctx, checking->bucket.directory, path, false, &dir);
        if (rc == OK)
                fd = openat(dir, object_leaf(path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (rc != OK && rc != ERR_NOT_FOUND && rc != ERR_CONFLICT)
                return rc;
        if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
                *ret = FAULT_NO_FILE;
        else if (st.st_size != object->size_bytes)
                *ret = FAULT_SIZE;
        else
                *ret = object_mtime_ns(&st) != object->file_mtime_ns ? FAULT_CHANGED : FAULT_COUNT;
        *ret_fd = TAKE_FD(fd);
        return OK;
}

/* Look again with the key locked: a writer may have come between row and file. */
static enum err confirm(struct ctx *ctx, struct checking *checking, const struct object *object,
                        enum storage_fault fault)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(close_fdp) int fd = -1;
        bool repaired = checking->check->repair && fault == FAULT_NO_FILE;
        enum storage_fault again = fault;
        struct object now;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_object_lock(ctx, object->bucket, object->key);
        if (rc == OK)
                rc = store_object_get(ctx, object->bucket, object->key, &now);
        if (rc == OK)
                rc = look(ctx, checking, &now, &again, &fd);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? OK : rc;
        if (now.file_mtime_ns != object->file_mtime_ns ||
            again != (fault == FAULT_CONTENT ? FAULT_COUNT : fault))
                return OK;
        if (repaired) {
                rc = store_object_delete(ctx, object->bucket, object->key);
                if (rc == OK)
                        rc = db_commit(&tx);
        }
        if (rc == OK)
                find(checking, fault, object->key, repaired);
        return rc;
}

static enum err check_object(struct ctx *ctx, struct checking *checking, const char *key)
{
        CLEANUP(close_fdp) int fd = -1;
        enum storage_fault fault = FAULT_COUNT;
        struct object object;
        bool same = true;
        enum err rc = store_object_get(ctx, checking->bucket.bucket, key, &object);

        if (rc == ERR_NOT_FOUND)
                return OK; /* removed meanwhile */
        checking->report.objects++;
        if (rc == OK)
                rc = look(ctx, checking, &object, &fault, &fd);
        if (rc == OK && fault == FAULT_COUNT && checking->check->hashes)
                rc = storage_content_check(ctx, fd, &object, &same);
        if (!same)
                fault = FAULT_CONTENT;
        return rc == OK && fault != FAULT_COUNT ? confirm(ctx, checking, &object, fault) : rc;
}

static bool keep_key(void *arg, const struct object *object)
{
        return names_add(arg, object->key);
}

/* Of each page only the keys are kept, and of each object no more than itself. */
static enum err check_page(struct ctx *ctx, struct checking *checking, struct names *keys)
{
        CLEANUP(arena_freep) struct arena *own = arena_new();
        struct arena *outer = ctx->arena;
        enum err rc = OK;

        if (!own)
                return ctx_nomem(ctx);
        ctx->arena = own;
        for (size_t i = 0; rc == OK && i < keys->count; i++) {
                rc = check_object(ctx, checking, keys->names[i]);
                arena_reset(own);
        }
        ctx->arena = outer;
        return rc;
}

static enum err check_objects(struct ctx *ctx, struct checking *checking)
{
        CLEANUP(arena_freep) struct arena *own = arena_new();
        struct arena *outer = ctx->arena;
        struct object_range range = { .bucket = checking->bucket.bucket, .limit = PAGE };
        char first[OBJECT_KEY_MAX + 2] = "";
        struct names keys = { .count = PAGE };
        enum err rc = OK;

        if (!own)
                return ctx_nomem(ctx);
        ctx->arena = own;
        range.first = first;
        while (rc == OK && keys.count == PAGE) {
                arena_reset(own);
                rc = names_begin(ctx, &keys);
                if (rc == OK)
                        rc = store_objects_each(ctx, &range, keep_key, &keys);
                if (rc == OK)
                        rc = keys.rc;
                if (rc == OK)
                        rc = check_page(ctx, checking, &keys);
                if (rc == OK && keys.count > 0)
                        snprintf(first, sizeof(first), "%s\001", keys.names[keys.count - 1]);
        }
        ctx->arena = outer;
        return rc;
}

/* ---- files ---- */

/* Is a file without a row, with its key locked? */
static enum err is_orphan(struct ctx *ctx, const struct checking *checking, const char *key,
                          const struct storage_entry *entry, bool *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct object object;
        struct stat st;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_object_lock(ctx, checking->bucket.bucket, key);
        if (rc == OK)
                rc = store_object_get(ctx, checking->bucket.bucket, key, &object);
        *ret = rc == ERR_NOT_FOUND && storage_entry_is_idle(entry) &&
               fstatat(entry->dir, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* A key that is being removed loses its row a moment before its file: wait for that, but not long
 * in all. */
static bool has_patience(struct checking *checking)
{
        const struct timespec moment = { .tv_nsec = PATIENCE_MS * 1000000L };

        if (checking->patience == 0)
                return false;
        checking->patience--;
        nanosleep(&moment, NULL);
        return true;
}

static enum err check_file(struct ctx *ctx, void *arg, const struct storage_entry *entry)
{
        struct checking *checking = arg;
        unsigned tries = 0;
        struct object object;
        bool orphan = true;
        const char *key;
        enum err rc;

        if (strncmp(entry->path, OBJECT_PART_PREFIX, strlen(OBJECT_PART_PREFIX)) == 0)
                return OK;
        rc = object_key_of(ctx, entry->path, &key);
        if (rc == OK)
                rc = store_object_get(ctx, checking->bucket.bucket, key, &object);
        if (rc != ERR_NOT_FOUND)
                return rc;
        do {
                rc = is_orphan(ctx, checking, key, entry, &orphan);
        } while (rc == OK && orphan && tries++ < PATIENCE_TRIES && has_patience(checking));
        if (rc == OK && orphan)
                find(checking, FAULT_NO_ROW, entry->path, false);
        return rc;
}

/* ---- totals ---- */

static enum err check_totals(struct ctx *ctx, struct checking *checking)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *bucket = checking->bucket.bucket;
        bool same, repair = checking->check->repair;
        enum err rc = store_bucket_totals_check(ctx, bucket, &same);

        if (rc != OK || same)
                return rc;
        if (repair) {
                rc = db_begin(ctx, &tx);
                if (rc == OK)
                        rc = store_bucket_totals_mend(ctx, bucket);
                if (rc == OK)
                        rc = db_commit(&tx);
        }
        if (rc == OK)
                find(checking, FAULT_TOTALS, "", repair);
        return rc;
}

/* ---- parts of unfinished uploads ---- */

struct part_check {
        struct ctx *ctx;
        int dir; /* -1: there is none */
        const char *missing;
        enum err rc;
};

static void meet_part(void *arg, const struct part *part)
{
        struct part_check *check = arg;
        struct stat st;

        if (check->missing || check->rc != OK)
                return;
        if (check->dir < 0 || fstatat(check->dir, part->file, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode) || st.st_size != part->size_bytes)
                check->rc = ctx_strdup(check->ctx, part->file, &check->missing);
}

/* The first part that is not there, "" when all are. */
static enum err find_missing(struct ctx *ctx, const struct checking *checking,
                             const char *upload_id, const char **ret_file)
{
        const char *root = multipart_root(ctx, checking->bucket.directory);
        const char *path = arena_printf(ctx->arena, "%s/x", upload_id);
        const struct part_range range = { upload_id, 0, MULTIPART_PARTS_MAX };
        CLEANUP(close_fdp) int dir = -1;
        struct part_check check = { .ctx = ctx };
        enum err rc;

        if (!root || !path)
                return ctx_nomem(ctx);
        rc = object_dir_open(ctx, root, path, false, &dir);
        check.dir = dir;
        if (rc == OK || rc == ERR_NOT_FOUND)
                rc = store_parts_each(ctx, &range, meet_part, &check);
        if (rc == OK)
                rc = check.rc;
        if (rc == OK)
                *ret_file = check.missing ? check.missing : "";
        return rc;
}

/* A part that is being replaced may look missing for a moment, and then another one does. */
static enum err check_upload(struct ctx *ctx, struct checking *checking, const char *upload_id)
{
        const char *first, *second;
        struct multipart upload;
        enum err rc = find_missing(ctx, checking, upload_id, &first);

        if (rc != OK || !*first)
                return rc;
        rc = find_missing(ctx, checking, upload_id, &second);
        if (rc == OK)
                rc = store_multipart_get(ctx, upload_id, &upload);
        if (rc == OK && strcmp(first, second) == 0)
                find(checking, FAULT_PART, upload.key, false);
        return rc == ERR_NOT_FOUND ? OK : rc;
}

struct upload_page {
        struct names ids;
        const char *last_key;
};

static bool keep_upload(void *arg, const struct multipart *upload)
{
        struct upload_page *page = arg;

        if (names_add(&page->ids, upload->upload_id))
                page->ids.rc = ctx_strdup(page->ids.ctx, upload->key, &page->last_key);
        return page->ids.rc == OK;
}

static enum err check_uploads(struct ctx *ctx, struct checking *checking)
{
        struct multipart_range range = { .bucket = checking->bucket.bucket, .limit = PAGE };
        struct upload_page page = { .ids.count = PAGE };
        enum err rc = OK;

        while (rc == OK && page.ids.count == PAGE) {
                rc = names_begin(ctx, &page.ids);
                if (rc == OK)
                        rc = store_multiparts_each(ctx, &range, keep_upload, &page);
                if (rc == OK)
                        rc = page.ids.rc;
                for (size_t i = 0; rc == OK && i < page.ids.count; i++)
                        rc = check_upload(ctx, checking, page.ids.names[i]);
                if (rc == OK && page.ids.count > 0) {
                        range.after_key = page.last_key;
                        range.after_id = page.ids.names[page.ids.count - 1];
                }
        }
        return rc;
}

/* ---- all of it ---- */

static enum err check_bucket(struct ctx *ctx, struct checking *checking, const char *name)
{
        struct storage_walk walk = { .fn = check_file, .arg = checking };
        enum err rc = store_bucket_get(ctx, name, &checking->bucket);

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? OK : rc;
        checking->report.buckets++;
        /* The bytes in an S3 store are that store's to look after. */
        if (remote_is_url(checking->bucket.directory))
                return check_totals(ctx, checking);
        walk.directory = checking->bucket.directory;
        rc = check_objects(ctx, checking);
        if (rc == OK)
                rc = storage_walk(ctx, &walk);
        if (rc == OK)
                rc = check_uploads(ctx, checking);
        return rc == OK ? check_totals(ctx, checking) : rc;
}

static void keep_bucket(void *arg, const struct bucket *bucket)
{
        (void)names_add(arg, bucket->bucket);
}

static enum err check_all(struct ctx *ctx, struct checking *checking)
{
        CLEANUP(arena_freep) struct arena *own = arena_new();
        struct arena *outer = ctx->arena;
        struct bucket_range range = { .after = "", .prefix = "", .limit = PAGE };
        struct names names = { .count = PAGE };
        enum err rc = OK;

        if (!own)
                return ctx_nomem(ctx);
        while (rc == OK && names.count == PAGE) {
                rc = names_begin(ctx, &names);
                if (rc == OK)
                        rc = store_buckets_by_name(ctx, &range, keep_bucket, &names);
                if (rc == OK)
                        rc = names.rc;
                ctx->arena = own;
                for (size_t i = 0; rc == OK && i < names.count; i++) {
                        rc = check_bucket(ctx, checking, names.names[i]);
                        arena_reset(own);
                }
                ctx->arena = outer;
                if (names.count > 0)
                        range.after = names.names[names.count - 1];
        }
        return rc;
}

enum err storage_check(struct ctx *ctx, const struct storage_check *check,
                       struct storage_report *ret)
{
        struct checking checking = { .check = check, .patience = PATIENCE_ALL };
        enum err rc = check_all(ctx, &checking);

        if (rc == OK)
                *ret = checking.report;
        return rc;
}
