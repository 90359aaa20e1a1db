#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/storage/bucket.h"
#include "core/cloud/storage/object_store.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_job.h"
#include "tests/fixture_storage.h"

#define BUCKET "01hm3v00000000000000000001"

static int setup(void **state)
{
        fixture_cloud_setup(state);
        fixture_bucket_insert(*state, BUCKET, "");
        return 0;
}

static enum err begin(struct ctx *ctx, const char *key, int64_t size, struct object_upload **ret)
{
        const struct object_intent intent = { .bucket = BUCKET, .key = key, .size = size };

        return object_upload_begin(ctx, &intent, ret);
}

static enum err try_upload(struct ctx *ctx, const char *key, const char *text)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct object object;
        enum err rc;

        rc = begin(ctx, key, (int64_t)strlen(text), &upload);
        if (rc == OK)
                rc = object_upload_write(ctx, upload, text, strlen(text));
        return rc == OK ? object_upload_finish(ctx, upload, NULL, &object) : rc;
}

static const char *file_of(struct ctx *ctx, const char *key)
{
        return arena_printf(ctx->arena, "outputs/" BUCKET "/%s", key);
}

/* The object's bytes and row, as a reader gets them; *ret_text is in the arena. */
static struct object opened(struct ctx *ctx, const char *key, const char **ret_text)
{
        char *text = arena_alloc(ctx->arena, 4096);
        struct object_file file;

        assert_ok(ctx, object_open(ctx, BUCKET, key, &file));
        assert_int_equal(read(file.fd, text, 4095), file.object.size_bytes);
        assert_string_equal(file.path, fixture_path(ctx, file_of(ctx, key)));
        close(file.fd);
        *ret_text = text;
        return file.object;
}

static unsigned files_in(const char *directory)
{
        DIR *stream = opendir(directory);
        unsigned count = 0;

        if (!stream)
                return 0;
        for (const struct dirent *entry; (entry = readdir(stream));)
                count += entry->d_name[0] != '.';
        closedir(stream);
        return count;
}

/* Nothing is on its way: no temporary file, no row. */
static void assert_no_trace(struct ctx *ctx)
{
        struct uploads_in_flight uploads = { .count = -1 };

        assert_int_equal(files_in(fixture_path(ctx, "outputs/.incoming")), 0);
        assert_ok(ctx, store_uploads_in_flight(ctx, BUCKET, &uploads));
        assert_int_equal(uploads.count, 0);
}

static void an_upload_reads_back_with_its_hashes(void **state)
{
        struct ctx *ctx = *state;
        struct object object;
        const char *text;

        assert_ok(ctx, try_upload(ctx, "dir/hello.txt", "hello world"));
        object = opened(ctx, "dir/hello.txt", &text);
        assert_string_equal(text, "hello world");
        assert_string_equal(object.etag, "5eb63bbbe01eeed093cb22bb8f5acdc3");
        assert_string_equal(object.sha256,
                            "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ac"
                            "e2efcde9");
        assert_string_equal(object.content_type, "text/plain; charset=utf-8");
        assert_true(object.modified_at_us == FIXTURE_TIME_US);
        assert_no_trace(ctx);
}

static void an_empty_object_is_an_object(void **state)
{
        struct ctx *ctx = *state;
        const char *text;

        assert_ok(ctx, try_upload(ctx, "empty", ""));
        assert_int_equal(opened(ctx, "empty", &text).size_bytes, 0);
        assert_string_equal(opened(ctx, "empty", &text).etag, "d41d8cd98f00b204e9800998ecf8427e");
}

