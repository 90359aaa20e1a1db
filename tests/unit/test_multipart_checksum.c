/* The checksums of uploads in parts: of the whole, or of the parts' checksums. */
#include <stdio.h>
#include <string.h>

#include "core/base/checksum.h"
#include "core/cloud/storage/multipart.h"
#include "tests/fixture_storage.h"

#define KEY   "model.bin"
#define LARGE ((size_t)(5 * MiB))

static const char tail[] = "the end";

struct trial {
        enum checksum_kind kind;
        const char *id;
        struct part parts[2];
        char whole[CHECKSUM_TEXT_SIZE];     /* of all bytes */
        char composite[CHECKSUM_TEXT_SIZE]; /* of the raw sums of the parts, without "-2" */
};

static enum err create(struct ctx *ctx, const char *kind, const char *type, const char **ret_id)
{
        const struct multipart announced = { .bucket = FIXTURE_BUCKET,
                                             .key = KEY,
                                             .metadata = "{}",
                                             .tags = "{}",
                                             .checksum_kind = kind,
                                             .checksum_type = type };

        return multipart_create(ctx, &announced, ret_id);
}

static enum err send(struct ctx *ctx, const struct part_intent *intent, const char *bytes,
                     const struct object_expect *expect, struct part *ret)
{
        CLEANUP(part_upload_freep) struct part_upload *upload = NULL;
        enum err rc = part_upload_begin(ctx, intent, &upload);

        if (rc == OK)
                rc = part_upload_write(ctx, upload, bytes, (size_t)intent->size);
        return rc == OK ? part_upload_finish(ctx, upload, expect, ret) : rc;
}

/* An upload of two parts, and what its checksums must be. */
static void prepare(struct ctx *ctx, const char *type, struct trial *trial)
{
        struct checksum *whole = checksum_new(trial->kind), *sums = checksum_new(trial->kind);
        char *large = arena_alloc(ctx->arena, LARGE);
        const struct part_intent intents[] = {
                { FIXTURE_BUCKET, KEY, NULL, 1, (int64_t)LARGE, trial->kind },
                { FIXTURE_BUCKET, KEY, NULL, 2, (int64_t)strlen(tail), CHECKSUM_NONE },
        };

        assert_true(whole && sums && large);
        for (size_t i = 0; i < LARGE; i++)
                large[i] = (char)(i * 31 + i / 251);
        assert_ok(ctx, create(ctx, checksum_name(trial->kind), type, &trial->id));
        for (size_t i = 0; i < 2; i++) {
                struct part_intent intent = intents[i];
                unsigned char raw[CHECKSUM_SIZE_MAX];
                const char *bytes = i ? tail : large;

                intent.upload_id = trial->id;
                assert_ok(ctx, send(ctx, &intent, bytes, NULL, &trial->parts[i]));
                assert_true(checksum_add(whole, bytes, (size_t)intent.size));
                assert_true(checksum_decode(trial->kind, trial->parts[i].checksum, raw));
                assert_true(checksum_add(sums, raw, checksum_size(trial->kind)));
        }
        assert_true(checksum_end(whole, trial->whole));
        assert_true(checksum_end(sums, trial->composite));
        checksum_free(whole);
        checksum_free(sums);
}

static enum err complete(struct ctx *ctx, const struct trial *trial, const char *checksum,
                         struct object *ret)
{
        const struct multipart_claim claim = { .bucket = FIXTURE_BUCKET,
                                               .key = KEY,
                                               .upload_id = trial->id,
                                               .parts = trial->parts,
                                               .count = 2,
                                               .checksum = checksum,
                                               .size = -1 };

        return multipart_complete(ctx, &claim, ret);
}

static void a_crc_of_the_whole_is_put_together_from_the_parts(void **state)
{
        static const enum checksum_kind kinds[] = { CHECKSUM_CRC32, CHECKSUM_CRC32C,
                                                    CHECKSUM_CRC64NVME };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct trial trial = { .kind = kinds[i] };
                struct object object;

                prepare(ctx, "FULL_OBJECT", &trial);
                assert_rc(ctx, ERR_INVALID, complete(ctx, &trial, trial.composite, &object));
                assert_string_equal(ctx->code, "BadDigest");
                assert_ok(ctx, complete(ctx, &trial, trial.whole, &object));
                assert_string_equal(object.checksum, trial.whole);
                assert_string_equal(object.checksum_kind, checksum_name(kinds[i]));
        }
}

static void a_composite_checksum_is_that_of_the_parts_checksums(void **state)
{
        static const enum checksum_kind kinds[] = { CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_SHA1,
                                                    CHECKSUM_SHA256 };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct trial trial = { .kind = kinds[i] };
                struct object object;

                prepare(ctx, "", &trial);
                assert_rc(ctx, ERR_INVALID, complete(ctx, &trial, trial.whole, &object));
                assert_string_equal(ctx->code, "BadDigest");
                assert_ok(ctx,
                          complete(ctx, &trial, arena_printf(ctx->arena, "%s-2", trial.composite),
                                   &object));
                assert_string_equal(object.checksum,
                                    arena_printf(ctx->arena, "%s-2", trial.composite));
        }
}

