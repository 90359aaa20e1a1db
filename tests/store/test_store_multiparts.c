#include "core/store/store_multiparts.h"

#include <stdio.h>
#include <string.h>

#include "core/store/store_buckets.h"
#include "tests/fixture_db.h"

static int setup(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct bucket bucket = { .bucket = "b", .directory = "/srv/b" };
        struct ctx *ctx;

        fixture_db_setup(state);
        ctx = *state;
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_bucket_insert(ctx, &bucket));
        assert_ok(ctx, db_commit(&tx));
        return 0;
}

static void begin(struct ctx *ctx, const char *id, const char *key)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct multipart upload = { .upload_id = id,
                                          .bucket = "b",
                                          .key = key,
                                          .content_type = "text/plain",
                                          .metadata = "{\"x-amz-meta-a\":\"b\"}",
                                          .tags = "{\"t\":\"v\"}",
                                          .checksum_kind = "CRC32C",
                                          .checksum_type = "COMPOSITE",
                                          .started_at_us = clock_wall_us(ctx->clock),
                                          .touched_at_us = clock_wall_us(ctx->clock) };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_multipart_insert(ctx, &upload));
        assert_ok(ctx, db_commit(&tx));
}

static enum err put(struct ctx *ctx, const char *id, const struct part *part, const char **ret_old)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_part_put(ctx, id, part, ret_old);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err end(struct ctx *ctx, const char *id, const char *etag)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct multipart upload;
        enum err rc = store_multipart_get(ctx, id, &upload);

        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = etag ? store_multipart_complete(ctx, id, etag)
                          : store_multipart_delete(ctx, &upload);
        return rc == OK ? db_commit(&tx) : rc;
}

static struct part numbered(int64_t number, int64_t size)
{
        return (struct part){ .number = number,
                              .file = "file",
                              .size_bytes = size,
                              .etag = "e",
                              .checksum = "c",
                              .modified_at_us = 9 };
}

static void an_upload_reads_back_as_it_was_announced(void **state)
{
        struct ctx *ctx = *state;
        struct multipart upload;

        begin(ctx, "u1", "dir/k\xc3\xa9y");
        assert_ok(ctx, store_multipart_get(ctx, "u1", &upload));
        assert_string_equal(upload.upload_id, "u1");
        assert_string_equal(upload.bucket, "b");
        assert_string_equal(upload.key, "dir/k\xc3\xa9y");
        assert_string_equal(upload.content_type, "text/plain");
        assert_string_equal(upload.metadata, "{\"x-amz-meta-a\":\"b\"}");
        assert_string_equal(upload.tags, "{\"t\":\"v\"}");
        assert_string_equal(upload.checksum_kind, "CRC32C");
        assert_string_equal(upload.checksum_type, "COMPOSITE");
        assert_true(upload.started_at_us == FIXTURE_TIME_US);
        assert_null(upload.completed_etag);
        assert_rc(ctx, ERR_NOT_FOUND, store_multipart_get(ctx, "u2", &upload));
        assert_string_equal(ctx->code, "NoSuchUpload");
}

static void a_part_is_replaced_and_its_old_file_named(void **state)
{
        const struct part first = { 1, "one", 10, "e1", "", 5 },
                          second = { 1, "two", 3, "e2", "", 6 };
        struct ctx *ctx = *state;
        const char *old = "?";

        begin(ctx, "u1", "k");
        assert_ok(ctx, put(ctx, "u1", &first, &old));
        assert_null(old);
        assert_int_equal(fixture_number(ctx, "SELECT bytes FROM multiparts"), 10);
        assert_ok(ctx, put(ctx, "u1", &second, &old));
        assert_string_equal(old, "one");
        assert_int_equal(fixture_number(ctx, "SELECT bytes FROM multiparts"), 3);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 1);
}

static void a_part_touches_its_upload(void **state)
{
        const struct part part = numbered(1, 1);
        struct ctx *ctx = *state;
        struct multipart upload;
        const char *old;

        begin(ctx, "u1", "k");
        fixture_advance_us(ctx, 5);
        assert_ok(ctx, put(ctx, "u1", &part, &old));
        assert_ok(ctx, store_multipart_get(ctx, "u1", &upload));
        assert_true(upload.touched_at_us == FIXTURE_TIME_US + 5);
        assert_true(upload.started_at_us == FIXTURE_TIME_US);
}

static void an_ended_upload_takes_no_part(void **state)
{
        const struct part part = numbered(1, 1);
        struct ctx *ctx = *state;
        const char *old;

        begin(ctx, "u1", "k");
        begin(ctx, "u2", "k");
        assert_ok(ctx, end(ctx, "u1", "etag-1"));
        assert_ok(ctx, end(ctx, "u2", NULL));
        assert_rc(ctx, ERR_NOT_FOUND, put(ctx, "u1", &part, &old));
        assert_rc(ctx, ERR_NOT_FOUND, put(ctx, "u2", &part, &old));
        assert_rc(ctx, ERR_NOT_FOUND, put(ctx, "u3", &part, &old));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 0);
}

