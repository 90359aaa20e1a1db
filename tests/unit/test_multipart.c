#include "core/cloud/storage/multipart.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/store/store_jobs.h"
#include "tests/fixture_job.h"
#include "tests/fixture_storage.h"

#define KEY   "dir/model.bin"
#define LARGE ((int64_t)(5 * MiB))

static struct part sent(struct ctx *ctx, const char *id, int64_t number, int64_t size)
{
        const struct part_intent intent = { .bucket = FIXTURE_BUCKET,
                                            .key = KEY,
                                            .upload_id = id,
                                            .number = number,
                                            .size = size };
        struct part part;

        assert_ok(ctx, fixture_part(ctx, &intent, (char)('a' + number % 26), &part));
        assert_int_equal(part.number, number);
        assert_int_equal(part.size_bytes, size);
        return part;
}

static enum err complete(struct ctx *ctx, const char *id, const struct part *parts, size_t count)
{
        const struct multipart_claim claim = { .bucket = FIXTURE_BUCKET,
                                               .key = KEY,
                                               .upload_id = id,
                                               .parts = parts,
                                               .count = count,
                                               .size = -1 };
        struct object object;

        return multipart_complete(ctx, &claim, &object);
}

static struct object stored(struct ctx *ctx)
{
        struct object object;

        assert_ok(ctx, store_object_get(ctx, FIXTURE_BUCKET, KEY, &object));
        return object;
}

static void assert_code(const struct ctx *ctx, const char *code)
{
        assert_non_null(ctx->code);
        assert_string_equal(ctx->code, code);
}

static void assert_no_trace(struct ctx *ctx)
{
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 0);
        assert_int_equal(fixture_count_files(ctx, "outputs/.incoming"), 0);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 0);
}

static void parts_in_any_order_make_one_object(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY), *text;
        struct part parts[3];
        struct object object;

        parts[2] = sent(ctx, id, 900, 3);
        parts[0] = sent(ctx, id, 2, LARGE);
        parts[1] = sent(ctx, id, 7, LARGE + 1);
        assert_null(fixture_object_text(ctx, KEY));
        assert_ok(ctx, complete(ctx, id, parts, 3));
        object = stored(ctx);
        assert_int_equal(object.size_bytes, 2 * LARGE + 4);
        assert_string_equal(strchr(object.etag, '-'), "-3");
        assert_string_equal(object.sha256, "");
        assert_string_equal(object.part_sizes, "5242880x1 5242881x1 3x1");
        text = fixture_object_text(ctx, KEY);
        assert_true(text[0] == 'c' && text[LARGE - 1] == 'c' && text[LARGE] == 'h');
        assert_string_equal(text + 2 * LARGE, "hqqq");
        assert_no_trace(ctx);
}

/* Computed with Python's hashlib: md5(md5(b"b" * 5 MiB) + md5(b"c" * 2)). */
static void the_etag_is_that_of_the_parts_md5s(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct part parts[2];

        parts[0] = sent(ctx, id, 1, LARGE);
        parts[1] = sent(ctx, id, 2, 2);
        assert_string_equal(parts[1].etag, "e0323a9039add2978bf5b49550572c7c");
        assert_ok(ctx, complete(ctx, id, parts, 2));
        assert_string_equal(stored(ctx).etag, "66586fa3eccea397e730786de45a4982-2");
}

static void parts_of_the_same_size_are_counted(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct part parts[4];

        for (int i = 0; i < 3; i++)
                parts[i] = sent(ctx, id, i + 1, LARGE);
        parts[3] = sent(ctx, id, 4, 1);
        assert_ok(ctx, complete(ctx, id, parts, 4));
        assert_string_equal(stored(ctx).part_sizes, "5242880x3 1x1");
}

static void a_part_that_is_sent_again_replaces_the_first(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct part old = sent(ctx, id, 1, 10), new = sent(ctx, id, 1, 4);
        struct uploads_in_flight flight;

        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 1);
        assert_ok(ctx, store_uploads_in_flight(ctx, FIXTURE_BUCKET, &flight));
        assert_true(flight.count == 1 && flight.part_bytes == 4);
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, &old, 1));
        assert_code(ctx, "InvalidPart");
        assert_ok(ctx, complete(ctx, id, &new, 1));
        assert_string_equal(fixture_object_text(ctx, KEY), "bbbb");
}

