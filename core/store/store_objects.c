#include "core/store/store_objects.h"

#include "core/db/db.h"
#include "core/store/key_range.h"

#define OBJECT_COLUMNS                                                                             \
        "bucket, object_key, size_bytes, etag, sha256, content_type, file_mtime_ns, "              \
        "modified_at_us, metadata, tags, checksum_kind, checksum, part_sizes, remote"

static struct object borrow_object(struct db_stmt *stmt)
{
        return (struct object){
                .bucket = db_text(stmt, 0),
                .key = db_text(stmt, 1),
                .size_bytes = db_int(stmt, 2),
                .etag = db_text(stmt, 3),
                .sha256 = db_text(stmt, 4),
                .content_type = db_text(stmt, 5),
                .file_mtime_ns = db_int(stmt, 6),
                .modified_at_us = db_int(stmt, 7),
                .metadata = db_text(stmt, 8),
                .tags = db_text(stmt, 9),
                .checksum_kind = db_text(stmt, 10),
                .checksum = db_text(stmt, 11),
                .part_sizes = db_text(stmt, 12),
                .remote = db_text(stmt, 13),
        };
}

enum err store_object_lock(struct ctx *ctx, const char *bucket, const char *key)
{
        const char *name = arena_printf(ctx->arena, "object:%s/%s", bucket, key);

        return name ? db_lock(ctx, name) : ctx_nomem(ctx);
}

static const char *or_empty(const char *text, const char *empty)
{
        return text ? text : empty;
}

static enum err upsert(struct ctx *ctx, const struct object *object)
{
        static const char sql[] =
                "INSERT INTO objects (" OBJECT_COLUMNS ") "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
                "ON CONFLICT (bucket, object_key) DO UPDATE SET size_bytes = $3, etag = $4, "
                "sha256 = $5, content_type = $6, file_mtime_ns = $7, modified_at_us = $8, "
                "metadata = $9, tags = $10, checksum_kind = $11, checksum = $12, part_sizes = $13, "
                "remote = $14";

        return db_run(ctx, NULL, sql, "ttitttiitttttt", object->bucket, object->key,
                      object->size_bytes, object->etag, or_empty(object->sha256, ""),
                      object->content_type, object->file_mtime_ns, object->modified_at_us,
                      or_empty(object->metadata, "{}"), or_empty(object->tags, "{}"),
                      or_empty(object->checksum_kind, ""), or_empty(object->checksum, ""),
                      or_empty(object->part_sizes, ""), or_empty(object->remote, ""));
}

enum err store_object_put(struct ctx *ctx, const struct object *object)
{
        struct bucket_change change = { .files = 1,
                                        .bytes = object->size_bytes,
                                        .at_us = object->modified_at_us };
        struct object old;
        enum err rc;

        rc = store_object_get(ctx, object->bucket, object->key, &old);
        if (rc == OK) {
                change.files = 0;
                change.bytes -= old.size_bytes;
        } else if (rc != ERR_NOT_FOUND) {
                return rc;
        }
        rc = upsert(ctx, object);
        return rc == OK ? store_bucket_add(ctx, object->bucket, &change) : rc;
}

enum err store_object_delete(struct ctx *ctx, const char *bucket, const char *key)
{
        static const char sql[] = "DELETE FROM objects WHERE bucket = $1 AND object_key = $2";
        struct object old;
        enum err rc;

        rc = store_object_get(ctx, bucket, key, &old);
        if (rc == OK)
                rc = db_run(ctx, NULL, sql, "tt", bucket, key);
        if (rc == OK)
                rc = store_bucket_add(
                        ctx, bucket,
                        &(struct bucket_change){ .files = -1, .bytes = -old.size_bytes });
        return rc;
}

enum err store_object_set_tags(struct ctx *ctx, const char *bucket, const char *key,
                               const char *tags)
{
        static const char sql[] =
                "UPDATE objects SET tags = $3 WHERE bucket = $1 AND object_key = $2";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ttt", bucket, key, tags);

        if (rc == OK && changed == 0)
                return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchKey", "Object not found");
        return rc;
}

enum err store_object_get(struct ctx *ctx, const char *bucket, const char *key, struct object *ret)
{
        static const char sql[] =
                "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = $1 AND object_key = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct object object;
        const char **const texts[] = {
                &object.bucket,        &object.key,          &object.etag,   &object.sha256,
                &object.metadata,      &object.content_type, &object.tags,   &object.checksum,
                &object.checksum_kind, &object.part_sizes,   &object.remote,
        };
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "tt", bucket, key);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchKey", "Object not found");
        if (rc != OK)
                return rc;
        object = borrow_object(stmt);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
                if (rc != OK)
                        return rc;
        }
        *ret = object;
        return OK;
}

enum err store_objects_each(struct ctx *ctx, const struct object_range *range, object_row_fn *row,
                            void *arg)
{
        static const char sql[] = "SELECT " OBJECT_COLUMNS " FROM objects "
                                  "WHERE bucket = $1 AND object_key >= $2 AND object_key < $3 "
                                  "ORDER BY object_key LIMIT $4";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ttti", range->bucket, key_range_first(range->first),
                      key_range_end(range->end), (int64_t)range->limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct object object = borrow_object(stmt);

                if (!row(arg, &object))
                        return OK;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_upload_insert(struct ctx *ctx, const char *upload_id, const char *bucket,
                             const char *key)
{
        static const char sql[] = "INSERT INTO uploads (upload_id, bucket, object_key, "
                                  "started_at_us) VALUES ($1, $2, $3, $4)";

        return db_run(ctx, NULL, sql, "ttti", upload_id, bucket, key, clock_wall_us(ctx->clock));
}

enum err store_upload_delete(struct ctx *ctx, const char *upload_id)
{
        static const char sql[] = "DELETE FROM uploads WHERE upload_id = $1";

        return db_run(ctx, NULL, sql, "t", upload_id);
}

enum err store_uploads_sweep(struct ctx *ctx, int64_t before_us, int64_t *ret_swept)
{
        static const char sql[] = "DELETE FROM uploads WHERE started_at_us < $1";

        return db_run(ctx, ret_swept, sql, "i", before_us);
}

enum err store_uploads_in_flight(struct ctx *ctx, const char *bucket, struct uploads_in_flight *ret)
{
        static const char sql[] =
                "SELECT (SELECT COUNT(*) FROM uploads WHERE bucket = $1) + COUNT(*), "
                "CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM multiparts "
                "WHERE bucket = $1 AND completed_etag IS NULL";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", bucket);
        if (rc == OK)
                *ret = (struct uploads_in_flight){ .count = db_int(stmt, 0),
                                                   .part_bytes = db_int(stmt, 1) };
        return rc;
}
