#include "tests/fixture_storage.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((int64_t)(64 * KiB))

int fixture_storage_setup(void **state)
{
        fixture_cloud_setup(state);
        fixture_bucket_insert(*state, FIXTURE_BUCKET, "local");
        return 0;
}

void fixture_bucket_insert(struct ctx *ctx, const char *name, const char *owner)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *directory = arena_printf(ctx->arena, "outputs/%s", name);
        const struct bucket bucket = { .bucket = name,
                                       .created_at_us = 1,
                                       .owner = owner,
                                       .directory = fixture_path(ctx, directory) };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_bucket_insert(ctx, &bucket));
        assert_ok(ctx, db_commit(&tx));
}

enum err fixture_upload(struct ctx *ctx, const char *key, const char *text)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        const struct object_intent intent = { .bucket = FIXTURE_BUCKET,
                                              .key = key,
                                              .size = (int64_t)strlen(text) };
        struct object object;
        enum err rc = object_upload_begin(ctx, &intent, &upload);

        if (rc == OK)
                rc = object_upload_write(ctx, upload, text, strlen(text));
        return rc == OK ? object_upload_finish(ctx, upload, NULL, &object) : rc;
}

const char *fixture_object_text(struct ctx *ctx, const char *key)
{
        struct object_file file;
        char *text;
        enum err rc = object_open(ctx, FIXTURE_BUCKET, key, &file);

        if (rc == ERR_NOT_FOUND)
                return NULL;
        assert_ok(ctx, rc);
        text = arena_alloc(ctx->arena, (size_t)file.object.size_bytes + 1);
        assert_non_null(text);
        assert_int_equal(read(file.fd, text, (size_t)file.object.size_bytes + 1),
                         file.object.size_bytes);
        text[file.object.size_bytes] = '\0';
        close(file.fd);
        return text;
}

static unsigned files_seen;

static int count_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)path;
        (void)st;
        (void)ftw;
        files_seen += type != FTW_D;
        return 0;
}

unsigned fixture_count_files(struct ctx *ctx, const char *name)
{
        files_seen = 0;
        nftw(fixture_path(ctx, name), count_file, 16, FTW_PHYS);
        return files_seen;
}

const char *fixture_multipart(struct ctx *ctx, const char *key)
{
        const struct multipart announced = { .bucket = FIXTURE_BUCKET,
                                             .key = key,
                                             .metadata = "{}",
                                             .tags = "{}",
                                             .checksum_kind = "",
                                             .checksum_type = "" };
        const char *id;

        assert_ok(ctx, multipart_create(ctx, &announced, &id));
        return id;
}

enum err fixture_part(struct ctx *ctx, const struct part_intent *intent, char c, struct part *ret)
{
        CLEANUP(part_upload_freep) struct part_upload *upload = NULL;
        char chunk[CHUNK];
        enum err rc = part_upload_begin(ctx, intent, &upload);

        memset(chunk, c, sizeof(chunk));
        for (int64_t left = intent->size; rc == OK && left > 0; left -= CHUNK)
                rc = part_upload_write(ctx, upload, chunk, (size_t)(left < CHUNK ? left : CHUNK));
        return rc == OK ? part_upload_finish(ctx, upload, NULL, ret) : rc;
}
