#include "core/cloud/storage/storage_gc.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_temp.h"
#include "core/cloud/storage/storage_root.h"
#include "core/cloud/storage/storage_walk.h"

typedef DIR dir_stream;
static void close_stream(dir_stream *dir)
{
        closedir(dir);
}
DEFINE_CLEANUP(dir_stream *, close_stream)

#define MIN_AGE_NS (INT64_C(3600) * 1000000000)

const char *storage_waste_name(enum storage_waste_kind kind)
{
        static const char *const names[WASTE_COUNT] = {
                [WASTE_TEMPORARY] = "temporary", [WASTE_UPLOAD] = "upload",
                [WASTE_PART] = "part",           [WASTE_FILE] = "file",
                [WASTE_BUCKET] = "bucket",       [WASTE_UNKNOWN] = "unknown",
        };

        return names[kind];
}

bool storage_gc_is_old(const struct ctx *ctx, const struct stat *st)
{
        return object_mtime_ns(st) < clock_wall_us(ctx->clock) * 1000 - MIN_AGE_NS;
}

struct gc_root {
        const struct storage_gc *gc;
        const char *root, *parts; /* parts: {root}/.multipart */
};

static void report(const struct storage_gc *gc, struct storage_waste waste)
{
        waste.removed = !gc->dry_run && waste.kind != WASTE_UNKNOWN;
        gc->found(gc->arg, &waste);
}

static void found_temporary(void *arg, const char *path, int64_t bytes)
{
        report(arg, (struct storage_waste){ WASTE_TEMPORARY, path, bytes, false });
}

/* ---- uploads that nobody goes on with ---- */

static bool found_stale(void *arg, const struct multipart *upload)
{
        if (!upload->completed_etag)
                report(arg, (struct storage_waste){ WASTE_UPLOAD, upload->upload_id,
                                                    upload->part_bytes, false });
        return true;
}

static enum err end_stale(struct ctx *ctx, const struct storage_gc *gc)
{
        const int64_t hours = (int64_t)ctx->config->stale_upload_hours;
        const int64_t before_us = clock_wall_us(ctx->clock) - hours * US_PER_HOUR;
        unsigned swept;
        enum err rc =
                store_multiparts_stale_each(ctx, before_us, found_stale, (void *)(uintptr_t)gc);

        return rc == OK && !gc->dry_run ? multipart_sweep(ctx, UINT_MAX, &swept) : rc;
}

/* ---- files of parts ---- */

struct named_part {
        int64_t number;
        const char *file;
        bool known;
};

static void compare_part(void *arg, const struct part *part)
{
        struct named_part *named = arg;

        named->known = part->number == named->number && strcmp(part->file, named->file) == 0;
}

/* Is "{upload id}/{number}.{id}" the file of a part? */
static enum err is_known_part(struct ctx *ctx, const char *upload_id, const char *file,
                              bool *ret_known)
{
        struct named_part named = { .number = strtoll(file, NULL, 10), .file = file };
        const struct part_range range = { upload_id, named.number - 1, 1 };
        struct multipart upload;
        enum err rc = store_multipart_get(ctx, upload_id, &upload);

        if (rc == OK)
                rc = store_parts_each(ctx, &range, compare_part, &named);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_known = named.known;
        return OK;
}

/* A part has its row a moment after its file: only what is old is nobody's. */
static enum err meet_part(struct ctx *ctx, void *arg, const struct storage_entry *entry)
{
        const struct gc_root *root = arg;
        const char *full = arena_printf(ctx->arena, "%s/%s", root->parts, entry->path);
        const char *upload_id = arena_strndup(ctx->arena, entry->path, strcspn(entry->path, "/"));
        bool known = false;
        enum err rc;

        if (!full || !upload_id)
                return ctx_nomem(ctx);
        if (!S_ISREG(entry->st->st_mode)) {
                report(root->gc, (struct storage_waste){ WASTE_UNKNOWN, full, 0, false });
                return OK;
        }
        rc = is_known_part(ctx, upload_id, entry->name, &known);
        if (rc != OK || known || !storage_gc_is_old(ctx, entry->st))
                return rc;
        if (!root->gc->dry_run && unlinkat(entry->dir, entry->name, 0) != 0)
                return OK; /* somebody else's sweep */
        report(root->gc, (struct storage_waste){ WASTE_PART, full, entry->st->st_size, false });
        return OK;
}

/* The directory of an upload that is under way is left: a part may be about to come into it. */
static enum err remove_empty(struct ctx *ctx, const char *parts)
{
        CLEANUP(close_streamp) dir_stream *stream = opendir(parts);
        enum err rc = OK;

        for (const struct dirent *entry; stream && rc == OK && (entry = readdir(stream));) {
                struct multipart upload = { .completed_etag = NULL };

                if (entry->d_name[0] == '.')
                        continue;
                rc = store_multipart_get(ctx, entry->d_name, &upload);
                if (rc == ERR_NOT_FOUND || upload.completed_etag) {
                        unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
                        rc = OK;
                }
        }
        return rc;
}

/* ---- all of it ---- */

static enum err collect_root(struct ctx *ctx, const struct storage_gc *gc, const char *path)
{
        struct gc_root root = { .gc = gc, .root = path };
        const struct object_temp_sweep temporaries = {
                .root = path,
                .dry_run = gc->dry_run,
                .found = found_temporary,
                .arg = (void *)(uintptr_t)gc,
        };
        struct storage_walk parts = { .fn = meet_part, .arg = &root };
        unsigned swept;
        enum err rc;

        root.parts = parts.directory = arena_printf(ctx->arena, "%s/.multipart", path);
        if (!root.parts)
                return ctx_nomem(ctx);
        rc = object_temp_sweep(ctx, &temporaries, &swept);
        if (rc == OK)
                rc = storage_walk(ctx, &parts);
        if (rc == OK && !gc->dry_run)
                rc = remove_empty(ctx, root.parts);
        return rc == OK ? storage_gc_buckets(ctx, gc, path) : rc;
}

enum err storage_gc(struct ctx *ctx, const struct storage_gc *gc)
{
        struct storage_roots roots = STORAGE_ROOTS;
        const char *root;
        enum err rc = end_stale(ctx, gc);

        while (rc == OK && (rc = storage_root_next(ctx, &roots, &root)) == OK)
                rc = collect_root(ctx, gc, root);
        return rc == ERR_NOT_FOUND ? OK : rc;
}
