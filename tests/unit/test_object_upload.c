/* Uploads that are resumed; all others are in test_object_store.c. */
#include <string.h>
#include <unistd.h>

#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_store.h"
#include "core/cloud/storage/object_temp.h"
#include "tests/fixture_storage.h"

#define BUCKET "01hm3v00000000000000000001"
#define KEY    "archive/outputs/a.txt"

static int setup(void **state)
{
        fixture_cloud_setup(state);
        fixture_bucket_insert(*state, BUCKET, "");
        return 0;
}

static enum err count_call(struct ctx *ctx, void *arg, const struct object *object)
{
        unsigned *calls = arg;

        (*calls)++;
        return object->size_bytes == 11 ? OK : ctx_fail(ctx, ERR_INTERNAL, "another size");
}

static struct object_upload *resume(struct ctx *ctx, unsigned *calls)
{
        const struct object_intent intent = {
                .bucket = BUCKET,
                .key = KEY,
                .size = -1,
                .resume = true,
                .also = calls ? count_call : NULL,
                .arg = calls,
        };
        struct object_upload *upload;

        assert_ok(ctx, object_upload_begin(ctx, &intent, &upload));
        return upload;
}

static void leave_a_part(struct ctx *ctx, const char *text)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = resume(ctx, NULL);

        assert_ok(ctx, object_upload_write(ctx, upload, text, strlen(text)));
}

static void an_upload_goes_on_where_it_stopped(void **state)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct ctx *ctx = *state;
        unsigned calls = 0;
        struct object object;

        leave_a_part(ctx, "hello ");
        assert_rc(ctx, ERR_NOT_FOUND, store_object_get(ctx, BUCKET, KEY, &object));
        upload = resume(ctx, &calls);
        assert_true(object_upload_size(upload) == 6);
        assert_ok(ctx, object_upload_write(ctx, upload, "world", 5));
        assert_ok(ctx, object_upload_finish(ctx, upload, NULL, &object));
        assert_int_equal(calls, 1);
        assert_string_equal(object.etag, "5eb63bbbe01eeed093cb22bb8f5acdc3");
        assert_string_equal(fixture_read(ctx, "outputs/" BUCKET "/" KEY), "hello world");
}

static void an_upload_may_start_over(void **state)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct ctx *ctx = *state;
        struct object object;

        leave_a_part(ctx, "something else");
        upload = resume(ctx, NULL);
        assert_ok(ctx, object_upload_restart(ctx, upload));
        assert_true(object_upload_size(upload) == 0);
        assert_ok(ctx, object_upload_write(ctx, upload, "hello world", 11));
        assert_ok(ctx, object_upload_finish(ctx, upload, NULL, &object));
        assert_string_equal(object.etag, "5eb63bbbe01eeed093cb22bb8f5acdc3");
        assert_string_equal(fixture_read(ctx, "outputs/" BUCKET "/" KEY), "hello world");
}

static void two_never_resume_one_upload(void **state)
{
        const struct object_intent intent = { .bucket = BUCKET, .key = KEY, .resume = true };
        CLEANUP(object_upload_freep) struct object_upload *second = NULL;
        struct ctx *ctx = *state;

        {
                CLEANUP(object_upload_freep) struct object_upload *first = resume(ctx, NULL);

                assert_rc(ctx, ERR_CONFLICT, object_upload_begin(ctx, &intent, &second));
                assert_null(second);
                assert_true(object_upload_size(first) == 0);
        }
        assert_ok(ctx, object_upload_begin(ctx, &intent, &second));
}

static void a_refused_transaction_keeps_the_bytes(void **state)
{
        struct ctx *ctx = *state;
        unsigned calls = 0;
        struct object object;

        {
                CLEANUP(object_upload_freep) struct object_upload *upload = resume(ctx, &calls);

                assert_ok(ctx, object_upload_write(ctx, upload, "hello", 5));
                assert_rc(ctx, ERR_INTERNAL, object_upload_finish(ctx, upload, NULL, &object));
        }
        assert_int_equal(calls, 1);
        assert_rc(ctx, ERR_NOT_FOUND, store_object_get(ctx, BUCKET, KEY, &object));
        {
                CLEANUP(object_upload_freep) struct object_upload *upload = resume(ctx, &calls);

                assert_true(object_upload_size(upload) == 5);
        }
}

static void what_will_be_too_large_is_refused_before_it_comes(void **state)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct ctx *ctx = *state;

        fixture_config(ctx)->max_object_bytes = 100;
        upload = resume(ctx, NULL);
        assert_ok(ctx, object_upload_expect(ctx, upload, 100));
        assert_rc(ctx, ERR_TOO_LARGE, object_upload_expect(ctx, upload, 101));
        fixture_config(ctx)->min_free_bytes = UINT64_MAX / 2;
        assert_rc(ctx, ERR_NO_SPACE, object_upload_expect(ctx, upload, 1));
}

static void parts_are_no_objects_and_can_be_dropped(void **state)
{
        const struct object_intent intent = { .bucket = BUCKET, .key = OBJECT_PART_PREFIX "x" };
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_INVALID, object_upload_begin(ctx, &intent, &upload));
        leave_a_part(ctx, "hello ");
        assert_ok(ctx, object_temp_drop_parts(ctx, fixture_path(ctx, "outputs/" BUCKET)));
        upload = resume(ctx, NULL);
        assert_true(object_upload_size(upload) == 0);
        assert_ok(ctx, object_temp_drop_parts(ctx, fixture_path(ctx, "outputs/nowhere")));
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_upload_goes_on_where_it_stopped),
                TEST(an_upload_may_start_over),
                TEST(two_never_resume_one_upload),
                TEST(a_refused_transaction_keeps_the_bytes),
                TEST(what_will_be_too_large_is_refused_before_it_comes),
                TEST(parts_are_no_objects_and_can_be_dropped),
        };

        return FIXTURE_RUN("object upload", tests);
}
