/* Pages of keys against a plain model: all keys in an array, one by one. */
#include "core/cloud/storage/object_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/storage/upload_list.h"
#include "tests/fixture_storage.h"

#define KEYS_MAX  400
#define ITEMS_MAX 1100

struct model {
        const char *keys[KEYS_MAX]; /* in the order of their bytes */
        size_t count;
};

struct items {
        struct ctx *ctx;
        const char *items[ITEMS_MAX]; /* "o:key", "p:prefix" */
        size_t count;
        bool truncated;
        const char *last;
};

static void add_item(struct items *items, const char *kind, const char *text)
{
        const char *item = arena_printf(items->ctx->arena, "%s:%s", kind, text);

        assert_non_null(item);
        assert_in_range(items->count, 0, ITEMS_MAX - 1);
        items->items[items->count++] = item;
}

static void take_object(void *arg, const struct object *object)
{
        add_item(arg, "o", object->key);
}

static void take_upload(void *arg, const struct multipart *upload)
{
        add_item(arg, "o", upload->key);
}

static void take_prefix(void *arg, const char *prefix)
{
        add_item(arg, "p", prefix);
}

static struct items listed(struct ctx *ctx, const struct object_query *query)
{
        struct items items = { .ctx = ctx };
        const struct object_visitor visitor = { take_object, take_prefix, &items };
        struct object_page page;

        assert_ok(ctx, object_list(ctx, query, &visitor, &page));
        items.truncated = page.truncated;
        items.last = page.last;
        return items;
}

/* What S3 says of a list, step by step. */
static struct items modelled(struct ctx *ctx, const struct model *model,
                             const struct object_query *query)
{
        struct items items = { .ctx = ctx, .last = "" };
        size_t after_rolled = object_common_prefix(query->after, query->prefix, query->delimiter);
        bool after_is_prefix = after_rolled && !query->after[after_rolled];
        const char *rolled_up = NULL;

        for (size_t i = 0; i < model->count && query->limit > 0; i++) {
                const char *key = model->keys[i], *found;
                size_t prefix_len = strlen(query->prefix);
                char *common = NULL;

                if (strncmp(key, query->prefix, prefix_len) != 0 || strcmp(key, query->after) <= 0)
                        continue;
                if (after_is_prefix && strncmp(key, query->after, after_rolled) == 0)
                        continue;
                found = *query->delimiter ? strstr(key + prefix_len, query->delimiter) : NULL;
                if (found)
                        common = arena_strndup(ctx->arena, key,
                                               (size_t)(found - key) + strlen(query->delimiter));
                if (common && rolled_up && strcmp(common, rolled_up) == 0)
                        continue;
                if (items.count == query->limit) {
                        items.truncated = true;
                        break;
                }
                add_item(&items, common ? "p" : "o", common ? common : key);
                items.last = common ? common : key;
                rolled_up = common ? common : rolled_up;
        }
        return items;
}

static void assert_same(struct ctx *ctx, const struct model *model,
                        const struct object_query *query)
{
        struct items real = listed(ctx, query), expected = modelled(ctx, model, query);
        bool same = real.count == expected.count && real.truncated == expected.truncated &&
                    strcmp(real.last, expected.last) == 0;

        for (size_t i = 0; same && i < real.count; i++)
                same = strcmp(real.items[i], expected.items[i]) == 0;
        if (!same)
                fail_msg("prefix \"%s\", delimiter \"%s\", after \"%s\", limit %u: %zu items%s, "
                         "last \"%s\", not %zu%s, last \"%s\"",
                         query->prefix, query->delimiter, query->after, query->limit, real.count,
                         real.truncated ? " and more" : "", real.last, expected.count,
                         expected.truncated ? " and more" : "", expected.last);
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Rows only: a list does not look at files. */
static void put_rows(struct ctx *ctx, struct model *model)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct object object = { .bucket = FIXTURE_BUCKET,
                                 .size_bytes = 1,
                                 .etag = "d41d8cd98f00b204e9800998ecf8427e",
                                 .content_type = "text/plain" };
        size_t kept = 0;

        qsort(model->keys, model->count, sizeof(model->keys[0]), compare);
        assert_ok(ctx, db_begin(ctx, &tx));
        for (size_t i = 0; i < model->count; i++) {
                if (kept > 0 && strcmp(model->keys[kept - 1], model->keys[i]) == 0)
                        continue;
                model->keys[kept++] = object.key = model->keys[i];
                assert_ok(ctx, store_object_put(ctx, &object));
        }
        assert_ok(ctx, db_commit(&tx));
        model->count = kept;
}