static void parts_that_are_not_named_are_left_out(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct part first = sent(ctx, id, 1, 2), second = sent(ctx, id, 2, 3);

        (void)first;
        assert_ok(ctx, complete(ctx, id, &second, 1));
        assert_string_equal(fixture_object_text(ctx, KEY), "ccc");
        assert_no_trace(ctx);
}

static void a_wrong_list_of_parts_is_refused_and_changes_nothing(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct part one = sent(ctx, id, 1, 5), two = sent(ctx, id, 2, 5);
        const struct part missing = { .number = 3, .etag = one.etag };
        struct part wrong = two;

        wrong.etag = one.etag;
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, NULL, 0));
        assert_code(ctx, "MalformedXML");
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, (struct part[]){ two, one }, 2));
        assert_code(ctx, "InvalidPartOrder");
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, (struct part[]){ one, one }, 2));
        assert_code(ctx, "InvalidPartOrder");
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, (struct part[]){ one, missing }, 2));
        assert_code(ctx, "InvalidPart");
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, &wrong, 1));
        assert_code(ctx, "InvalidPart");
        assert_rc(ctx, ERR_INVALID, complete(ctx, id, (struct part[]){ one, two }, 2));
        assert_code(ctx, "EntityTooSmall");
        assert_null(fixture_object_text(ctx, KEY));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 2);
        assert_ok(ctx, complete(ctx, id, &two, 1));
}

static void the_size_of_the_whole_may_be_claimed(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        const struct part part = sent(ctx, id, 1, 5);
        struct multipart_claim claim = { .bucket = FIXTURE_BUCKET,
                                         .key = KEY,
                                         .upload_id = id,
                                         .parts = &part,
                                         .count = 1,
                                         .size = 4 };
        struct object object;

        assert_rc(ctx, ERR_INVALID, multipart_complete(ctx, &claim, &object));
        claim.size = 5;
        assert_ok(ctx, multipart_complete(ctx, &claim, &object));
}

static void completing_again_gives_the_same_answer(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY), *etag;
        struct part part = sent(ctx, id, 1, 5);

        assert_ok(ctx, complete(ctx, id, &part, 1));
        etag = stored(ctx).etag;
        assert_ok(ctx, complete(ctx, id, &part, 1));
        assert_string_equal(stored(ctx).etag, etag);
        assert_ok(ctx, fixture_upload(ctx, KEY, "another"));
        assert_rc(ctx, ERR_NOT_FOUND, complete(ctx, id, &part, 1));
        assert_code(ctx, "NoSuchUpload");
        assert_string_equal(fixture_object_text(ctx, KEY), "another");
}

struct race {
        const char *id;
        struct part part;
};

static bool complete_too(struct ctx *ctx, unsigned index, void *arg)
{
        const struct race *race = arg;

        (void)index;
        return complete(ctx, race->id, &race->part, 1) == OK;
}

static void all_that_complete_it_at_once_hear_the_same(void **state)
{
        struct ctx *ctx = *state;
        struct race race = { .id = fixture_multipart(ctx, KEY) };

        race.part = sent(ctx, race.id, 1, LARGE);
        fixture_threads(ctx, 6, complete_too, &race);
        assert_int_equal(stored(ctx).size_bytes, LARGE);
        assert_no_trace(ctx);
}

static bool send_a_part(struct ctx *ctx, unsigned index, void *arg)
{
        const struct part_intent intent = { .bucket = FIXTURE_BUCKET,
                                            .key = KEY,
                                            .upload_id = arg,
                                            .number = 1 + index / 2,
                                            .size = 100 + index };
        struct part part;

        return fixture_part(ctx, &intent, 'x', &part) == OK;
}

static void parts_sent_at_once_are_counted_right(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct uploads_in_flight flight;

        fixture_threads(ctx, 8, send_a_part, (void *)(uintptr_t)id);
        assert_ok(ctx, store_uploads_in_flight(ctx, FIXTURE_BUCKET, &flight));
        assert_int_equal(flight.part_bytes,
                         fixture_number(ctx, "SELECT SUM(size_bytes) FROM parts"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 4);
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 4);
}

