#include <string.h>

#include "core/base/checksum.h"
#include "core/base/crc.h"
#include "tests/fixture.h"

#define SAMPLE 700 /* bytes: past the 64 at which folding starts, in all its steps */

static const enum checksum_kind all[] = {
        CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_CRC64NVME, CHECKSUM_SHA1, CHECKSUM_SHA256,
};
#define CRCS 3 /* of them, the first */

static unsigned char sample[SAMPLE];

static int fill_sample(void **state)
{
        uint32_t next = 1;

        (void)state;
        for (size_t i = 0; i < SAMPLE; i++) {
                next = next * 1664525 + 1013904223;
                sample[i] = (unsigned char)(next >> 24);
        }
        return 0;
}

static void sum_of(enum checksum_kind kind, const void *bytes, size_t len,
                   char ret_text[CHECKSUM_TEXT_SIZE])
{
        CLEANUP(checksum_freep) struct checksum *checksum = checksum_new(kind);

        assert_non_null(checksum);
        assert_true(checksum_add(checksum, bytes, len));
        assert_true(checksum_end(checksum, ret_text));
}

static void assert_sum(enum checksum_kind kind, const char *text, const char *expected)
{
        char sum[CHECKSUM_TEXT_SIZE];

        sum_of(kind, text, strlen(text), sum);
        assert_string_equal(sum, expected);
}

