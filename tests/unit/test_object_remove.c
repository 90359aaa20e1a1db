#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cloud/storage/object_store.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_job.h"
#include "tests/fixture_storage.h"

#define OUTPUTS "outputs/" FIXTURE_BUCKET

static bool is_there(struct ctx *ctx, const char *name)
{
        return access(fixture_path(ctx, name), F_OK) == 0;
}

static void a_removed_object_is_gone_with_its_empty_directories(void **state)
{
        struct ctx *ctx = *state;
        struct bucket bucket;

        assert_ok(ctx, fixture_upload(ctx, "a/b/c/one", "1"));
        assert_ok(ctx, fixture_upload(ctx, "a/two", "22"));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "a/b/c/one"));
        assert_null(fixture_object_text(ctx, "a/b/c/one"));
        assert_false(is_there(ctx, OUTPUTS "/a/b"));
        assert_true(is_there(ctx, OUTPUTS "/a/two"));
        assert_ok(ctx, store_bucket_get(ctx, FIXTURE_BUCKET, &bucket));
        assert_true(bucket.files == 1 && bucket.bytes == 2);
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "a/two"));
        assert_false(is_there(ctx, OUTPUTS "/a"));
        assert_true(is_there(ctx, OUTPUTS));
}

static void removing_what_is_not_there_is_fine(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, fixture_upload(ctx, "dir/a", "1"));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "dir"));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "dir/"));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "dir/b"));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "dir/a/b"));
        assert_string_equal(fixture_object_text(ctx, "dir/a"), "1");
        assert_rc(ctx, ERR_NOT_FOUND, object_remove(ctx, "nowhere", "dir/a"));
        assert_rc(ctx, ERR_INVALID, object_remove(ctx, FIXTURE_BUCKET, "../dir/a"));
}

static void a_key_with_a_slash_at_its_end_is_an_object_of_its_own(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, fixture_upload(ctx, "dir/", "d"));
        assert_ok(ctx, fixture_upload(ctx, "dir/a", "a"));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "dir/"));
        assert_null(fixture_object_text(ctx, "dir/"));
        assert_string_equal(fixture_object_text(ctx, "dir/a"), "a");
}

static void a_row_whose_file_is_gone_can_be_removed(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, fixture_upload(ctx, "a/b", "1"));
        assert_int_equal(unlink(fixture_path(ctx, OUTPUTS "/a/b")), 0);
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "a/b"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM objects"), 0);
        assert_int_equal(fixture_number(ctx, "SELECT files FROM buckets"), 0);
}

/* Readers keep what they have opened. */
static void a_reader_keeps_what_was_removed(void **state)
{
        struct ctx *ctx = *state;
        struct object_file file;
        char text[8] = "";

        assert_ok(ctx, fixture_upload(ctx, "a", "whole"));
        assert_ok(ctx, object_open(ctx, FIXTURE_BUCKET, "a", &file));
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "a"));
        assert_int_equal(read(file.fd, text, sizeof(text) - 1), 5);
        close(file.fd);
        assert_string_equal(text, "whole");
}

static bool write_and_remove(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (unsigned i = 0; i < 15; i++) {
                enum err rc = index % 2 ? object_remove(ctx, FIXTURE_BUCKET, "deep/er/key")
                                        : fixture_upload(ctx, "deep/er/key", "text");

                /* Whose file was replaced, and the other removed, before its row: come again. */
                if (rc != OK && rc != ERR_UNAVAILABLE)
                        return false;
        }
        return true;
}

static void writers_and_removers_of_one_key_leave_row_and_file_or_neither(void **state)
{
        struct ctx *ctx = *state;
        int64_t rows;

        fixture_threads(ctx, 6, write_and_remove, NULL);
        rows = fixture_number(ctx, "SELECT COUNT(*) FROM objects");
        assert_int_equal(rows, is_there(ctx, OUTPUTS "/deep/er/key"));
        assert_int_equal(fixture_number(ctx, "SELECT files FROM buckets"), rows);
        assert_int_equal(fixture_number(ctx, "SELECT bytes FROM buckets"), 4 * rows);
}

static void a_job_that_ended_removes_nothing(void **state)
{
        struct ctx *ctx = *state;
        const struct job job = fixture_job_inserted(ctx, 1);

        assert_ok(ctx, fixture_upload(ctx, "a", "1"));
        fixture_job_apply(ctx, &job, (struct job_news){ .status = JOB_CANCELLED });
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = job.job_id };
        assert_rc(ctx, ERR_UNAUTHENTICATED, object_remove(ctx, FIXTURE_BUCKET, "a"));
        assert_string_equal(fixture_object_text(ctx, "a"), "1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(a_removed_object_is_gone_with_its_empty_directories),
                FIXTURE_STORAGE_TEST(removing_what_is_not_there_is_fine),
                FIXTURE_STORAGE_TEST(a_key_with_a_slash_at_its_end_is_an_object_of_its_own),
                FIXTURE_STORAGE_TEST(a_row_whose_file_is_gone_can_be_removed),
                FIXTURE_STORAGE_TEST(a_reader_keeps_what_was_removed),
                FIXTURE_STORAGE_TEST(writers_and_removers_of_one_key_leave_row_and_file_or_neither),
                FIXTURE_STORAGE_TEST(a_job_that_ended_removes_nothing),
        };

        return FIXTURE_RUN("removing objects", tests);
}
