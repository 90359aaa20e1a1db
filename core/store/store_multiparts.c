#include "core/store/store_multiparts.h"

#include "core/db/db.h"
#include "core/store/key_range.h"

#define UPLOAD_COLUMNS                                                                             \
        "upload_id, bucket, object_key, content_type, metadata, tags, checksum_kind, "             \
        "checksum_type, started_at_us, touched_at_us, remote, remote_id, completed_etag"
#define PART_COLUMNS "part_number, file, size_bytes, etag, checksum, modified_at_us"

static struct multipart borrow_upload(struct db_stmt *stmt)
{
        return (struct multipart){
                .upload_id = db_text(stmt, 0),
                .bucket = db_text(stmt, 1),
                .key = db_text(stmt, 2),
                .content_type = db_text(stmt, 3),
                .metadata = db_text(stmt, 4),
                .tags = db_text(stmt, 5),
                .checksum_kind = db_text(stmt, 6),
                .checksum_type = db_text(stmt, 7),
                .started_at_us = db_int(stmt, 8),
                .touched_at_us = db_int(stmt, 9),
                .remote = db_text(stmt, 10),
                .remote_id = db_text(stmt, 11),
                .completed_etag = db_text(stmt, 12),
                .part_bytes = db_int(stmt, 13),
        };
}

static enum err no_upload(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchUpload",
                           "The upload does not exist: the id may be wrong, or the upload was "
                           "aborted or completed");
}

enum err store_multipart_insert(struct ctx *ctx, const struct multipart *upload)
{
        static const char sql[] =
                "INSERT INTO multiparts (" UPLOAD_COLUMNS ") "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL)";

        return db_run(ctx, NULL, sql, "ttttttttiitt", upload->upload_id, upload->bucket,
                      upload->key, upload->content_type, upload->metadata, upload->tags,
                      upload->checksum_kind, upload->checksum_type, upload->started_at_us,
                      upload->touched_at_us, upload->remote ? upload->remote : "",
                      upload->remote_id ? upload->remote_id : "");
}

/* The first row of a statement, kept. */
static enum err one_upload(struct ctx *ctx, struct db_stmt *stmt, struct multipart *ret)
{
        struct multipart upload;
        const char **const texts[] = {
                &upload.upload_id,     &upload.bucket,        &upload.key,
                &upload.content_type,  &upload.metadata,      &upload.tags,
                &upload.checksum_kind, &upload.checksum_type, &upload.completed_etag,
                &upload.remote,        &upload.remote_id,
        };
        enum err rc = db_step(ctx, stmt);

        if (rc == ERR_NOT_FOUND)
                return no_upload(ctx);
        if (rc != OK)
                return rc;
        upload = borrow_upload(stmt);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
                if (rc != OK)
                        return rc;
        }
        *ret = upload;
        return OK;
}

enum err store_multipart_get(struct ctx *ctx, const char *upload_id, struct multipart *ret)
{
        static const char sql[] =
                "SELECT " UPLOAD_COLUMNS ", bytes FROM multiparts WHERE upload_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "t", upload_id);

        return rc == OK ? one_upload(ctx, stmt, ret) : rc;
}

static enum err forget_parts(struct ctx *ctx, const char *upload_id)
{
        static const char sql[] = "DELETE FROM parts WHERE upload_id = $1";

        return db_run(ctx, NULL, sql, "t", upload_id);
}

enum err store_multipart_complete(struct ctx *ctx, const char *upload_id, const char *etag)
{
        static const char sql[] =
                "UPDATE multiparts SET completed_etag = $2, touched_at_us = $3, bytes = 0 "
                "WHERE upload_id = $1 AND completed_etag IS NULL";
        int64_t changed = 0;
        enum err rc;

        rc = db_run(ctx, &changed, sql, "tti", upload_id, etag, clock_wall_us(ctx->clock));
        if (rc != OK)
                return rc;
        return changed > 0 ? forget_parts(ctx, upload_id) : no_upload(ctx);
}

/* The upload's row is changed first, as all do who change its parts: they wait for each other there
 * and nowhere else. */
enum err store_multipart_delete(struct ctx *ctx, const struct multipart *upload)
{
        static const char claim[] = "UPDATE multiparts SET bytes = 0 WHERE upload_id = $1 "
                                    "AND COALESCE(completed_etag, '') = $2";
        static const char sql[] = "DELETE FROM multiparts WHERE upload_id = $1";
        const char *etag = upload->completed_etag ? upload->completed_etag : "";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, claim, "tt", upload->upload_id, etag);

        if (rc == OK && changed == 0)
                return no_upload(ctx);
        if (rc == OK)
                rc = forget_parts(ctx, upload->upload_id);
        return rc == OK ? db_run(ctx, NULL, sql, "t", upload->upload_id) : rc;
}