static void an_aborted_upload_is_gone_with_its_parts(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        const struct multipart named = { .bucket = FIXTURE_BUCKET, .key = KEY, .upload_id = id };
        const struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = KEY, .upload_id = id, .number = 2, .size = 1
        };
        struct part part = sent(ctx, id, 1, 5);

        assert_ok(ctx, multipart_abort(ctx, &named));
        assert_no_trace(ctx);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM multiparts"), 0);
        assert_rc(ctx, ERR_NOT_FOUND, multipart_abort(ctx, &named));
        assert_rc(ctx, ERR_NOT_FOUND, fixture_part(ctx, &intent, 'x', &part));
        assert_code(ctx, "NoSuchUpload");
        assert_rc(ctx, ERR_NOT_FOUND, complete(ctx, id, &part, 1));
}

static void an_upload_is_known_by_its_bucket_and_key(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct multipart named = { .bucket = FIXTURE_BUCKET, .key = "other", .upload_id = id };
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "other", .upload_id = id, .number = 1, .size = 1
        };
        struct multipart found;
        struct part part;

        assert_rc(ctx, ERR_NOT_FOUND, multipart_find(ctx, &named, &found));
        assert_rc(ctx, ERR_NOT_FOUND, multipart_abort(ctx, &named));
        assert_rc(ctx, ERR_NOT_FOUND, fixture_part(ctx, &intent, 'x', &part));
        fixture_bucket_insert(ctx, "second", "local");
        named.key = KEY;
        named.bucket = "second";
        assert_rc(ctx, ERR_NOT_FOUND, multipart_find(ctx, &named, &found));
        named.bucket = FIXTURE_BUCKET;
        assert_ok(ctx, multipart_find(ctx, &named, &found));
}

static void a_part_number_is_from_1_to_10000(void **state)
{
        static const int64_t wrong[] = { -1, 0, 10001, INT64_MAX };
        struct ctx *ctx = *state;
        struct part_intent intent = { .bucket = FIXTURE_BUCKET, .key = KEY, .size = 1 };
        struct part part;

        intent.upload_id = fixture_multipart(ctx, KEY);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                intent.number = wrong[i];
                assert_rc(ctx, ERR_INVALID, fixture_part(ctx, &intent, 'x', &part));
                assert_code(ctx, "InvalidArgument");
        }
        intent.number = 10000;
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
}

static void an_upload_nobody_touches_is_swept(void **state)
{
        struct ctx *ctx = *state;
        const char *old = fixture_multipart(ctx, KEY), *new;
        struct part part;
        unsigned swept;

        fixture_config(ctx)->stale_upload_hours = 24;
        sent(ctx, old, 1, 5);
        fixture_advance_us(ctx, 20 * US_PER_HOUR);
        new = fixture_multipart(ctx, KEY);
        part = sent(ctx, new, 1, 6);
        assert_ok(ctx, multipart_sweep(ctx, 10, &swept));
        assert_int_equal(swept, 0);
        fixture_advance_us(ctx, 5 * US_PER_HOUR);
        assert_ok(ctx, multipart_sweep(ctx, 10, &swept));
        assert_int_equal(swept, 1);
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 1);
        assert_ok(ctx, complete(ctx, new, &part, 1));
        fixture_advance_us(ctx, 25 * US_PER_HOUR);
        assert_ok(ctx, multipart_sweep(ctx, 10, &swept));
        assert_int_equal(swept, 1);
        assert_string_equal(fixture_object_text(ctx, KEY), "bbbbbb");
}

static void a_sweep_takes_no_more_than_it_was_told(void **state)
{
        struct ctx *ctx = *state;
        unsigned swept;

        for (int i = 0; i < 5; i++)
                fixture_multipart(ctx, KEY);
        fixture_config(ctx)->stale_upload_hours = 1;
        fixture_advance_us(ctx, 2 * US_PER_HOUR);
        assert_ok(ctx, multipart_sweep(ctx, 3, &swept));
        assert_int_equal(swept, 3);
        assert_ok(ctx, multipart_sweep(ctx, 3, &swept));
        assert_int_equal(swept, 2);
}