static void the_type_a_client_gives_is_kept_unless_it_says_nothing(void **state)
{
        static const char *const cases[][2] = {
                { "application/x-model", "application/x-model" },
                { "", "application/json" },
                { "application/x-www-form-urlencoded", "application/json" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
                const struct object_intent intent = { .bucket = BUCKET,
                                                      .key = "a.json",
                                                      .content_type = cases[i][0] };
                struct object object;

                assert_ok(ctx, object_upload_begin(ctx, &intent, &upload));
                assert_ok(ctx, object_upload_finish(ctx, upload, NULL, &object));
                assert_string_equal(object.content_type, cases[i][1]);
        }
}

static void a_second_upload_replaces_the_first(void **state)
{
        struct bucket bucket;
        struct ctx *ctx = *state;
        const char *text;

        assert_ok(ctx, try_upload(ctx, "a", "first, and longer"));
        assert_ok(ctx, try_upload(ctx, "a", "second"));
        opened(ctx, "a", &text);
        assert_string_equal(text, "second");
        assert_ok(ctx, store_bucket_get(ctx, BUCKET, &bucket));
        assert_true(bucket.files == 1 && bucket.bytes == 6);
        assert_no_trace(ctx);
}

static void a_reader_keeps_the_version_it_opened(void **state)
{
        struct ctx *ctx = *state;
        struct object_file file;
        char text[8] = "";

        assert_ok(ctx, try_upload(ctx, "a", "first"));
        assert_ok(ctx, object_open(ctx, BUCKET, "a", &file));
        assert_ok(ctx, try_upload(ctx, "a", "second"));
        assert_int_equal(read(file.fd, text, sizeof(text) - 1), 5);
        close(file.fd);
        assert_string_equal(text, "first");
}

static void an_upload_that_is_given_up_leaves_nothing(void **state)
{
        static const int64_t expected[] = { -1, 5, 2 * MiB };
        struct ctx *ctx = *state;
        struct object_file file;

        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                struct object_upload *upload = NULL;

                assert_ok(ctx, begin(ctx, "new/a", expected[i], &upload));
                assert_ok(ctx, object_upload_write(ctx, upload, "hello", 5));
                assert_int_equal(files_in(fixture_path(ctx, "outputs/.incoming")), 1);
                object_upload_free(upload);
                assert_no_trace(ctx);
                assert_int_not_equal(access(fixture_path(ctx, "outputs/" BUCKET "/new"), F_OK), 0);
                assert_rc(ctx, ERR_NOT_FOUND, object_open(ctx, BUCKET, "new/a", &file));
        }
}

static void a_large_upload_shows_while_it_is_on_its_way(void **state)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct ctx *ctx = *state;
        struct object object;
        struct uploads_in_flight uploads = { .count = -1 };

        assert_ok(ctx, begin(ctx, "a", 2 * MiB, &upload));
        assert_ok(ctx, store_uploads_in_flight(ctx, BUCKET, &uploads));
        assert_int_equal(uploads.count, 1);
        assert_ok(ctx, object_upload_write(ctx, upload, "x", 1));
        assert_ok(ctx, object_upload_finish(ctx, upload, NULL, &object));
        assert_no_trace(ctx);
}

static void limits_are_kept_before_and_during_an_upload(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->max_object_bytes = 10;
        assert_ok(ctx, try_upload(ctx, "a", "0123456789"));
        assert_rc(ctx, ERR_TOO_LARGE, try_upload(ctx, "b", "0123456789x"));
        {
                CLEANUP(object_upload_freep) struct object_upload *upload = NULL;

                assert_ok(ctx, begin(ctx, "b", -1, &upload));
                assert_ok(ctx, object_upload_write(ctx, upload, "0123456789", 10));
                assert_rc(ctx, ERR_TOO_LARGE, object_upload_write(ctx, upload, "x", 1));
        }
        fixture_config(ctx)->max_object_bytes = 64 * MiB;
        fixture_config(ctx)->min_free_bytes = UINT64_C(1) << 60;
        assert_rc(ctx, ERR_NO_SPACE, try_upload(ctx, "b", "x"));
        assert_no_trace(ctx);
}

static void what_cannot_be_uploaded_says_why(void **state)
{
        const struct object_intent nowhere = { .bucket = "nowhere", .key = "a" };
        struct object_upload *upload = NULL;
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_INVALID, try_upload(ctx, "../a", "x"));
        assert_rc(ctx, ERR_NOT_FOUND, object_upload_begin(ctx, &nowhere, &upload));
        assert_ok(ctx, try_upload(ctx, "a", "x"));
        assert_rc(ctx, ERR_CONFLICT, try_upload(ctx, "a/b", "x"));
        assert_ok(ctx, try_upload(ctx, "dir/b", "x"));
        assert_rc(ctx, ERR_CONFLICT, try_upload(ctx, "dir", "x"));
        assert_null(upload);
        assert_no_trace(ctx);
}

static void a_refused_upload_leaves_the_old_object_whole(void **state)
{
        struct ctx *ctx = *state;
        struct bucket bucket;
        struct object object;
        const char *text;

        assert_ok(ctx, try_upload(ctx, "dir/b", "old"));
        assert_rc(ctx, ERR_CONFLICT, try_upload(ctx, "dir", "x"));
        assert_rc(ctx, ERR_NOT_FOUND, store_object_get(ctx, BUCKET, "dir", &object));
        opened(ctx, "dir/b", &text);
        assert_string_equal(text, "old");
        assert_ok(ctx, store_bucket_get(ctx, BUCKET, &bucket));
        assert_true(bucket.files == 1 && bucket.bytes == 3);
}

/* What a crash between the file and its row leaves: the new file, the old row. */
static void replace_file_only(struct ctx *ctx, const char *key, const char *text)
{
        const struct timespec later[2] = { { .tv_sec = 2000000000 }, { .tv_sec = 2000000000 } };
        const char *path = fixture_write(ctx, "new", text);

        assert_int_equal(utimensat(AT_FDCWD, path, later, 0), 0);
        assert_int_equal(rename(path, fixture_path(ctx, file_of(ctx, key))), 0);
}

