#include "core/store/store_buckets.h"

#include "core/base/utf8.h"
#include "core/db/db.h"

#define BUCKET_COLUMNS "bucket, directory, files, bytes, created_at_us, last_upload_at_us, owner"

static struct bucket borrow_bucket(struct db_stmt *stmt)
{
        return (struct bucket){
                .bucket = db_text(stmt, 0),
                .directory = db_text(stmt, 1),
                .files = db_int(stmt, 2),
                .bytes = db_int(stmt, 3),
                .created_at_us = db_int(stmt, 4),
                .last_upload_at_us = db_int(stmt, 5),
                .owner = db_text(stmt, 6),
        };
}

enum err store_bucket_insert(struct ctx *ctx, const struct bucket *bucket)
{
        static const char sql[] = "INSERT INTO buckets (bucket, directory, created_at_us, owner) "
                                  "VALUES ($1, $2, $3, $4)";

        return db_run(ctx, NULL, sql, "ttit", bucket->bucket, bucket->directory,
                      bucket->created_at_us, bucket->owner ? bucket->owner : "");
}

static enum err no_such_bucket(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchBucket", "Bucket not found");
}

enum err store_bucket_owner(struct ctx *ctx, const char *name, const char **ret)
{
        static const char sql[] = "SELECT COALESCE(NULLIF(b.owner, ''), j.owner, '') "
                                  "FROM buckets b LEFT JOIN jobs j ON j.job_id = b.bucket "
                                  "WHERE b.bucket = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "t", name);

        if (rc == ERR_NOT_FOUND)
                return no_such_bucket(ctx);
        return rc == OK ? db_text_dup(ctx, stmt, 0, ret) : rc;
}

enum err store_bucket_get(struct ctx *ctx, const char *name, struct bucket *ret)
{
        static const char sql[] = "SELECT " BUCKET_COLUMNS " FROM buckets WHERE bucket = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct bucket bucket;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", name);
        if (rc == ERR_NOT_FOUND)
                return no_such_bucket(ctx);
        if (rc != OK)
                return rc;
        bucket = borrow_bucket(stmt);
        rc = ctx_strdup(ctx, bucket.bucket, &bucket.bucket);
        if (rc == OK)
                rc = ctx_strdup(ctx, bucket.directory, &bucket.directory);
        if (rc == OK)
                rc = ctx_strdup(ctx, bucket.owner, &bucket.owner);
        if (rc == OK)
                *ret = bucket;
        return rc;
}

/* What is left of finished uploads goes with the bucket; what is unfinished keeps it. */
enum err store_bucket_delete(struct ctx *ctx, const char *name)
{
        static const char parts[] =
                "DELETE FROM parts WHERE upload_id IN (SELECT upload_id FROM multiparts "
                "WHERE bucket = $1 AND completed_etag IS NOT NULL)";
        static const char finished[] =
                "DELETE FROM multiparts WHERE bucket = $1 AND completed_etag IS NOT NULL";
        static const char sql[] = "DELETE FROM buckets WHERE bucket = $1 "
                                  "AND NOT EXISTS (SELECT 1 FROM objects WHERE bucket = $1) "
                                  "AND NOT EXISTS (SELECT 1 FROM multiparts WHERE bucket = $1) "
                                  "AND NOT EXISTS (SELECT 1 FROM uploads WHERE bucket = $1)";
        struct bucket bucket;
        int64_t changed = 0;
        enum err rc;

        rc = db_run(ctx, NULL, parts, "t", name);
        if (rc == OK)
                rc = db_run(ctx, NULL, finished, "t", name);
        if (rc == OK)
                rc = db_run(ctx, &changed, sql, "t", name);
        if (rc != OK || changed > 0)
                return rc;
        rc = store_bucket_get(ctx, name, &bucket);
        return rc == OK
                       ? ctx_fail_as(ctx, ERR_CONFLICT, "BucketNotEmpty", "The bucket is not empty")
                       : rc;
}

enum err store_bucket_add(struct ctx *ctx, const char *name, const struct bucket_change *change)
{
        static const char sql[] =
                "UPDATE buckets SET files = files + $2, bytes = bytes + $3, "
                "last_upload_at_us = COALESCE($4, last_upload_at_us) WHERE bucket = $1";

        return db_run(ctx, NULL, sql, "tiiz", name, change->files, change->bytes, change->at_us);
}