static void completing_needs_no_more_quota_than_the_parts_have(void **state)
{
        struct ctx *ctx = *state;
        const char *id;
        struct part parts[2];

        fixture_config(ctx)->storage_quota_bytes = (uint64_t)LARGE + 10;
        id = fixture_multipart(ctx, KEY);
        parts[0] = sent(ctx, id, 1, LARGE);
        parts[1] = sent(ctx, id, 2, 10);
        assert_ok(ctx, complete(ctx, id, parts, 2));
        assert_rc(ctx, ERR_NO_SPACE, fixture_upload(ctx, "one-more", "x"));
        assert_code(ctx, "QuotaExceeded");
}

static void a_part_past_the_quota_is_refused_and_leaves_nothing(void **state)
{
        struct ctx *ctx = *state;
        const char *id = fixture_multipart(ctx, KEY);
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = KEY, .upload_id = id, .number = 2, .size = 6
        };
        struct part part;

        fixture_config(ctx)->storage_quota_bytes = 10;
        sent(ctx, id, 1, 5);
        assert_rc(ctx, ERR_NO_SPACE, fixture_part(ctx, &intent, 'x', &part));
        assert_code(ctx, "QuotaExceeded");
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 1);
        assert_int_equal(fixture_number(ctx, "SELECT SUM(bytes) FROM multiparts"), 5);
        intent.size = 5;
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
}

static void a_job_that_ended_sends_no_part(void **state)
{
        struct ctx *ctx = *state;
        const struct job job = fixture_job_inserted(ctx, 1);
        struct multipart announced = {
                .key = KEY, .metadata = "{}", .tags = "{}", .checksum_kind = "", .checksum_type = ""
        };
        struct part_intent intent = { .key = KEY, .number = 1, .size = 1 };
        struct part part;

        fixture_bucket_insert(ctx, job.job_id, "");
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = job.job_id };
        announced.bucket = intent.bucket = job.job_id;
        assert_ok(ctx, multipart_create(ctx, &announced, &intent.upload_id));
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        fixture_job_apply(ctx, &job, (struct job_news){ .status = JOB_CANCELLED });
        intent.number = 2;
        assert_rc(ctx, ERR_UNAUTHENTICATED, fixture_part(ctx, &intent, 'x', &part));
        assert_code(ctx, "AccessDenied");
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(parts_in_any_order_make_one_object),
                FIXTURE_STORAGE_TEST(the_etag_is_that_of_the_parts_md5s),
                FIXTURE_STORAGE_TEST(parts_of_the_same_size_are_counted),
                FIXTURE_STORAGE_TEST(a_part_that_is_sent_again_replaces_the_first),
                FIXTURE_STORAGE_TEST(parts_that_are_not_named_are_left_out),
                FIXTURE_STORAGE_TEST(a_wrong_list_of_parts_is_refused_and_changes_nothing),
                FIXTURE_STORAGE_TEST(the_size_of_the_whole_may_be_claimed),
                FIXTURE_STORAGE_TEST(completing_again_gives_the_same_answer),
                FIXTURE_STORAGE_TEST(all_that_complete_it_at_once_hear_the_same),
                FIXTURE_STORAGE_TEST(parts_sent_at_once_are_counted_right),
                FIXTURE_STORAGE_TEST(an_aborted_upload_is_gone_with_its_parts),
                FIXTURE_STORAGE_TEST(an_upload_is_known_by_its_bucket_and_key),
                FIXTURE_STORAGE_TEST(a_part_number_is_from_1_to_10000),
                FIXTURE_STORAGE_TEST(an_upload_nobody_touches_is_swept),
                FIXTURE_STORAGE_TEST(a_sweep_takes_no_more_than_it_was_told),
                FIXTURE_STORAGE_TEST(completing_needs_no_more_quota_than_the_parts_have),
                FIXTURE_STORAGE_TEST(a_part_past_the_quota_is_refused_and_leaves_nothing),
                FIXTURE_STORAGE_TEST(a_job_that_ended_sends_no_part),
        };

        return FIXTURE_RUN("multipart", tests);
}