static void a_claimed_checksum_must_be_all_of_it(void **state)
{
        static const char *const wrong[] = { "", "-2", "A", "-3" };
        struct trial trial = { .kind = CHECKSUM_SHA256 };
        struct ctx *ctx = *state;
        struct object object;

        prepare(ctx, "COMPOSITE", &trial);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_rc(ctx, ERR_INVALID, complete(ctx, &trial, wrong[i], &object));
        assert_rc(
                ctx, ERR_INVALID,
                complete(ctx, &trial, arena_printf(ctx->arena, "%s-3", trial.composite), &object));
        assert_rc(ctx, ERR_INVALID,
                  complete(ctx, &trial, arena_strndup(ctx->arena, trial.composite, 8), &object));
        assert_ok(ctx, complete(ctx, &trial, trial.composite, &object));
}

static void types_that_a_kind_has_not_are_refused(void **state)
{
        static const char *const wrong[][2] = { { "SHA1", "FULL_OBJECT" },
                                                { "SHA256", "FULL_OBJECT" },
                                                { "CRC64NVME", "COMPOSITE" },
                                                { "CRC32", "SOMETHING" } };
        struct ctx *ctx = *state;
        const char *id;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_rc(ctx, ERR_INVALID, create(ctx, wrong[i][0], wrong[i][1], &id));
                assert_string_equal(ctx->code, "InvalidRequest");
        }
        assert_ok(ctx, create(ctx, "CRC64NVME", "", &id));
}

static void a_part_is_checked_against_what_is_said_of_it(void **state)
{
        static const struct object_expect wrong = { .md5 = "00000000000000000000000000000000" };
        static const struct object_expect other = { .checksum = "AAAAAA==" };
        struct part_intent intent = { FIXTURE_BUCKET, KEY, NULL, 1, 5, CHECKSUM_CRC32 };
        struct ctx *ctx = *state;
        struct part part;

        assert_ok(ctx, create(ctx, "CRC32", "", &intent.upload_id));
        assert_rc(ctx, ERR_INVALID, send(ctx, &intent, "12345", &wrong, &part));
        assert_string_equal(ctx->code, "BadDigest");
        assert_rc(ctx, ERR_INVALID, send(ctx, &intent, "12345", &other, &part));
        intent.checksum = CHECKSUM_SHA1;
        assert_rc(ctx, ERR_INVALID, send(ctx, &intent, "12345", NULL, &part));
        assert_string_equal(ctx->code, "InvalidRequest");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM parts"), 0);
        assert_int_equal(fixture_count_files(ctx, "outputs"), 0);
}

static void a_part_named_with_another_checksum_is_refused(void **state)
{
        struct trial trial = { .kind = CHECKSUM_CRC32C };
        struct ctx *ctx = *state;
        const char *right;
        struct object object;

        prepare(ctx, "", &trial);
        right = trial.parts[1].checksum;
        trial.parts[1].checksum = trial.parts[0].checksum;
        assert_rc(ctx, ERR_INVALID, complete(ctx, &trial, NULL, &object));
        assert_string_equal(ctx->code, "InvalidPart");
        trial.parts[1].checksum = right;
        assert_ok(ctx, complete(ctx, &trial, NULL, &object));
}

static void parts_of_a_composite_checksum_are_named_with_theirs(void **state)
{
        struct trial trial = { .kind = CHECKSUM_CRC32C };
        struct ctx *ctx = *state;
        const char *right;
        struct object object;

        prepare(ctx, "", &trial);
        right = trial.parts[0].checksum;
        trial.parts[0].checksum = NULL;
        assert_rc(ctx, ERR_INVALID, complete(ctx, &trial, NULL, &object));
        assert_string_equal(ctx->code, "InvalidRequest");
        trial.parts[0].checksum = right;
        assert_ok(ctx, complete(ctx, &trial, NULL, &object));

        prepare(ctx, "FULL_OBJECT", &trial);
        trial.parts[0].checksum = NULL;
        assert_ok(ctx, complete(ctx, &trial, NULL, &object));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(a_crc_of_the_whole_is_put_together_from_the_parts),
                FIXTURE_STORAGE_TEST(a_composite_checksum_is_that_of_the_parts_checksums),
                FIXTURE_STORAGE_TEST(a_claimed_checksum_must_be_all_of_it),
                FIXTURE_STORAGE_TEST(types_that_a_kind_has_not_are_refused),
                FIXTURE_STORAGE_TEST(a_part_is_checked_against_what_is_said_of_it),
                FIXTURE_STORAGE_TEST(a_part_named_with_another_checksum_is_refused),
                FIXTURE_STORAGE_TEST(parts_of_a_composite_checksum_are_named_with_theirs),
        };

        return FIXTURE_RUN("multipart checksums", tests);
}
