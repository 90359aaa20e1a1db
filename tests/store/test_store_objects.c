#include <stdio.h>

#include "core/store/store_objects.h"
#include "tests/fixture_db.h"

#define KEYS_MAX 16

static void insert_bucket(struct ctx *ctx, const char *name, int64_t created_at_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct bucket bucket = { .bucket = name,
                                       .directory = "/srv/outputs/b",
                                       .created_at_us = created_at_us };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_bucket_insert(ctx, &bucket));
        assert_ok(ctx, db_commit(&tx));
}

static int setup(void **state)
{
        fixture_db_setup(state);
        insert_bucket(*state, "b", 10);
        return 0;
}

static enum err put(struct ctx *ctx, const char *key, int64_t size)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct object object = {
                .bucket = "b",
                .key = key,
                .size_bytes = size,
                .etag = "d41d8cd98f00b204e9800998ecf8427e",
                .sha256 = "e3b0c442",
                .content_type = "text/plain",
                .file_mtime_ns = INT64_C(1705314600123456789),
                .modified_at_us = FIXTURE_TIME_US + size,
        };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_object_lock(ctx, "b", key);
        if (rc == OK)
                rc = store_object_put(ctx, &object);
        return rc == OK ? db_commit(&tx) : rc;
}

static struct bucket totals(struct ctx *ctx)
{
        struct bucket bucket;

        assert_ok(ctx, store_bucket_get(ctx, "b", &bucket));
        return bucket;
}

static void a_new_bucket_is_empty(void **state)
{
        struct bucket bucket = totals(*state);

        assert_string_equal(bucket.bucket, "b");
        assert_string_equal(bucket.directory, "/srv/outputs/b");
        assert_true(bucket.files == 0 && bucket.bytes == 0);
        assert_true(bucket.created_at_us == 10 && bucket.last_upload_at_us == 0);
}

static void the_name_of_a_bucket_is_taken_once(void **state)
{
        const struct bucket again = { .bucket = "b", .directory = "/elsewhere" };
        struct ctx *ctx = *state;
        struct bucket bucket;

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_rc(ctx, ERR_CONFLICT, store_bucket_insert(ctx, &again));
        }
        assert_string_equal(totals(ctx).directory, "/srv/outputs/b");
        assert_rc(ctx, ERR_NOT_FOUND, store_bucket_get(ctx, "c", &bucket));
}

static void an_object_reads_back_as_it_was_written(void **state)
{
        struct ctx *ctx = *state;
        struct object object;

        assert_ok(ctx, put(ctx, "dir/a.txt", 5));
        assert_ok(ctx, store_object_get(ctx, "b", "dir/a.txt", &object));
        assert_string_equal(object.bucket, "b");
        assert_string_equal(object.key, "dir/a.txt");
        assert_string_equal(object.etag, "d41d8cd98f00b204e9800998ecf8427e");
        assert_string_equal(object.sha256, "e3b0c442");
        assert_string_equal(object.content_type, "text/plain");
        assert_true(object.size_bytes == 5);
        assert_true(object.file_mtime_ns == INT64_C(1705314600123456789));
        assert_true(object.modified_at_us == FIXTURE_TIME_US + 5);
        assert_rc(ctx, ERR_NOT_FOUND, store_object_get(ctx, "b", "dir/A.txt", &object));
        assert_rc(ctx, ERR_NOT_FOUND, store_object_get(ctx, "c", "dir/a.txt", &object));
}

static void totals_follow_new_and_replaced_objects(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, put(ctx, "one", 100));
        assert_ok(ctx, put(ctx, "two", 20));
        assert_true(totals(ctx).files == 2 && totals(ctx).bytes == 120);
        assert_ok(ctx, put(ctx, "one", 1));
        assert_true(totals(ctx).files == 2 && totals(ctx).bytes == 21);
        assert_ok(ctx, put(ctx, "one", 0));
        assert_true(totals(ctx).files == 2 && totals(ctx).bytes == 20);
        assert_true(totals(ctx).last_upload_at_us == FIXTURE_TIME_US);
}

static void an_object_without_a_bucket_is_refused(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct object object = {
                .bucket = "nowhere", .key = "k", .etag = "e", .sha256 = "s", .content_type = "t"
        };
        struct ctx *ctx = *state;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_rc(ctx, ERR_CONFLICT, store_object_put(ctx, &object));
}

static bool put_many(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (unsigned i = 0; i < 10; i++) {
                const char *own = arena_printf(ctx->arena, "own/%u-%u", index, i);

                if (put(ctx, own, 10) != OK || put(ctx, "shared", index) != OK)
                        return false;
        }
        return true;
}

static void totals_are_right_after_uploads_at_once(void **state)
{
        struct ctx *ctx = *state;

        fixture_threads(ctx, 8, put_many, NULL);
        assert_int_equal(totals(ctx).files, 81);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM objects"), 81);
        assert_int_equal(totals(ctx).bytes,
                         fixture_number(ctx, "SELECT SUM(size_bytes) FROM objects"));
}

struct keys {
        char keys[KEYS_MAX][64];
        unsigned count;
};

static bool take_key(void *arg, const struct object *object)
{
        struct keys *keys = arg;

        assert_in_range(keys->count, 0, KEYS_MAX - 1);
        snprintf(keys->keys[keys->count++], sizeof(keys->keys[0]), "%s", object->key);
        return true;
}

