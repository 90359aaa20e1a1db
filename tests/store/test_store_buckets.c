#include <stdio.h>

#include "core/store/store_buckets.h"
#include "core/store/store_multiparts.h"
#include "core/store/store_objects.h"
#include "tests/fixture_db.h"

static enum err insert(struct ctx *ctx, const char *name, const char *directory)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct bucket bucket = { .bucket = name, .directory = directory, .owner = "me" };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_bucket_insert(ctx, &bucket);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err delete (struct ctx *ctx, const char *name) {
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK) rc = store_bucket_delete(ctx, name);
        return rc == OK ? db_commit(&tx) : rc;
}

static void add(struct ctx *ctx, const char *name, struct bucket_change change)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_bucket_add(ctx, name, &change));
        assert_ok(ctx, db_commit(&tx));
}

static void begin_upload(struct ctx *ctx, const char *id, int64_t size)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct multipart upload = { .upload_id = id,
                                          .bucket = "b",
                                          .key = "k",
                                          .content_type = "t",
                                          .metadata = "{}",
                                          .tags = "{}",
                                          .checksum_kind = "",
                                          .checksum_type = "" };
        const struct part part = {
                .number = 1, .file = "f", .size_bytes = size, .etag = "e", .checksum = ""
        };
        const char *old;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_multipart_insert(ctx, &upload));
        assert_ok(ctx, store_part_put(ctx, id, &part, &old));
        assert_ok(ctx, db_commit(&tx));
}

static void complete_upload(struct ctx *ctx, const char *id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_multipart_complete(ctx, id, "etag-1"));
        assert_ok(ctx, db_commit(&tx));
}

static void a_bucket_remembers_who_made_it(void **state)
{
        struct ctx *ctx = *state;
        struct bucket bucket;

        assert_ok(ctx, insert(ctx, "b", "/srv/b"));
        assert_ok(ctx, store_bucket_get(ctx, "b", &bucket));
        assert_string_equal(bucket.owner, "me");
        assert_rc(ctx, ERR_CONFLICT, insert(ctx, "b", "/srv/other"));
}

static void changes_add_up(void **state)
{
        struct ctx *ctx = *state;
        struct bucket bucket;

        assert_ok(ctx, insert(ctx, "b", "/srv/b"));
        add(ctx, "b", (struct bucket_change){ .files = 2, .bytes = 100, .at_us = 7 });
        add(ctx, "b", (struct bucket_change){ .files = -1, .bytes = -40 });
        assert_ok(ctx, store_bucket_get(ctx, "b", &bucket));
        assert_true(bucket.files == 1 && bucket.bytes == 60 && bucket.last_upload_at_us == 7);
}

static void a_bucket_with_anything_under_way_stays(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, insert(ctx, "b", "/srv/b"));
        begin_upload(ctx, "u1", 5);
        assert_rc(ctx, ERR_CONFLICT, delete (ctx, "b"));
        complete_upload(ctx, "u1");
        assert_ok(ctx, delete (ctx, "b"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM multiparts"), 0);
        assert_rc(ctx, ERR_NOT_FOUND, delete (ctx, "b"));
}

static void a_refused_deletion_changes_nothing(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, insert(ctx, "b", "/srv/b"));
        begin_upload(ctx, "done", 5);
        complete_upload(ctx, "done");
        begin_upload(ctx, "open", 5);
        assert_rc(ctx, ERR_CONFLICT, delete (ctx, "b"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM multiparts"), 2);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 1);
}

static void all_bytes_are_those_of_objects_and_of_parts(void **state)
{
        struct ctx *ctx = *state;
        int64_t bytes = -1;

        assert_ok(ctx, store_buckets_bytes(ctx, &bytes));
        assert_int_equal(bytes, 0);
        assert_ok(ctx, insert(ctx, "b", "/srv/b"));
        assert_ok(ctx, insert(ctx, "c", "/srv/c"));
        add(ctx, "b", (struct bucket_change){ .files = 1, .bytes = INT64_C(6000000000) });
        add(ctx, "c", (struct bucket_change){ .files = 1, .bytes = 1 });
        begin_upload(ctx, "u1", 10);
        begin_upload(ctx, "u2", 100);
        complete_upload(ctx, "u2");
        assert_ok(ctx, store_buckets_bytes(ctx, &bytes));
        assert_true(bytes == INT64_C(6000000011));
}

static void directories_are_walked_in_the_order_of_their_bytes(void **state)
{
        static const char *const sorted[] = { "/srv/A/b", "/srv/a-b/c", "/srv/a/b", "/srv/a0/b" };
        struct ctx *ctx = *state;
        const char *at = "";

        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
                assert_ok(ctx, insert(ctx, arena_printf(ctx->arena, "b%zu", i),
                                      sorted[(i + 2) % ARRAY_SIZE(sorted)]));
        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
                assert_ok(ctx, store_bucket_directory_after(ctx, at, &at));
                assert_string_equal(at, sorted[i]);
        }
        assert_rc(ctx, ERR_NOT_FOUND, store_bucket_directory_after(ctx, at, &at));
}

struct names {
        char names[8][16];
        unsigned count;
};

static void take_name(void *arg, const struct bucket *bucket)
{
        struct names *names = arg;

        snprintf(names->names[names->count++], 16, "%s", bucket->bucket);
}

static void names_are_listed_in_the_order_of_their_bytes(void **state)
{
        static const char *const sorted[] = { "a", "a-b", "a.b", "aB", "ab", "b" };
        struct bucket_range range = { .after = "", .prefix = "", .limit = 4 };
        struct names names = { .count = 0 };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
                assert_ok(ctx, insert(ctx, sorted[(i * 5) % ARRAY_SIZE(sorted)], "/srv/x"));
        assert_ok(ctx, store_buckets_by_name(ctx, &range, take_name, &names));
        assert_int_equal(names.count, 4);
        range.after = names.names[3];
        assert_ok(ctx, store_buckets_by_name(ctx, &range, take_name, &names));
        assert_int_equal(names.count, ARRAY_SIZE(sorted));
        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
                assert_string_equal(names.names[i], sorted[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_bucket_remembers_who_made_it),
                FIXTURE_DB_TEST(changes_add_up),
                FIXTURE_DB_TEST(a_bucket_with_anything_under_way_stays),
                FIXTURE_DB_TEST(a_refused_deletion_changes_nothing),
                FIXTURE_DB_TEST(all_bytes_are_those_of_objects_and_of_parts),
                FIXTURE_DB_TEST(directories_are_walked_in_the_order_of_their_bytes),
                FIXTURE_DB_TEST(names_are_listed_in_the_order_of_their_bytes),
        };

        return FIXTURE_RUN("store buckets", tests);
}