/* Pieces that collide often: delimiters inside each other, first and last characters. */
static const char *const pieces[] = { "a",  "b", "/",  "//", "-", "\xc3\xa4", "\xf0\x9f\x8e\x89",
                                      "ab", " ", "a/", "~",  "%", "_",        "\xf4\x8f\xbf\xbd" };

static const char *random_key(struct ctx *ctx, unsigned *seed, unsigned max)
{
        char *key = arena_strdup(ctx->arena, "");
        unsigned count = 1 + (unsigned)rand_r(seed) % max;

        for (unsigned i = 0; i < count; i++)
                key = arena_printf(ctx->arena, "%s%s", key,
                                   pieces[(unsigned)rand_r(seed) % ARRAY_SIZE(pieces)]);
        return key;
}

static struct model random_keys(struct ctx *ctx, unsigned *seed)
{
        struct model model = { .count = KEYS_MAX };

        for (size_t i = 0; i < KEYS_MAX; i++)
                model.keys[i] = random_key(ctx, seed, 6);
        put_rows(ctx, &model);
        return model;
}

static void pages_are_those_of_a_plain_model(void **state)
{
        static const char *const delimiters[] = { "",   "/", "//",       "a",
                                                  "ab", "-", "\xc3\xa4", "\xf4\x8f\xbf\xbd",
                                                  "zz", "/a" };
        static const unsigned limits[] = { 0, 1, 2, 3, 7, 50, 1000 };
        struct ctx *ctx = *state;
        unsigned seed = 4711;
        const struct model model = random_keys(ctx, &seed);

        for (unsigned i = 0; i < 600; i++) {
                const struct object_query query = {
                        .bucket = FIXTURE_BUCKET,
                        .prefix = i % 3 ? random_key(ctx, &seed, 2) : "",
                        .delimiter = delimiters[(unsigned)rand_r(&seed) % ARRAY_SIZE(delimiters)],
                        .after = i % 4 == 1   ? random_key(ctx, &seed, 4)
                                 : i % 4 == 2 ? model.keys[(unsigned)rand_r(&seed) % model.count]
                                              : "",
                        .limit = limits[(unsigned)rand_r(&seed) % ARRAY_SIZE(limits)],
                };

                assert_same(ctx, &model, &query);
        }
}

static void walking_from_page_to_page_meets_everything_once(void **state)
{
        static const char *const delimiters[] = { "", "/", "a", "\xc3\xa4" };
        struct ctx *ctx = *state;
        unsigned seed = 99;
        const struct model model = random_keys(ctx, &seed);

        for (unsigned i = 0; i < 24; i++) {
                struct object_query query = { .bucket = FIXTURE_BUCKET,
                                              .prefix = i % 2 ? "a" : "",
                                              .delimiter = delimiters[i % 4],
                                              .after = "",
                                              .limit = 1000 };
                const struct items all = modelled(ctx, &model, &query);
                size_t seen = 0;
                bool more = true;

                for (query.limit = 1 + i * 2; more;) {
                        struct items page = listed(ctx, &query);

                        for (size_t n = 0; n < page.count; n++)
                                assert_string_equal(page.items[n], all.items[seen++]);
                        query.after = page.last;
                        more = page.truncated;
                        assert_true(page.count == query.limit || !more);
                }
                assert_int_equal(seen, all.count);
        }
}

static void large_common_prefixes_are_passed_over(void **state)
{
        static const unsigned limits[] = { 1, 2, 3, 4, 5, 6, 1000 };
        struct ctx *ctx = *state;
        struct model model = { .count = 0 };

        model.keys[model.count++] = "0";
        model.keys[model.count++] = "m";
        for (unsigned i = 0; i < 130; i++) {
                model.keys[model.count++] = arena_printf(ctx->arena, "large/%03u", i);
                model.keys[model.count++] = arena_printf(ctx->arena, "last/%03u", i);
                if (i < 50)
                        model.keys[model.count++] = arena_printf(ctx->arena, "fifty/%03u", i);
        }
        put_rows(ctx, &model);
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
                static const char *const afters[] = { "",          "0",         "fifty/", "large/",
                                                      "large/100", "large/129", "large0", "last/",
                                                      "last/129",  "fifty/x",   "zzz" };

                for (size_t n = 0; n < ARRAY_SIZE(afters); n++) {
                        const struct object_query query = { .bucket = FIXTURE_BUCKET,
                                                            .prefix = "",
                                                            .delimiter = "/",
                                                            .after = afters[n],
                                                            .limit = limits[i] };

                        assert_same(ctx, &model, &query);
                }
        }
}

