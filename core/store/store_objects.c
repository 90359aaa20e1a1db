#include "core/store/store_objects.h"

#include "core/db/db.h"

#define BUCKET_COLUMNS "bucket, directory, files, bytes, created_at_us, last_upload_at_us"
#define OBJECT_COLUMNS                                                                             \
        "bucket, object_key, size_bytes, etag, sha256, content_type, file_mtime_ns, "              \
        "modified_at_us"

static struct bucket borrow_bucket(struct db_stmt *stmt)
{
        return (struct bucket){
                .bucket = db_text(stmt, 0),
                .directory = db_text(stmt, 1),
                .files = db_int(stmt, 2),
                .bytes = db_int(stmt, 3),
                .created_at_us = db_int(stmt, 4),
                .last_upload_at_us = db_int(stmt, 5),
        };
}

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
        };
}

enum err store_bucket_insert(struct ctx *ctx, const struct bucket *bucket)
{
        static const char sql[] =
                "INSERT INTO buckets (bucket, directory, created_at_us) VALUES ($1, $2, $3)";

        return db_run(ctx, NULL, sql, "tti", bucket->bucket, bucket->directory,
                      bucket->created_at_us);
}

enum err store_bucket_get(struct ctx *ctx, const char *name, struct bucket *ret)
{
        static const char sql[] = "SELECT " BUCKET_COLUMNS " FROM buckets WHERE bucket = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct bucket bucket;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", name);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Bucket not found");
        if (rc != OK)
                return rc;
        bucket = borrow_bucket(stmt);
        rc = ctx_strdup(ctx, bucket.bucket, &bucket.bucket);
        if (rc == OK)
                rc = ctx_strdup(ctx, bucket.directory, &bucket.directory);
        if (rc == OK)
                *ret = bucket;
        return rc;
}

enum err store_bucket_directory_after(struct ctx *ctx, const char *after,
                                      const char **ret_directory)
{
        static const char sql[] =
                "SELECT directory FROM buckets WHERE directory > $1 ORDER BY directory LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", after);
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, ret_directory);
        return rc;
}

enum err store_object_lock(struct ctx *ctx, const char *bucket, const char *key)
{
        const char *name = arena_printf(ctx->arena, "object:%s/%s", bucket, key);

        return name ? db_lock(ctx, name) : ctx_nomem(ctx);
}

static enum err add_to_bucket(struct ctx *ctx, const struct object *object, int64_t files,
                              int64_t bytes)
{
        static const char sql[] = "UPDATE buckets SET files = files + $2, bytes = bytes + $3, "
                                  "last_upload_at_us = $4 WHERE bucket = $1";

        return db_run(ctx, NULL, sql, "tiii", object->bucket, files, bytes, object->modified_at_us);
}

enum err store_object_put(struct ctx *ctx, const struct object *object)
{
        static const char sql[] =
                "INSERT INTO objects (" OBJECT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                "ON CONFLICT (bucket, object_key) DO UPDATE SET size_bytes = $3, etag = $4, "
                "sha256 = $5, content_type = $6, file_mtime_ns = $7, modified_at_us = $8";
        int64_t files = 1, bytes = object->size_bytes;
        struct object old;
        enum err rc;

        rc = store_object_get(ctx, object->bucket, object->key, &old);
        if (rc == OK) {
                files = 0;
                bytes -= old.size_bytes;
        } else if (rc != ERR_NOT_FOUND) {
                return rc;
        }
        rc = db_run(ctx, NULL, sql, "ttitttii", object->bucket, object->key, object->size_bytes,
                    object->etag, object->sha256, object->content_type, object->file_mtime_ns,
                    object->modified_at_us);
        if (rc != OK)
                return rc;
        return add_to_bucket(ctx, object, files, bytes);
}

enum err store_object_get(struct ctx *ctx, const char *bucket, const char *key, struct object *ret)
{
        static const char sql[] =
                "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = $1 AND object_key = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct object object;
        const char **const texts[] = { &object.bucket, &object.key, &object.etag, &object.sha256,
                                       &object.content_type };
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tt", bucket, key);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Object not found");
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
                                  "WHERE bucket = $1 AND object_key > $2 "
                                  "ORDER BY object_key LIMIT $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tti", range->bucket, range->after_key,
                      (int64_t)range->limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct object object = borrow_object(stmt);

                row(arg, &object);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_buckets_each(struct ctx *ctx, unsigned limit, bucket_row_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT " BUCKET_COLUMNS " FROM buckets ORDER BY created_at_us DESC LIMIT $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "i", (int64_t)limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                struct bucket bucket = borrow_bucket(stmt);

                row(arg, &bucket);
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

enum err store_uploads_count(struct ctx *ctx, const char *bucket, int64_t *ret_count)
{
        static const char sql[] = "SELECT COUNT(*) FROM uploads WHERE bucket = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", bucket);
        if (rc != OK)
                return rc;
        rc = db_step(ctx, stmt);
        if (rc != OK)
                return rc;
        *ret_count = db_int(stmt, 0);
        return OK;
}