static void a_row_that_missed_its_file_is_mended_when_it_is_read(void **state)
{
        struct ctx *ctx = *state;
        struct object read, row;
        struct bucket bucket;
        const char *text;

        assert_ok(ctx, try_upload(ctx, "a.txt", "before"));
        replace_file_only(ctx, "a.txt", "after!");
        read = opened(ctx, "a.txt", &text);
        assert_string_equal(text, "after!");
        assert_int_equal(read.size_bytes, 6);
        assert_string_equal(read.etag, "96a6cfe050c4063265b7b2e3b87b97b5");
        assert_ok(ctx, store_object_get(ctx, BUCKET, "a.txt", &row));
        assert_string_equal(row.etag, read.etag);
        assert_string_equal(row.sha256, read.sha256);
        assert_true(row.file_mtime_ns == INT64_C(2000000000000000000));
        assert_ok(ctx, store_bucket_get(ctx, BUCKET, &bucket));
        assert_true(bucket.files == 1 && bucket.bytes == 6);
}

static void an_object_whose_file_is_gone_or_no_file_is_not_found(void **state)
{
        struct ctx *ctx = *state;
        struct object_file file;

        assert_ok(ctx, try_upload(ctx, "gone", "x"));
        assert_ok(ctx, try_upload(ctx, "link", "x"));
        assert_int_equal(unlink(fixture_path(ctx, file_of(ctx, "gone"))), 0);
        assert_int_equal(unlink(fixture_path(ctx, file_of(ctx, "link"))), 0);
        assert_int_equal(symlink("/etc/passwd", fixture_path(ctx, file_of(ctx, "link"))), 0);
        assert_rc(ctx, ERR_NOT_FOUND, object_open(ctx, BUCKET, "gone", &file));
        assert_rc(ctx, ERR_NOT_FOUND, object_open(ctx, BUCKET, "link", &file));
}

static void insert_job(struct ctx *ctx, const struct job *job)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx,
                  store_job_insert(ctx, job, &(struct job_secrets){ .token_sha256 = "token" }));
        assert_ok(ctx, db_commit(&tx));
}

static void a_job_that_ended_meanwhile_keeps_nothing(void **state)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        const struct job_news end = { .status = JOB_CANCELLED };
        struct ctx *ctx = *state;
        struct job job = fixture_job(ctx, 1);
        struct object object;
        bool moved;

        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = BUCKET };
        job.job_id = BUCKET;
        insert_job(ctx, &job);
        assert_ok(ctx, begin(ctx, "a", 1, &upload));
        assert_ok(ctx, object_upload_write(ctx, upload, "x", 1));
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, store_job_apply(ctx, &job, &end, &moved, NULL));
                assert_ok(ctx, db_commit(&tx));
        }
        assert_rc(ctx, ERR_UNAUTHENTICATED, object_upload_finish(ctx, upload, NULL, &object));
        object_upload_free(TAKE(upload));
        assert_no_trace(ctx);
        assert_rc(ctx, ERR_NOT_FOUND, store_object_get(ctx, BUCKET, "a", &object));
        assert_int_not_equal(access(fixture_path(ctx, file_of(ctx, "a")), F_OK), 0);
}

/* What a process that died while uploading leaves. */
static void leave_dead_upload(struct ctx *ctx, const char *file)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        fixture_write(ctx, arena_printf(ctx->arena, "outputs/.incoming/%s", file), "half");
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_upload_insert(ctx, file, BUCKET, "k"));
        assert_ok(ctx, db_commit(&tx));
}

static void a_sweep_removes_what_the_dead_left_and_nothing_of_the_living(void **state)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct ctx *ctx = *state;
        struct object object;
        struct uploads_in_flight uploads = { .count = -1 };
        unsigned swept = 42;

        assert_ok(ctx, object_store_sweep(ctx, &swept)); /* there is no directory yet */
        assert_int_equal(swept, 0);
        assert_ok(ctx, begin(ctx, "a", -1, &upload));
        leave_dead_upload(ctx, "dead1");
        leave_dead_upload(ctx, "dead2");
        assert_ok(ctx, object_store_sweep(ctx, &swept));
        assert_int_equal(swept, 2);
        assert_int_equal(files_in(fixture_path(ctx, "outputs/.incoming")), 1);
        assert_ok(ctx, store_uploads_in_flight(ctx, BUCKET, &uploads));
        assert_int_equal(uploads.count, 1);
        assert_ok(ctx, object_upload_write(ctx, upload, "x", 1));
        assert_ok(ctx, object_upload_finish(ctx, upload, NULL, &object));
        assert_no_trace(ctx);
}

