#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "tests/fixture.h"

#define SIZE (3 * MiB + 7)

/* Bytes that differ from place to place. */
static unsigned char *some_bytes(void)
{
        unsigned char *bytes = malloc(SIZE);
        uint32_t next = 1;

        assert_non_null(bytes);
        for (size_t i = 0; i < SIZE; i++) {
                next = next * 1664525U + 1013904223U;
                bytes[i] = (unsigned char)(next >> 24);
        }
        return bytes;
}

static void assert_hashes_of(const unsigned char *bytes, size_t len, struct digest *digest)
{
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE], other[SHA256_HEX_SIZE];
        unsigned char raw[MD5_SIZE];

        assert_true(digest_end(digest, md5, sha256));
        assert_true(crypto_md5(bytes, len, raw));
        crypto_hex(raw, MD5_SIZE, other);
        assert_string_equal(md5, other);
        assert_true(crypto_sha256_hex(bytes, len, other));
        assert_string_equal(sha256, other);
}

static void pieces_of_every_size_give_the_hashes_of_the_whole(void **state)
{
        static const size_t pieces[] = { 1000, 64 * KiB - 1, 64 * KiB, 256 * KiB, SIZE };
        unsigned char *bytes = some_bytes();

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                CLEANUP(digest_freep) struct digest *digest = digest_new();

                assert_non_null(digest);
                for (size_t at = 0; at < SIZE; at += pieces[i])
                        assert_true(digest_add(digest, bytes + at,
                                               SIZE - at < pieces[i] ? SIZE - at : pieces[i]));
                assert_hashes_of(bytes, SIZE, digest);
        }
        free(bytes);
}

static void small_pieces_follow_large_ones_in_order(void **state)
{
        CLEANUP(digest_freep) struct digest *digest = digest_new();
        unsigned char *bytes = some_bytes();
        size_t at = 0;

        (void)state;
        assert_non_null(digest);
        for (size_t len = MiB; at < SIZE; len = len == MiB ? 5 : MiB) {
                if (len > SIZE - at)
                        len = SIZE - at;
                assert_true(digest_start(digest, bytes + at, len));
                assert_true(digest_settle(digest));
                at += len;
        }
        assert_hashes_of(bytes, SIZE, digest);
        free(bytes);
}

static void one_may_be_given_up_in_the_middle(void **state)
{
        unsigned char *bytes = some_bytes();

        (void)state;
        for (int i = 0; i < 20; i++) {
                CLEANUP(digest_freep) struct digest *digest = digest_new();

                assert_non_null(digest);
                assert_true(digest_start(digest, bytes, MiB));
        }
        free(bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_of_every_size_give_the_hashes_of_the_whole),
                cmocka_unit_test(small_pieces_follow_large_ones_in_order),
                cmocka_unit_test(one_may_be_given_up_in_the_middle),
        };

        return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