#define COUNTED "(SELECT COUNT(*) FROM objects WHERE objects.bucket = $1)"
#define SUMMED                                                                                     \
        "CAST((SELECT COALESCE(SUM(size_bytes), 0) FROM objects WHERE objects.bucket = $1) "       \
        "AS BIGINT)"

enum err store_bucket_totals_check(struct ctx *ctx, const char *name, bool *ret_same)
{
        static const char sql[] =
                "SELECT files, bytes, " COUNTED ", " SUMMED " FROM buckets WHERE bucket = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "t", name);

        if (rc == OK)
                *ret_same =
                        db_int(stmt, 0) == db_int(stmt, 2) && db_int(stmt, 1) == db_int(stmt, 3);
        return rc;
}

enum err store_bucket_totals_mend(struct ctx *ctx, const char *name)
{
        static const char sql[] =
                "UPDATE buckets SET files = " COUNTED ", bytes = " SUMMED " WHERE bucket = $1";
        enum err rc;

        /* Changing the row first makes uploads wait: those that are counted are committed. */
        rc = store_bucket_add(ctx, name, &(struct bucket_change){ .files = 0 });
        return rc == OK ? db_run(ctx, NULL, sql, "t", name) : rc;
}

enum err store_bucket_directory_after(struct ctx *ctx, const char *after,
                                      const char **ret_directory)
{
        static const char sql[] =
                "SELECT directory FROM buckets WHERE directory > $1 ORDER BY directory LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", after);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 0, ret_directory);
        return rc;
}

enum err store_buckets_bytes(struct ctx *ctx, int64_t *ret_bytes)
{
        static const char sql[] =
                "SELECT CAST(COALESCE((SELECT SUM(bytes) FROM buckets), 0) + "
                "COALESCE((SELECT SUM(bytes) FROM multiparts WHERE completed_etag IS NULL), 0) "
                "AS BIGINT)";

        return db_number(ctx, ret_bytes, sql, "");
}

static enum err each_row(struct ctx *ctx, struct db_stmt *stmt, bucket_row_fn *row, void *arg)
{
        enum err rc;

        while ((rc = db_step(ctx, stmt)) == OK) {
                struct bucket bucket = borrow_bucket(stmt);

                row(arg, &bucket);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* SQL: the bucket is this one's. */
#define OWNED_BY(n)                                                                                \
        "(owner = " n " OR (owner = '' AND bucket IN (SELECT job_id FROM jobs WHERE owner = " n    \
        ")))"

enum err store_buckets_each(struct ctx *ctx, unsigned limit, const char *owner, bucket_row_fn *row,
                            void *arg)
{
#define NEWEST_FIRST " ORDER BY created_at_us DESC LIMIT $1"
        static const char all[] = "SELECT " BUCKET_COLUMNS " FROM buckets" NEWEST_FIRST;
        static const char own[] =
                "SELECT " BUCKET_COLUMNS " FROM buckets WHERE " OWNED_BY("$2") NEWEST_FIRST;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = owner ? db_query(ctx, &stmt, own, "it", (int64_t)limit, owner)
                            : db_query(ctx, &stmt, all, "i", (int64_t)limit);

        return rc == OK ? each_row(ctx, stmt, row, arg) : rc;
}

enum err store_buckets_by_name(struct ctx *ctx, const struct bucket_range *range,
                               bucket_row_fn *row, void *arg)
{
#define BETWEEN "WHERE bucket > $1 AND bucket >= $2 AND bucket < $3"
#define BY_NAME " ORDER BY bucket LIMIT $4"
        static const char all[] = "SELECT " BUCKET_COLUMNS " FROM buckets " BETWEEN BY_NAME;
        static const char own[] =
                "SELECT " BUCKET_COLUMNS " FROM buckets " BETWEEN " AND " OWNED_BY("$5") BY_NAME;
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *prefix = range->prefix ? range->prefix : "";
        const char *end = utf8_after_prefix(ctx->arena, prefix);
        enum err rc;

        if (!end)
                return ctx_nomem(ctx);
        /* Names are of ASCII. */
        end = *end ? end : "\x7f";
        if (range->owner)
                rc = db_query(ctx, &stmt, own, "tttit", range->after, prefix, end,
                              (int64_t)range->limit, range->owner);
        else
                rc = db_query(ctx, &stmt, all, "ttti", range->after, prefix, end,
                              (int64_t)range->limit);
        return rc == OK ? each_row(ctx, stmt, row, arg) : rc;
}