static void a_sweep_removes_a_row_whose_file_is_gone(void **state)
{
        struct ctx *ctx = *state;
        unsigned swept;

        assert_ok(ctx, try_upload(ctx, "a", "x"));
        leave_dead_upload(ctx, "dead1");
        assert_int_equal(unlink(fixture_path(ctx, "outputs/.incoming/dead1")), 0);
        fixture_advance_us(ctx, 8 * 86400 * US_PER_S);
        assert_ok(ctx, object_store_sweep(ctx, &swept));
        assert_no_trace(ctx);
}

static void a_sweep_reaches_buckets_outside_the_home(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct bucket other = { .bucket = "other", .created_at_us = 2 };
        struct ctx *ctx = *state;
        unsigned swept = 0;

        other.directory = fixture_path(ctx, "elsewhere/other");
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_bucket_insert(ctx, &other));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(mkdir(fixture_path(ctx, "elsewhere"), 0700), 0);
        assert_int_equal(mkdir(fixture_path(ctx, "elsewhere/.incoming"), 0700), 0);
        fixture_write(ctx, "elsewhere/.incoming/dead", "half");
        assert_ok(ctx, object_store_sweep(ctx, &swept));
        assert_int_equal(swept, 1);
        assert_int_equal(files_in(fixture_path(ctx, "elsewhere/.incoming")), 0);
}

static bool upload_same_key(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (int i = 0; i < 10; i++) {
                char text[32];

                snprintf(text, sizeof(text), "%.*s", 1 + (int)index, "0123456789");
                if (try_upload(ctx, "deep/shared", text) != OK)
                        return false;
        }
        return true;
}

static void uploads_of_one_key_at_once_leave_one_of_them_whole(void **state)
{
        struct ctx *ctx = *state;
        struct object object;
        struct bucket bucket;
        const char *text;

        fixture_threads(ctx, 8, upload_same_key, NULL);
        object = opened(ctx, "deep/shared", &text);
        assert_int_equal(strlen(text), object.size_bytes);
        assert_memory_equal(text, "0123456789", strlen(text));
        assert_ok(ctx, store_bucket_get(ctx, BUCKET, &bucket));
        assert_true(bucket.files == 1 && bucket.bytes == object.size_bytes);
        assert_no_trace(ctx);
}

struct names {
        char names[4][32];
        unsigned count;
};

static void take_bucket(void *arg, const struct bucket *bucket)
{
        struct names *names = arg;

        snprintf(names->names[names->count++], 32, "%s", bucket->bucket);
}

static void a_job_sees_its_own_bucket_only(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct bucket other = { .bucket = "other", .directory = "/x", .created_at_us = 2 };
        struct names all = { .count = 0 }, own = { .count = 0 }, none = { .count = 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_bucket_insert(ctx, &other));
        assert_ok(ctx, db_commit(&tx));
        assert_ok(ctx, bucket_each_newest(ctx, 4, take_bucket, &all));
        assert_int_equal(all.count, 2);
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = BUCKET };
        assert_ok(ctx, bucket_each_newest(ctx, 4, take_bucket, &own));
        assert_int_equal(own.count, 1);
        assert_string_equal(own.names[0], BUCKET);
        ctx->actor.job_id = "01hm3v00000000000000000002";
        assert_ok(ctx, bucket_each_newest(ctx, 4, take_bucket, &none));
        assert_int_equal(none.count, 0);
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_upload_reads_back_with_its_hashes),
                TEST(an_empty_object_is_an_object),
                TEST(the_type_a_client_gives_is_kept_unless_it_says_nothing),
                TEST(a_second_upload_replaces_the_first),
                TEST(a_reader_keeps_the_version_it_opened),
                TEST(an_upload_that_is_given_up_leaves_nothing),
                TEST(a_large_upload_shows_while_it_is_on_its_way),
                TEST(limits_are_kept_before_and_during_an_upload),
                TEST(what_cannot_be_uploaded_says_why),
                TEST(a_refused_upload_leaves_the_old_object_whole),
                TEST(a_row_that_missed_its_file_is_mended_when_it_is_read),
                TEST(an_object_whose_file_is_gone_or_no_file_is_not_found),
                TEST(a_job_that_ended_meanwhile_keeps_nothing),
                TEST(a_sweep_removes_what_the_dead_left_and_nothing_of_the_living),
                TEST(a_sweep_removes_a_row_whose_file_is_gone),
                TEST(a_sweep_reaches_buckets_outside_the_home),
                TEST(uploads_of_one_key_at_once_leave_one_of_them_whole),
                TEST(a_job_sees_its_own_bucket_only),
        };

        return FIXTURE_RUN("object store", tests);
}
