#include "core/cloud/storage/object_copy.h"

#include <string.h>
#include <unistd.h>

#include "core/cloud/storage/object_tags.h"
#include "tests/fixture_storage.h"

static enum err put(struct ctx *ctx, const char *key, const char *text, const char *metadata)
{
        const struct object_intent intent = { .bucket = FIXTURE_BUCKET,
                                              .key = key,
                                              .metadata = metadata,
                                              .tags = "{\"a\":\"1\"}",
                                              .content_type = "text/x-own",
                                              .checksum = CHECKSUM_CRC32C,
                                              .size = (int64_t)strlen(text) };
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct object object;
        enum err rc = object_upload_begin(ctx, &intent, &upload);

        if (rc == OK)
                rc = object_upload_write(ctx, upload, text, strlen(text));
        return rc == OK ? object_upload_finish(ctx, upload, NULL, &object) : rc;
}

static enum err copy(struct ctx *ctx, const char *from, struct object_copy copy, struct object *ret)
{
        struct object_file source;
        enum err rc = object_open(ctx, FIXTURE_BUCKET, from, &source);

        if (rc != OK)
                return rc;
        copy.source = &source;
        copy.bucket = copy.bucket ? copy.bucket : FIXTURE_BUCKET;
        rc = object_copy(ctx, &copy, ret);
        close(source.fd);
        return rc;
}

static void a_copy_is_as_its_source(void **state)
{
        struct ctx *ctx = *state;
        struct object source, made;

        assert_ok(ctx, put(ctx, "a.txt", "hello world", "{\"x-amz-meta-a\":\"b\"}"));
        assert_ok(ctx, store_object_get(ctx, FIXTURE_BUCKET, "a.txt", &source));
        fixture_advance_us(ctx, US_PER_S);
        assert_ok(ctx, copy(ctx, "a.txt", (struct object_copy){ .key = "dir/b.bin" }, &made));
        assert_string_equal(fixture_object_text(ctx, "dir/b.bin"), "hello world");
        assert_ok(ctx, store_object_get(ctx, FIXTURE_BUCKET, "dir/b.bin", &made));
        assert_string_equal(made.etag, "5eb63bbbe01eeed093cb22bb8f5acdc3");
        assert_string_equal(made.sha256, source.sha256);
        assert_string_equal(made.checksum, source.checksum);
        assert_string_equal(made.checksum_kind, "CRC32C");
        assert_string_equal(made.metadata, source.metadata);
        assert_string_equal(made.tags, source.tags);
        assert_string_equal(made.content_type, "text/x-own");
        assert_true(made.modified_at_us == source.modified_at_us + US_PER_S);
        assert_int_equal(fixture_number(ctx, "SELECT bytes FROM buckets"), 22);
}

static void what_is_said_anew_replaces_what_was(void **state)
{
        const struct object_copy replacing = { .key = "b.txt",
                                               .metadata = "{\"x-amz-meta-c\":\"d\"}",
                                               .content_type = "image/png",
                                               .tags = "{}" };
        const struct object_copy untyped = { .key = "c.json", .metadata = "{}" };
        struct ctx *ctx = *state;
        struct object made;

        assert_ok(ctx, put(ctx, "a", "1", "{\"x-amz-meta-a\":\"b\"}"));
        assert_ok(ctx, copy(ctx, "a", replacing, &made));
        assert_string_equal(made.metadata, replacing.metadata);
        assert_string_equal(made.content_type, "image/png");
        assert_string_equal(made.tags, "{}");
        assert_ok(ctx, copy(ctx, "a", untyped, &made));
        assert_string_equal(made.content_type, "application/json");
        assert_string_equal(made.tags, "{\"a\":\"1\"}");
}

static void a_copy_onto_itself_changes_what_is_said_of_it_only(void **state)
{
        const struct object_copy same = { .key = "a" };
        const struct object_copy changed = { .key = "a", .metadata = "{\"x-amz-meta-a\":\"2\"}" };
        struct ctx *ctx = *state;
        struct object before, made;

        assert_ok(ctx, put(ctx, "a", "12345", "{\"x-amz-meta-a\":\"1\"}"));
        assert_ok(ctx, store_object_get(ctx, FIXTURE_BUCKET, "a", &before));
        assert_rc(ctx, ERR_INVALID, copy(ctx, "a", same, &made));
        assert_string_equal(ctx->code, "InvalidRequest");
        assert_ok(ctx, copy(ctx, "a", changed, &made));
        assert_string_equal(made.metadata, changed.metadata);
        assert_true(made.file_mtime_ns == before.file_mtime_ns);
        assert_string_equal(fixture_object_text(ctx, "a"), "12345");
        assert_int_equal(fixture_number(ctx, "SELECT bytes FROM buckets"), 5);
}