/* In the order of their bytes, which is no language's order. */
static const char *const sorted[] = {
        " space", "!", "-dash", "10",  "9",  "A/b", "B",        "Z",
        "_",      "a", "a b",   "a/b", "ab", "z",   "\xc3\xa4", "\xf0\x9f\x8e\x89",
};

static void put_sorted_keys(struct ctx *ctx)
{
        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
                assert_ok(ctx, put(ctx, sorted[i * 7 % ARRAY_SIZE(sorted)], 1));
}

static void keys_are_listed_in_the_order_of_their_bytes(void **state)
{
        const struct object_range range = { .bucket = "b", .limit = KEYS_MAX };
        struct keys keys = { .count = 0 };
        struct ctx *ctx = *state;

        put_sorted_keys(ctx);
        assert_ok(ctx, store_objects_each(ctx, &range, take_key, &keys));
        assert_int_equal(keys.count, ARRAY_SIZE(sorted));
        for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
                assert_string_equal(keys.keys[i], sorted[i]);
}

/* The test's own database may have no other order than that of the bytes. */
static void the_order_of_keys_does_not_depend_on_the_locale(void **state)
{
        struct ctx *ctx = *state;

        fixture_only_on(ctx, "pgsql");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM information_schema.columns "
                                             "WHERE table_schema = current_schema() AND "
                                             "table_name = 'objects' AND "
                                             "column_name = 'object_key' AND "
                                             "collation_name = 'C'"),
                         1);
}

static void pages_of_every_size_list_each_key_once(void **state)
{
        struct ctx *ctx = *state;

        put_sorted_keys(ctx);
        for (unsigned limit = 1; limit <= KEYS_MAX; limit++) {
                struct object_range range = { .bucket = "b", .limit = limit };
                unsigned seen = 0;

                for (;;) {
                        struct keys page = { .count = 0 };

                        assert_ok(ctx, store_objects_each(ctx, &range, take_key, &page));
                        for (unsigned i = 0; i < page.count; i++)
                                assert_string_equal(page.keys[i], sorted[seen++]);
                        if (page.count == 0)
                                break;
                        assert_in_range(page.count, 1, limit);
                        range.first = arena_printf(ctx->arena, "%s\001", sorted[seen - 1]);
                }
                assert_int_equal(seen, ARRAY_SIZE(sorted));
        }
}

static void take_bucket(void *arg, const struct bucket *bucket)
{
        struct keys *keys = arg;

        snprintf(keys->keys[keys->count++], sizeof(keys->keys[0]), "%s", bucket->bucket);
}

static void buckets_are_listed_newest_first(void **state)
{
        struct keys keys = { .count = 0 };
        struct ctx *ctx = *state;

        insert_bucket(ctx, "newest", 30);
        insert_bucket(ctx, "older", 5);
        insert_bucket(ctx, "newer", 20);
        assert_ok(ctx, store_buckets_each(ctx, 3, NULL, take_bucket, &keys));
        assert_int_equal(keys.count, 3);
        assert_string_equal(keys.keys[0], "newest");
        assert_string_equal(keys.keys[1], "newer");
        assert_string_equal(keys.keys[2], "b");
}

static int64_t uploads(struct ctx *ctx, const char *bucket)
{
        struct uploads_in_flight flight = { .count = -1 };

        assert_ok(ctx, store_uploads_in_flight(ctx, bucket, &flight));
        return flight.count;
}

static void uploads_on_their_way_are_counted_until_they_end(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = *state;

        insert_bucket(ctx, "c", 20);
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_upload_insert(ctx, "u1", "b", "k"));
        assert_ok(ctx, store_upload_insert(ctx, "u2", "b", "k"));
        assert_ok(ctx, store_upload_insert(ctx, "u3", "c", "k"));
        assert_int_equal(uploads(ctx, "b"), 2);
        assert_ok(ctx, store_upload_delete(ctx, "u1"));
        assert_ok(ctx, store_upload_delete(ctx, "u1"));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(uploads(ctx, "b"), 1);
        assert_int_equal(uploads(ctx, "c"), 1);
}

static void uploads_that_began_too_long_ago_are_swept(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = *state;
        int64_t swept = -1;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_upload_insert(ctx, "old", "b", "k"));
        fixture_advance_us(ctx, US_PER_S);
        assert_ok(ctx, store_upload_insert(ctx, "new", "b", "k"));
        assert_ok(ctx, store_uploads_sweep(ctx, FIXTURE_TIME_US + 1, &swept));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(swept, 1);
        assert_int_equal(uploads(ctx, "b"), 1);
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_new_bucket_is_empty),
                TEST(the_name_of_a_bucket_is_taken_once),
                TEST(an_object_reads_back_as_it_was_written),
                TEST(totals_follow_new_and_replaced_objects),
                TEST(an_object_without_a_bucket_is_refused),
                TEST(totals_are_right_after_uploads_at_once),
                TEST(keys_are_listed_in_the_order_of_their_bytes),
                TEST(the_order_of_keys_does_not_depend_on_the_locale),
                TEST(pages_of_every_size_list_each_key_once),
                TEST(buckets_are_listed_newest_first),
                TEST(uploads_on_their_way_are_counted_until_they_end),
                TEST(uploads_that_began_too_long_ago_are_swept),
        };

        return FIXTURE_RUN("store objects", tests);
}
