/* Packing by threads is what gunzip expects, and what is damaged is seen. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/gzip.h"
#include "tests/fixture.h"

#define LARGE (9 * MiB + 12345) /* more than two batches of pieces, and no whole number of them */

static int file_of(const void *bytes, size_t len)
{
        int fd = memfd_create("file", 0);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, len), len);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

/* Text that packs well, with some that does not. */
static unsigned char *sample(size_t len)
{
        unsigned char *bytes = malloc(len + 1);
        unsigned x = 7;

        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++) {
                x = x * 1664525 + 1013904223;
                bytes[i] = i / 4096 % 3 ? (unsigned char)("abcdefgh"[x >> 29])
                                        : (unsigned char)(x >> 24);
        }
        return bytes;
}

static void round_trip(struct ctx *ctx, size_t len)
{
        unsigned char *bytes = sample(len), *back = malloc(len + 1);
        struct gzip_sums packed, unpacked;
        int plain = file_of(bytes, len), zip = memfd_create("zip", 0), out = memfd_create("out", 0);
        char hex[SHA256_HEX_SIZE];

        assert_non_null(back);
        assert_int_equal(gzip_pack(ctx, plain, zip, 6, &packed), OK);
        assert_int_equal(packed.plain_bytes, len);
        assert_int_equal(packed.packed_bytes, lseek(zip, 0, SEEK_CUR));
        assert_true(crypto_sha256_hex(bytes, len, hex));
        assert_string_equal(packed.plain_sha256, hex);
        lseek(zip, 0, SEEK_SET);
        assert_int_equal(gzip_unpack(ctx, zip, out, (int64_t)len, &unpacked), OK);
        assert_memory_equal(&packed, &unpacked, sizeof(packed));
        assert_int_equal(pread(out, back, len + 1, 0), len);
        assert_memory_equal(back, bytes, len);
        free(bytes);
        free(back);
        close(plain);
        close(zip);
        close(out);
}

static void what_is_packed_comes_out_as_it_was(void **state)
{
        static const size_t sizes[] = {
                0, 1, 512 * KiB - 1, 512 * KiB, 4 * MiB, 4 * MiB + 1, LARGE
        };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
                round_trip(*state, sizes[i]);
}

static void other_programs_read_it(void **state)
{
        unsigned char *bytes = sample(LARGE);
        struct gzip_sums sums;
        char path[] = "/tmp/test-gzip-XXXXXX", command[64];
        int plain = file_of(bytes, LARGE), zip = mkstemp(path);

        assert_int_equal(gzip_pack(*state, plain, zip, 1, &sums), OK);
        snprintf(command, sizeof(command), "gzip -t <%s", path);
        assert_int_equal(system(command), 0);
        unlink(path);
        free(bytes);
        close(plain);
        close(zip);
}

static enum err unpack(struct ctx *ctx, const void *bytes, size_t len, int64_t max)
{
        struct gzip_sums sums;
        int fd = file_of(bytes, len);
        enum err rc = gzip_unpack(ctx, fd, -1, max, &sums);

        close(fd);
        return rc;
}

static void damaged_streams_are_refused(void **state)
{
        struct ctx *ctx = *state;
        unsigned char *bytes = sample(MiB), *zip;
        struct gzip_sums sums;
        int plain = file_of(bytes, MiB), fd = memfd_create("zip", 0);
        size_t len;

        assert_int_equal(gzip_pack(ctx, plain, fd, 6, &sums), OK);
        len = (size_t)sums.packed_bytes;
        zip = malloc(len + 1);
        assert_non_null(zip);
        assert_int_equal(pread(fd, zip, len, 0), len);
        assert_int_equal(unpack(ctx, zip, len, MiB), OK);
        assert_int_equal(unpack(ctx, zip, len, MiB - 1), ERR_CONFLICT);
        assert_int_equal(unpack(ctx, zip, len - 1, MiB), ERR_CONFLICT);
        assert_int_equal(unpack(ctx, zip, 0, MiB), ERR_CONFLICT);
        zip[len] = 0;
        assert_int_equal(unpack(ctx, zip, len + 1, MiB), ERR_CONFLICT);
        zip[len / 2] ^= 1;
        assert_int_equal(unpack(ctx, zip, len, MiB), ERR_CONFLICT);
        assert_int_equal(unpack(ctx, bytes, MiB, MiB), ERR_CONFLICT);
        free(bytes);
        free(zip);
        close(plain);
        close(fd);
}

static void a_full_disk_is_said(void **state)
{
        unsigned char *bytes = sample(MiB);
        struct gzip_sums sums;
        int plain = file_of(bytes, MiB), full = open("/dev/full", O_WRONLY);

        assert_int_equal(gzip_pack(*state, plain, full, 6, &sums), ERR_NO_SPACE);
        free(bytes);
        close(plain);
        close(full);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(what_is_packed_comes_out_as_it_was),
                FIXTURE_TEST(other_programs_read_it),
                FIXTURE_TEST(damaged_streams_are_refused),
                FIXTURE_TEST(a_full_disk_is_said),
        };

        return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