static void a_copy_onto_itself_needs_no_quota(void **state)
{
        const struct object_copy changed = { .key = "a", .metadata = "{}" };
        struct ctx *ctx = *state;
        struct object made;

        assert_ok(ctx, put(ctx, "a", "12345", NULL));
        fixture_config(ctx)->storage_quota_bytes = 5;
        assert_ok(ctx, copy(ctx, "a", changed, &made));
        assert_rc(ctx, ERR_NO_SPACE, copy(ctx, "a", (struct object_copy){ .key = "b" }, &made));
}

static void a_copy_may_go_to_another_bucket(void **state)
{
        struct ctx *ctx = *state;
        struct object made;

        fixture_bucket_insert(ctx, "second", "local");
        assert_ok(ctx, put(ctx, "a", "12345", NULL));
        assert_ok(ctx,
                  copy(ctx, "a", (struct object_copy){ .bucket = "second", .key = "a" }, &made));
        assert_string_equal(fixture_read(ctx, "outputs/second/a"), "12345");
        assert_rc(ctx, ERR_NOT_FOUND,
                  copy(ctx, "a", (struct object_copy){ .bucket = "nowhere", .key = "a" }, &made));
        assert_rc(ctx, ERR_INVALID, copy(ctx, "a", (struct object_copy){ .key = "../a" }, &made));
}

static void a_condition_on_the_target_is_kept(void **state)
{
        struct object_copy onto = { .key = "b", .only.if_absent = true };
        struct ctx *ctx = *state;
        struct object made;

        assert_ok(ctx, put(ctx, "a", "new", NULL));
        assert_ok(ctx, put(ctx, "b", "old", NULL));
        assert_rc(ctx, ERR_PRECONDITION, copy(ctx, "a", onto, &made));
        onto.only = (struct object_condition){ .if_match = "1" };
        assert_rc(ctx, ERR_PRECONDITION, copy(ctx, "a", onto, &made));
        assert_string_equal(fixture_object_text(ctx, "b"), "old");
        onto.only.if_match = "*";
        assert_ok(ctx, copy(ctx, "a", onto, &made));
        assert_string_equal(fixture_object_text(ctx, "b"), "new");
        assert_int_equal(fixture_count_files(ctx, "outputs/.incoming"), 0);
}

static void a_range_becomes_a_part(void **state)
{
        CLEANUP(part_upload_freep) struct part_upload *part = NULL;
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "b", .number = 1, .size = 5
        };
        struct multipart_claim claim = {
                .bucket = FIXTURE_BUCKET, .key = "b", .count = 1, .size = 5
        };
        struct ctx *ctx = *state;
        struct object_file source;
        struct object made;
        struct part sent;

        assert_ok(ctx, put(ctx, "a", "hello world", NULL));
        claim.upload_id = intent.upload_id = fixture_multipart(ctx, "b");
        assert_ok(ctx, object_open(ctx, FIXTURE_BUCKET, "a", &source));
        assert_ok(ctx, part_upload_begin(ctx, &intent, &part));
        assert_ok(ctx, object_copy_to_part(ctx, &source, 6, 5, part));
        assert_ok(ctx, part_upload_finish(ctx, part, NULL, &sent));
        close(source.fd);
        assert_string_equal(sent.etag, "7d793037a0760186574b0282f2f435e7");
        claim.parts = &sent;
        assert_ok(ctx, multipart_complete(ctx, &claim, &made));
        assert_string_equal(fixture_object_text(ctx, "b"), "world");
}

static void a_copy_of_an_object_of_parts_keeps_its_etag(void **state)
{
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "a", .number = 1, .size = 5
        };
        struct multipart_claim claim = {
                .bucket = FIXTURE_BUCKET, .key = "a", .count = 1, .size = 5
        };
        struct ctx *ctx = *state;
        struct object source, made;
        struct part part;

        claim.upload_id = intent.upload_id = fixture_multipart(ctx, "a");
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        claim.parts = &part;
        assert_ok(ctx, multipart_complete(ctx, &claim, &source));
        assert_ok(ctx, copy(ctx, "a", (struct object_copy){ .key = "b" }, &made));
        assert_string_equal(made.etag, source.etag);
        assert_string_equal(made.part_sizes, "5x1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(a_copy_is_as_its_source),
                FIXTURE_STORAGE_TEST(what_is_said_anew_replaces_what_was),
                FIXTURE_STORAGE_TEST(a_copy_onto_itself_changes_what_is_said_of_it_only),
                FIXTURE_STORAGE_TEST(a_copy_onto_itself_needs_no_quota),
                FIXTURE_STORAGE_TEST(a_copy_may_go_to_another_bucket),
                FIXTURE_STORAGE_TEST(a_condition_on_the_target_is_kept),
                FIXTURE_STORAGE_TEST(a_range_becomes_a_part),
                FIXTURE_STORAGE_TEST(a_copy_of_an_object_of_parts_keeps_its_etag),
        };

        return FIXTURE_RUN("copying objects", tests);
}