static void a_completed_upload_remembers_its_etag_and_no_part(void **state)
{
        const struct part part = numbered(1, 10);
        struct ctx *ctx = *state;
        struct multipart upload;
        const char *old;

        begin(ctx, "u1", "k");
        assert_ok(ctx, put(ctx, "u1", &part, &old));
        assert_ok(ctx, end(ctx, "u1", "etag-1"));
        assert_ok(ctx, store_multipart_get(ctx, "u1", &upload));
        assert_string_equal(upload.completed_etag, "etag-1");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 0);
        assert_int_equal(fixture_number(ctx, "SELECT bytes FROM multiparts"), 0);
        assert_rc(ctx, ERR_NOT_FOUND, end(ctx, "u1", "etag-2"));
        assert_ok(ctx, end(ctx, "u1", NULL));
        assert_rc(ctx, ERR_NOT_FOUND, end(ctx, "u1", NULL));
}

struct numbers {
        int64_t numbers[16];
        unsigned count;
};

static void take_number(void *arg, const struct part *part)
{
        struct numbers *numbers = arg;

        assert_true(part->modified_at_us == 9 && strcmp(part->checksum, "c") == 0);
        numbers->numbers[numbers->count++] = part->number;
}

static void parts_are_listed_by_number(void **state)
{
        static const int64_t order[] = { 10000, 2, 10, 1, 9 };
        struct part_range range = { .upload_id = "u1", .after = 0, .limit = 3 };
        struct numbers numbers = { .count = 0 };
        struct ctx *ctx = *state;
        const char *old;

        begin(ctx, "u1", "k");
        begin(ctx, "u2", "k");
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                const struct part part = numbered(order[i], 1), other = numbered(3, 1);

                assert_ok(ctx, put(ctx, "u1", &part, &old));
                assert_ok(ctx, put(ctx, "u2", &other, &old));
        }
        assert_ok(ctx, store_parts_each(ctx, &range, take_number, &numbers));
        assert_int_equal(numbers.count, 3);
        range.after = 9;
        assert_ok(ctx, store_parts_each(ctx, &range, take_number, &numbers));
        assert_int_equal(numbers.count, 5);
        assert_true(numbers.numbers[0] == 1 && numbers.numbers[1] == 2 && numbers.numbers[2] == 9);
        assert_true(numbers.numbers[3] == 10 && numbers.numbers[4] == 10000);
}

struct ids {
        char ids[16][8];
        unsigned count, limit;
};

static bool take_id(void *arg, const struct multipart *upload)
{
        struct ids *ids = arg;

        snprintf(ids->ids[ids->count++], 8, "%s", upload->upload_id);
        return ids->count < ids->limit;
}

static void uploads_are_listed_by_key_and_id(void **state)
{
        struct multipart_range range = { .bucket = "b", .limit = 10 };
        struct ids ids = { .limit = 10 };
        struct ctx *ctx = *state;

        begin(ctx, "u3", "b");
        begin(ctx, "u1", "b");
        begin(ctx, "u2", "B");
        begin(ctx, "u4", "\xc3\xa4");
        begin(ctx, "u5", "a");
        assert_ok(ctx, end(ctx, "u5", "done-1"));
        assert_ok(ctx, store_multiparts_each(ctx, &range, take_id, &ids));
        assert_int_equal(ids.count, 4);
        assert_string_equal(ids.ids[0], "u2");
        assert_string_equal(ids.ids[1], "u1");
        assert_string_equal(ids.ids[2], "u3");
        assert_string_equal(ids.ids[3], "u4");
}

static void uploads_are_listed_from_where_one_stopped(void **state)
{
        struct multipart_range range = { .bucket = "b",
                                         .first = "b",
                                         .end = "c",
                                         .after_key = "b",
                                         .after_id = "u1",
                                         .limit = 10 };
        struct ids ids = { .limit = 1 };
        struct ctx *ctx = *state;

        begin(ctx, "u3", "b");
        begin(ctx, "u1", "b");
        begin(ctx, "u2", "ba");
        begin(ctx, "u4", "c");
        begin(ctx, "u5", "a");
        assert_ok(ctx, store_multiparts_each(ctx, &range, take_id, &ids));
        assert_int_equal(ids.count, 1);
        assert_string_equal(ids.ids[0], "u3");
        ids.limit = 10;
        range.after_id = ids.ids[0];
        assert_ok(ctx, store_multiparts_each(ctx, &range, take_id, &ids));
        assert_int_equal(ids.count, 2);
        assert_string_equal(ids.ids[1], "u2");
}

static void the_stalest_upload_comes_first(void **state)
{
        struct ctx *ctx = *state;
        struct multipart upload;

        begin(ctx, "u2", "k");
        fixture_advance_us(ctx, 10);
        begin(ctx, "u1", "k");
        assert_rc(ctx, ERR_NOT_FOUND, store_multipart_stale(ctx, FIXTURE_TIME_US, &upload));
        assert_ok(ctx, store_multipart_stale(ctx, FIXTURE_TIME_US + 20, &upload));
        assert_string_equal(upload.upload_id, "u2");
        assert_ok(ctx, end(ctx, "u2", NULL));
        assert_rc(ctx, ERR_NOT_FOUND, store_multipart_stale(ctx, FIXTURE_TIME_US + 10, &upload));
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_upload_reads_back_as_it_was_announced),
                TEST(a_part_is_replaced_and_its_old_file_named),
                TEST(a_part_touches_its_upload),
                TEST(an_ended_upload_takes_no_part),
                TEST(a_completed_upload_remembers_its_etag_and_no_part),
                TEST(parts_are_listed_by_number),
                TEST(uploads_are_listed_by_key_and_id),
                TEST(uploads_are_listed_from_where_one_stopped),
                TEST(the_stalest_upload_comes_first),
        };

        return FIXTURE_RUN("store multiparts", tests);
}
