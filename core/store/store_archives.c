#include "core/store/store_archives.h"

#include <string.h>

#include "core/db/db.h"

static const char *const state_names[] = { "waiting", "done", "failed" };

const char *archive_state_name(enum archive_state state)
{
        return state_names[state];
}

enum err store_archive_insert(struct ctx *ctx, const char *job_id)
{
        static const char sql[] =
                "INSERT INTO archives (job_id, state, run_at_us) "
                "SELECT job_id, 'waiting', CAST($2 AS BIGINT) FROM jobs WHERE job_id = $1 "
                "AND external_id IS NOT NULL AND status IN ('completed', 'failed', 'cancelled') "
                "ON CONFLICT (job_id) DO NOTHING";

        return db_run(ctx, NULL, sql, "ti", job_id, clock_wall_us(ctx->clock));
}

enum err store_archive_again(struct ctx *ctx, const char *job_id)
{
        static const char sql[] =
                "INSERT INTO archives (job_id, state, run_at_us) VALUES ($1, 'waiting', $2) "
                "ON CONFLICT (job_id) DO UPDATE SET state = 'waiting', run_at_us = $2, "
                "attempts = 0, error = NULL, finished_at_us = NULL";

        return db_run(ctx, NULL, sql, "ti", job_id, clock_wall_us(ctx->clock));
}

enum err store_archive_get(struct ctx *ctx, const char *job_id, struct archive *ret)
{
        static const char sql[] = "SELECT state, run_at_us, attempts, files, bytes, error, "
                                  "finished_at_us FROM archives WHERE job_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct archive archive = { .state = ARCHIVE_WAITING };
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", job_id);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_FOUND, "No results of this job are fetched");
        if (rc != OK)
                return rc;
        for (unsigned i = 0; i < ARRAY_SIZE(state_names); i++) {
                if (strcmp(db_text(stmt, 0), state_names[i]) == 0)
                        archive.state = (enum archive_state)i;
        }
        archive.run_at_us = db_int(stmt, 1);
        archive.attempts = db_int(stmt, 2);
        archive.files = db_int(stmt, 3);
        archive.bytes = db_int(stmt, 4);
        archive.finished_at_us = db_int(stmt, 6);
        rc = db_text_dup(ctx, stmt, 5, &archive.error);
        if (rc == OK)
                *ret = archive;
        return rc;
}

enum err store_archive_delete(struct ctx *ctx, const char *job_id)
{
        static const char files[] = "DELETE FROM archive_files WHERE job_id = $1";
        static const char archive[] = "DELETE FROM archives WHERE job_id = $1";
        enum err rc = db_run(ctx, NULL, files, "t", job_id);

        return rc == OK ? db_run(ctx, NULL, archive, "t", job_id) : rc;
}

enum err store_archive_next(struct ctx *ctx, const struct due *due, const char **ret_job_id)
{
        static const char sql[] =
                "SELECT job_id FROM archives WHERE " CLAIMABLE_SQL " ORDER BY run_at_us LIMIT 1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "ii", due->now_us, due->horizon_us);
        return rc == OK ? db_text_dup(ctx, stmt, 0, ret_job_id) : rc;
}

enum err store_archive_claim(struct ctx *ctx, const struct due *due, struct archive_claim *claim)
{
        static const char sql[] = "UPDATE archives SET claimed_until_us = $4, "
                                  "attempts = attempts + 1 WHERE job_id = $3 AND " CLAIMABLE_SQL
                                  " RETURNING attempts";

        return db_number(ctx, &claim->attempt, sql, "iiti", due->now_us, due->horizon_us,
                         claim->job_id, claim->until_us);
}

enum err store_archive_renew(struct ctx *ctx, const struct archive_claim *claim, int64_t until_us)
{
        static const char sql[] = "UPDATE archives SET claimed_until_us = $3 "
                                  "WHERE job_id = $1 AND claimed_until_us = $2";
        int64_t changed;
        enum err rc = db_run(ctx, &changed, sql, "tii", claim->job_id, claim->until_us, until_us);

        if (rc == OK && changed == 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "another process has taken this job over");
        return rc;
}

enum err store_archive_settle(struct ctx *ctx, const struct archive_claim *claim,
                              const struct archive *archive)
{
        static const char sql[] =
                "UPDATE archives SET claimed_until_us = 0, state = $3, run_at_us = $4, "
                "attempts = $5, files = $6, bytes = $7, error = $8, finished_at_us = $9 "
                "WHERE job_id = $1 AND claimed_until_us = $2";

        return db_run(ctx, NULL, sql, "titziiitz", claim->job_id, claim->until_us,
                      archive_state_name(archive->state), archive->run_at_us, archive->attempts,
                      archive->files, archive->bytes, archive->error, archive->finished_at_us);
}

enum err store_archive_file_add(struct ctx *ctx, const char *job_id, const char *key,
                                const char *url)
{
        static const char sql[] =
                "INSERT INTO archive_files (job_id, object_key, url) VALUES ($1, $2, $3) "
                "ON CONFLICT (job_id, object_key) DO UPDATE SET url = $3, "
                "etag = CASE WHEN archive_files.url = $3 THEN archive_files.etag END, "
                "done = CASE WHEN archive_files.url = $3 THEN archive_files.done ELSE 0 END";

        return db_run(ctx, NULL, sql, "ttt", job_id, key, url);
}

enum err store_archive_file_update(struct ctx *ctx, const char *job_id,
                                   const struct archive_file *file)
{
        static const char sql[] = "UPDATE archive_files SET etag = $3, size_bytes = $4, "
                                  "sha256 = $5, done = $6 WHERE job_id = $1 AND object_key = $2";

        return db_run(ctx, NULL, sql, "tttiti", job_id, file->key, file->etag, file->size_bytes,
                      file->sha256, (int64_t)file->done);
}

static enum err read_file(struct ctx *ctx, struct db_stmt *stmt, struct archive_file *ret)
{
        const char **const texts[] = { &ret->key, &ret->url, &ret->etag, &ret->sha256 };
        enum err rc = OK;

        for (unsigned i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = db_text_dup(ctx, stmt, i, texts[i]);
        ret->size_bytes = db_int(stmt, 4);
        ret->done = db_int(stmt, 5) != 0;
        return rc;
}

enum err store_archive_files(struct ctx *ctx, const char *job_id, unsigned limit,
                             struct archive_file **ret_files, size_t *ret_count)
{
        static const char sql[] =
                "SELECT object_key, url, etag, sha256, size_bytes, done FROM archive_files "
                "WHERE job_id = $1 ORDER BY object_key LIMIT $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct archive_file *files = arena_alloc(ctx->arena, limit * sizeof(*files));
        size_t count = 0;
        enum err rc;

        if (!files)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "ti", job_id, (int64_t)limit);
        while (rc == OK && (rc = db_step(ctx, stmt)) == OK)
                rc = read_file(ctx, stmt, &files[count++]);
        if (rc != ERR_NOT_FOUND)
                return rc;
        *ret_files = files;
        *ret_count = count;
        return OK;
}