/* File and size of a part as it is now. ERR_NOT_FOUND: it is not there yet. */
static enum err old_part(struct ctx *ctx, const char *upload_id, int64_t number, struct part *ret)
{
        static const char sql[] =
                "SELECT " PART_COLUMNS " FROM parts WHERE upload_id = $1 AND part_number = $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "ti", upload_id, number);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 1, &ret->file);
        if (rc == OK)
                ret->size_bytes = db_int(stmt, 2);
        return rc;
}

/* Changing the upload's row first makes parts of one upload wait for each other, and for its end.
 */
static enum err touch(struct ctx *ctx, const char *upload_id, int64_t more_bytes)
{
        static const char sql[] = "UPDATE multiparts SET bytes = bytes + $2, touched_at_us = $3 "
                                  "WHERE upload_id = $1 AND completed_etag IS NULL";
        int64_t changed = 0;
        enum err rc =
                db_run(ctx, &changed, sql, "tii", upload_id, more_bytes, clock_wall_us(ctx->clock));

        return rc == OK && changed == 0 ? no_upload(ctx) : rc;
}

enum err store_part_put(struct ctx *ctx, const char *upload_id, const struct part *part,
                        const char **ret_old_file)
{
        static const char sql[] =
                "INSERT INTO parts (upload_id, " PART_COLUMNS ") "
                "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (upload_id, part_number) "
                "DO UPDATE SET file = $3, size_bytes = $4, etag = $5, checksum = $6, "
                "modified_at_us = $7";
        struct part old = { .file = NULL };
        enum err rc;

        rc = touch(ctx, upload_id, part->size_bytes);
        if (rc != OK)
                return rc;
        rc = old_part(ctx, upload_id, part->number, &old);
        if (rc == OK)
                rc = touch(ctx, upload_id, -old.size_bytes);
        if (rc == OK || rc == ERR_NOT_FOUND)
                rc = db_run(ctx, NULL, sql, "tititti", upload_id, part->number, part->file,
                            part->size_bytes, part->etag, part->checksum, part->modified_at_us);
        if (rc == OK)
                *ret_old_file = old.file;
        return rc;
}

enum err store_parts_each(struct ctx *ctx, const struct part_range *range, part_row_fn *row,
                          void *arg)
{
        static const char sql[] =
                "SELECT " PART_COLUMNS " FROM parts WHERE upload_id = $1 AND part_number > $2 "
                "ORDER BY part_number LIMIT $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "tii", range->upload_id, range->after,
                      (int64_t)range->limit);
        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                const struct part part = {
                        .number = db_int(stmt, 0),
                        .file = db_text(stmt, 1),
                        .size_bytes = db_int(stmt, 2),
                        .etag = db_text(stmt, 3),
                        .checksum = db_text(stmt, 4),
                        .modified_at_us = db_int(stmt, 5),
                };

                row(arg, &part);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

static enum err each_upload(struct ctx *ctx, struct db_stmt *stmt, multipart_row_fn *row, void *arg)
{
        enum err rc;

        while ((rc = db_step(ctx, stmt)) == OK) {
                const struct multipart upload = borrow_upload(stmt);

                if (!row(arg, &upload))
                        return OK;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_multiparts_each(struct ctx *ctx, const struct multipart_range *range,
                               multipart_row_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT " UPLOAD_COLUMNS ", bytes FROM multiparts WHERE bucket = $1 "
                "AND object_key >= $2 AND object_key < $3 AND completed_etag IS NULL "
                "AND (object_key > $4 OR (object_key = $4 AND upload_id > $5)) "
                "ORDER BY object_key, upload_id LIMIT $6";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "ttttti", range->bucket, key_range_first(range->first),
                      key_range_end(range->end), key_range_first(range->after_key),
                      key_range_first(range->after_id), (int64_t)range->limit);
        return rc == OK ? each_upload(ctx, stmt, row, arg) : rc;
}

enum err store_multipart_stale(struct ctx *ctx, int64_t before_us, struct multipart *ret)
{
        static const char sql[] =
                "SELECT " UPLOAD_COLUMNS ", bytes FROM multiparts WHERE touched_at_us < $1 "
                "ORDER BY touched_at_us LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", before_us);

        return rc == OK ? one_upload(ctx, stmt, ret) : rc;
}

enum err store_multiparts_stale_each(struct ctx *ctx, int64_t before_us, multipart_row_fn *row,
                                     void *arg)
{
        static const char sql[] =
                "SELECT " UPLOAD_COLUMNS ", bytes FROM multiparts WHERE touched_at_us < $1 "
                "ORDER BY touched_at_us";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", before_us);

        return rc == OK ? each_upload(ctx, stmt, row, arg) : rc;
}