static void a_bucket_that_is_not_there_is_not_found(void **state)
{
        const struct object_query query = {
                .bucket = "nowhere", .prefix = "", .delimiter = "", .after = "", .limit = 1
        };
        const struct object_visitor visitor = { take_object, take_prefix, NULL };
        struct ctx *ctx = *state;
        struct object_page page;

        assert_rc(ctx, ERR_NOT_FOUND, object_list(ctx, &query, &visitor, &page));
        assert_string_equal(ctx->code, "NoSuchBucket");
}

static void the_common_prefix_ends_with_the_first_delimiter_after_the_prefix(void **state)
{
        (void)state;
        assert_int_equal(object_common_prefix("a/b/c", "", "/"), 2);
        assert_int_equal(object_common_prefix("a/b/c", "a/", "/"), 4);
        assert_int_equal(object_common_prefix("a/b/c", "a/b/", "/"), 0);
        assert_int_equal(object_common_prefix("a/b/c", "b", "/"), 0);
        assert_int_equal(object_common_prefix("a/b/c", "", ""), 0);
        assert_int_equal(object_common_prefix("xx\xc3\xa4y", "x", "\xc3\xa4"), 4);
        assert_int_equal(object_common_prefix("a--b", "a-", "--"), 0);
        assert_int_equal(object_common_prefix("", "", "/"), 0);
}

/* The same model serves uploads, of which a key may have several. */
static void uploads_are_listed_like_objects(void **state)
{
        static const char *const keys[] = { "a", "d/1", "d/2", "d/3", "e", "f/1", "z" };
        struct upload_query query = { .bucket = FIXTURE_BUCKET,
                                      .prefix = "",
                                      .delimiter = "/",
                                      .after_key = "",
                                      .after_id = "",
                                      .limit = 2 };
        struct ctx *ctx = *state;
        struct items items = { .ctx = ctx };
        const struct upload_visitor visitor = { take_upload, take_prefix, &items };
        struct upload_page page = { .truncated = true };
        unsigned pages = 0;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                fixture_multipart(ctx, keys[i]);
        fixture_multipart(ctx, "a");
        fixture_multipart(ctx, "z");
        for (; page.truncated; pages++) {
                assert_ok(ctx, upload_list(ctx, &query, &visitor, &page));
                query.after_key = page.last_key;
                query.after_id = page.last_id;
        }
        assert_int_equal(pages, 4);
        assert_int_equal(items.count, 7);
        assert_string_equal(items.items[0], "o:a");
        assert_string_equal(items.items[1], "o:a");
        assert_string_equal(items.items[2], "p:d/");
        assert_string_equal(items.items[3], "o:e");
        assert_string_equal(items.items[4], "p:f/");
        assert_string_equal(items.items[5], "o:z");
        assert_string_equal(items.items[6], "o:z");
}

static void many_uploads_are_walked_batch_by_batch(void **state)
{
        struct upload_query query = { .bucket = FIXTURE_BUCKET,
                                      .prefix = "d",
                                      .delimiter = "/",
                                      .after_key = "",
                                      .after_id = "",
                                      .limit = 5 };
        struct ctx *ctx = *state;
        struct items items = { .ctx = ctx };
        const struct upload_visitor visitor = { take_upload, take_prefix, &items };
        struct upload_page page;

        for (unsigned i = 0; i < 1005; i++)
                fixture_multipart(ctx, arena_printf(ctx->arena, "d/%u", i));
        fixture_multipart(ctx, "e");
        fixture_multipart(ctx, "dd");
        assert_ok(ctx, upload_list(ctx, &query, &visitor, &page));
        assert_int_equal(items.count, 2);
        assert_string_equal(items.items[0], "p:d/");
        assert_string_equal(items.items[1], "o:dd");
        assert_false(page.truncated);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(pages_are_those_of_a_plain_model),
                FIXTURE_STORAGE_TEST(walking_from_page_to_page_meets_everything_once),
                FIXTURE_STORAGE_TEST(large_common_prefixes_are_passed_over),
                FIXTURE_STORAGE_TEST(a_bucket_that_is_not_there_is_not_found),
                FIXTURE_STORAGE_TEST(
                        the_common_prefix_ends_with_the_first_delimiter_after_the_prefix),
                FIXTURE_STORAGE_TEST(uploads_are_listed_like_objects),
                FIXTURE_STORAGE_TEST(many_uploads_are_walked_batch_by_batch),
        };

        return FIXTURE_RUN("object lists", tests);
}