/* The check value of each CRC; the digests are what sha1sum and sha256sum print. */
static void the_nine_digits_have_the_published_sums(void **state)
{
        static const char digits[] = "123456789";

        (void)state;
        assert_int_equal(crc_add(CRC_32, 0, digits, 9), 0xcbf43926);
        assert_int_equal(crc_add(CRC_32C, 0, digits, 9), 0xe3069283);
        assert_true(crc_add(CRC_64NVME, 0, digits, 9) == UINT64_C(0xae8b14860a799888));
        assert_sum(CHECKSUM_CRC32, digits, "y/Q5Jg==");
        assert_sum(CHECKSUM_CRC32C, digits, "4waSgw==");
        assert_sum(CHECKSUM_CRC64NVME, digits, "rosUhgp5mIg=");
        assert_sum(CHECKSUM_SHA1, digits, "98O8HYCOBHMq32eZZczDTKeuNEE=");
        assert_sum(CHECKSUM_SHA256, digits, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
}

static void nothing_has_a_sum_too(void **state)
{
        (void)state;
        assert_sum(CHECKSUM_CRC32, "", "AAAAAA==");
        assert_sum(CHECKSUM_CRC32C, "", "AAAAAA==");
        assert_sum(CHECKSUM_CRC64NVME, "", "AAAAAAAAAAA=");
        assert_sum(CHECKSUM_SHA1, "", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
        assert_sum(CHECKSUM_SHA256, "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

/* RFC 3720 B.4: 32 bytes of zeros, of ones, counting up. */
static void crc32c_gives_the_iscsi_vectors(void **state)
{
        unsigned char bytes[32];

        (void)state;
        memset(bytes, 0, sizeof(bytes));
        assert_int_equal(crc_add(CRC_32C, 0, bytes, sizeof(bytes)), 0x8a9136aa);
        memset(bytes, 0xff, sizeof(bytes));
        assert_int_equal(crc_add(CRC_32C, 0, bytes, sizeof(bytes)), 0x62a8ab43);
        for (unsigned char i = 0; i < sizeof(bytes); i++)
                bytes[i] = i;
        assert_int_equal(crc_add(CRC_32C, 0, bytes, sizeof(bytes)), 0x46dd794e);
}

/* NVM Command Set 1.0, figure "64b CRC Test Cases": 4 KiB of zeros and of ones. */
static void crc64nvme_gives_the_nvme_vectors(void **state)
{
        unsigned char bytes[4096];

        (void)state;
        memset(bytes, 0, sizeof(bytes));
        assert_true(crc_add(CRC_64NVME, 0, bytes, 4096) == UINT64_C(0x6482d367eb22b64e));
        memset(bytes, 0xff, sizeof(bytes));
        assert_true(crc_add(CRC_64NVME, 0, bytes, 4096) == UINT64_C(0xc0ddba7302eca3ac));
}

static void pieces_cut_anywhere_have_the_sum_of_the_whole(void **state)
{
        char whole[CHECKSUM_TEXT_SIZE], cut[CHECKSUM_TEXT_SIZE];

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
                sum_of(all[k], sample, SAMPLE, whole);
                for (size_t at = 0; at <= SAMPLE; at++) {
                        CLEANUP(checksum_freep) struct checksum *sum = checksum_new(all[k]);

                        assert_non_null(sum);
                        assert_true(checksum_add(sum, sample, at));
                        assert_true(checksum_add(sum, sample + at, SAMPLE - at));
                        assert_true(checksum_end(sum, cut));
                        assert_string_equal(cut, whole);
                }
        }
}

static void two_crcs_combine_to_that_of_the_whole(void **state)
{
        char whole[CHECKSUM_TEXT_SIZE], first[CHECKSUM_TEXT_SIZE], second[CHECKSUM_TEXT_SIZE];
        char combined[CHECKSUM_TEXT_SIZE];

        (void)state;
        for (size_t k = 0; k < CRCS; k++) {
                sum_of(all[k], sample, SAMPLE, whole);
                for (size_t at = 0; at <= SAMPLE; at++) {
                        sum_of(all[k], sample, at, first);
                        sum_of(all[k], sample + at, SAMPLE - at, second);
                        assert_true(checksum_combine(all[k], first, second, (int64_t)(SAMPLE - at),
                                                     combined));
                        assert_string_equal(combined, whole);
                }
        }
}

/* S3's largest object has 5 * 2^40 bytes, which no test can feed: that it makes no difference which
 * two of three pieces come together first. */
static void large_pieces_combine_in_any_order(void **state)
{
        const uint64_t b_len = UINT64_C(3) << 40 | 12345, c_len = UINT64_C(2) << 40 | 54321;

        (void)state;
        for (enum crc_kind kind = 0; kind < CRC_COUNT; kind++) {
                const uint64_t a = crc_add(kind, 0, "a", 1), b = crc_add(kind, 0, "b", 1);
                const uint64_t c = crc_add(kind, 0, "c", 1);
                const uint64_t ab_first = crc_combine(kind, a, b, b_len);
                const uint64_t bc_first = crc_combine(kind, b, c, c_len);

                assert_true(crc_combine(kind, ab_first, c, c_len) ==
                            crc_combine(kind, a, bc_first, b_len + c_len));
                assert_true(ab_first != crc_combine(kind, a, b, (uint32_t)b_len));
        }
}

static void tables_and_the_processor_agree(void **state)
{
        (void)state;
        for (enum crc_kind kind = 0; kind < CRC_COUNT; kind++)
                for (size_t start = 0; start < 17; start++)
                        for (size_t len = 0; start + len <= SAMPLE; len++)
                                assert_true(crc_add(kind, 77, sample + start, len) ==
                                            crc_add_by_table(kind, 77, sample + start, len));
}

static void only_crcs_with_sums_of_their_kind_combine(void **state)
{
        static const char crc[] = "y/Q5Jg==";
        char ret[CHECKSUM_TEXT_SIZE] = "untouched";

        (void)state;
        assert_false(checksum_combine(CHECKSUM_NONE, "", "", 1, ret));
        assert_false(checksum_combine(CHECKSUM_SHA1, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
                                      "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", 1, ret));
        assert_false(checksum_combine(CHECKSUM_CRC64NVME, crc, crc, 9, ret));
        assert_false(checksum_combine(CHECKSUM_CRC32, crc, "rosUhgp5mIg=", 9, ret));
        assert_false(checksum_combine(CHECKSUM_CRC32, "y/Q5Jg", crc, 9, ret));
        assert_false(checksum_combine(CHECKSUM_CRC32, crc, crc, -1, ret));
        assert_string_equal(ret, "untouched");
}

static void a_sum_decodes_to_its_raw_bytes_only(void **state)
{
        unsigned char bytes[CHECKSUM_SIZE_MAX] = { 0 };

        (void)state;
        assert_true(checksum_decode(CHECKSUM_CRC32, "y/Q5Jg==", bytes));
        assert_memory_equal(bytes, "\xcb\xf4\x39\x26\0", 5);
        assert_false(checksum_decode(CHECKSUM_CRC32, "", bytes));
        assert_false(checksum_decode(CHECKSUM_CRC32, "y/Q5", bytes));
        assert_false(checksum_decode(CHECKSUM_CRC32, "y/Q5Jg==\n", bytes));
        assert_false(checksum_decode(CHECKSUM_SHA256, "y/Q5Jg==", bytes));
        assert_false(checksum_decode(CHECKSUM_NONE, "", bytes));
}

static void kinds_are_found_by_name_in_any_case(void **state)
{
        static const size_t sizes[] = { 4, 4, 8, 20, 32 };
        enum checksum_kind kind = CHECKSUM_NONE;

        (void)state;
        for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
                assert_true(checksum_parse(checksum_name(all[k]), &kind));
                assert_int_equal(kind, all[k]);
                assert_int_equal(checksum_size(all[k]), sizes[k]);
        }
        assert_true(checksum_parse("crc64nvme", &kind));
        assert_int_equal(kind, CHECKSUM_CRC64NVME);
        assert_true(checksum_parse("Sha256", &kind));
        assert_string_equal(checksum_name(kind), "SHA256");
        assert_false(checksum_parse("", &kind));
        assert_false(checksum_parse("MD5", &kind));
        assert_false(checksum_parse("CRC32 ", &kind));
        assert_int_equal(kind, CHECKSUM_SHA256);
        assert_string_equal(checksum_name(CHECKSUM_NONE), "");
        assert_null(checksum_new(CHECKSUM_NONE));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_nine_digits_have_the_published_sums),
                cmocka_unit_test(nothing_has_a_sum_too),
                cmocka_unit_test(crc32c_gives_the_iscsi_vectors),
                cmocka_unit_test(crc64nvme_gives_the_nvme_vectors),
                cmocka_unit_test(pieces_cut_anywhere_have_the_sum_of_the_whole),
                cmocka_unit_test(two_crcs_combine_to_that_of_the_whole),
                cmocka_unit_test(large_pieces_combine_in_any_order),
                cmocka_unit_test(tables_and_the_processor_agree),
                cmocka_unit_test(only_crcs_with_sums_of_their_kind_combine),
                cmocka_unit_test(a_sum_decodes_to_its_raw_bytes_only),
                cmocka_unit_test(kinds_are_found_by_name_in_any_case),
        };

        return cmocka_run_group_tests_name("checksum", tests, fill_sample, NULL);
}
