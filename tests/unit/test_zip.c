#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/zip.h"
#include "tests/fixture.h"

#define ARCHIVE_MAX 65536

/* An archive read back whole. */
struct archive {
        unsigned char bytes[ARCHIVE_MAX];
        size_t len;
};

static int new_file(struct ctx *ctx, const char *name)
{
        int fd = open(fixture_path(ctx, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        return fd;
}

static void add(struct ctx *ctx, struct zip *zip, const char *name, const char *content)
{
        assert_int_equal(zip_entry_begin(ctx, zip, name), OK);
        assert_int_equal(zip_entry_add(ctx, zip, content, strlen(content)), OK);
        assert_int_equal(zip_entry_end(ctx, zip), OK);
}

static void end(struct ctx *ctx, struct zip *zip, int fd, struct archive *ret)
{
        ssize_t len;

        assert_int_equal(zip_end(ctx, zip), OK);
        len = pread(fd, ret->bytes, sizeof(ret->bytes), 0);
        assert_true(len > 0);
        assert_int_equal(len, zip_size(zip));
        ret->len = (size_t)len;
}

static uint32_t number(const struct archive *archive, size_t at, unsigned bytes)
{
        uint32_t value = 0;

        assert_true(at + bytes <= archive->len);
        for (unsigned i = bytes; i > 0; i--)
                value = value << 8 | archive->bytes[at + i - 1];
        return value;
}

/* APPNOTE 4.3.16: the record at the end, and where the central directory begins. */
static size_t directory_of(const struct archive *archive)
{
        size_t at = archive->len - 22;

        assert_int_equal(number(archive, at, 4), 0x06054b50);
        assert_int_equal(number(archive, at + 16, 4) + number(archive, at + 12, 4), at);
        return number(archive, at + 16, 4);
}

static void an_entry_has_its_name_sum_and_sizes_in_both_records(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(zip_freep) struct zip *zip = NULL;
        CLEANUP(close_fdp) int fd = new_file(ctx, "a.zip");
        struct archive archive;
        size_t central;

        assert_int_equal(zip_new(ctx, fd, &zip), OK);
        add(ctx, zip, "a/\xc3\xbc.txt", "123456789");
        end(ctx, zip, fd, &archive);
        central = directory_of(&archive);
        assert_int_equal(number(&archive, 0, 4), 0x04034b50);
        assert_int_equal(number(&archive, central, 4), 0x02014b50);
        /* The central record has two bytes more before what both have: version to name length. */
        assert_memory_equal(archive.bytes + 4, archive.bytes + central + 6, 24);
        assert_int_equal(number(&archive, 6, 2), 0x0800); /* the name is UTF-8 */
        assert_int_equal(number(&archive, 8, 2), 8);      /* deflated */
        assert_int_equal(number(&archive, 14, 4), 0xCBF43926);
        assert_int_equal(number(&archive, 18, 4), central - 30 - 8); /* compressed */
        assert_int_equal(number(&archive, 22, 4), 9);
        assert_int_equal(number(&archive, 26, 2), 8);
        assert_memory_equal(archive.bytes + 30, "a/\xc3\xbc.txt", 8);
        assert_memory_equal(archive.bytes + central + 46, "a/\xc3\xbc.txt", 8);
        assert_int_equal(number(&archive, central + 38, 4) >> 16, 0100644);
        assert_int_equal(number(&archive, central + 42, 4), 0);
}

static void the_directory_leads_to_every_entry(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(zip_freep) struct zip *zip = NULL;
        CLEANUP(close_fdp) int fd = new_file(ctx, "a.zip");
        struct archive archive;
        size_t at;

        assert_int_equal(zip_new(ctx, fd, &zip), OK);
        for (unsigned i = 0; i < 5; i++)
                add(ctx, zip, arena_printf(ctx->arena, "%u", i), i % 2 ? "odd" : "");
        end(ctx, zip, fd, &archive);
        at = directory_of(&archive);
        for (unsigned i = 0; i < 5; i++, at += 46 + 1) {
                size_t local = number(&archive, at + 42, 4);

                assert_int_equal(number(&archive, local, 4), 0x04034b50);
                assert_int_equal(archive.bytes[local + 30], '0' + i);
                assert_int_equal(number(&archive, at + 24, 4), i % 2 ? 3 : 0);
        }
        assert_int_equal(number(&archive, archive.len - 22 + 8, 2), 5);
        assert_int_equal(number(&archive, archive.len - 22 + 10, 2), 5);
}

static void an_archive_without_entries_is_one(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(zip_freep) struct zip *zip = NULL;
        CLEANUP(close_fdp) int fd = new_file(ctx, "a.zip");
        struct archive archive;

        assert_int_equal(zip_new(ctx, fd, &zip), OK);
        end(ctx, zip, fd, &archive);
        assert_int_equal(archive.len, 22);
        assert_int_equal(directory_of(&archive), 0);
}

static void bytes_may_come_in_any_pieces(void **state)
{
        struct ctx *ctx = *state;
        static char content[200000];
        struct archive archives[2];

        for (size_t i = 0; i < sizeof(content); i++)
                content[i] = (char)(i * i % 251);
        for (unsigned whole = 0; whole < 2; whole++) {
                CLEANUP(zip_freep) struct zip *zip = NULL;
                CLEANUP(close_fdp) int fd = new_file(ctx, "a.zip");
                const size_t piece = whole ? sizeof(content) : 777;

                assert_int_equal(zip_new(ctx, fd, &zip), OK);
                assert_int_equal(zip_entry_begin(ctx, zip, "a"), OK);
                for (size_t at = 0; at < sizeof(content); at += piece) {
                        size_t left = sizeof(content) - at;

                        assert_int_equal(
                                zip_entry_add(ctx, zip, content + at, left < piece ? left : piece),
                                OK);
                }
                assert_int_equal(zip_entry_end(ctx, zip), OK);
                end(ctx, zip, fd, &archives[whole]);
                assert_int_equal(number(&archives[whole], 22, 4), sizeof(content));
        }
        assert_int_equal(number(&archives[0], 14, 4), number(&archives[1], 14, 4));
}

static void the_same_files_make_the_same_bytes(void **state)
{
        struct ctx *ctx = *state;
        struct archive archives[2];

        for (unsigned i = 0; i < 2; i++) {
                CLEANUP(zip_freep) struct zip *zip = NULL;
                CLEANUP(close_fdp) int fd = new_file(ctx, "a.zip");

                assert_int_equal(zip_new(ctx, fd, &zip), OK);
                add(ctx, zip, "a", "one");
                add(ctx, zip, "b", "two");
                end(ctx, zip, fd, &archives[i]);
        }
        assert_int_equal(archives[0].len, archives[1].len);
        assert_memory_equal(archives[0].bytes, archives[1].bytes, archives[0].len);
}

static void what_the_format_cannot_hold_is_refused(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(zip_freep) struct zip *zip = NULL;
        CLEANUP(close_fdp) int fd = new_file(ctx, "a.zip");
        char long_name[ZIP_NAME_MAX + 2];

        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        assert_int_equal(zip_new(ctx, fd, &zip), OK);
        assert_int_equal(zip_entry_begin(ctx, zip, long_name), ERR_INVALID);
        for (unsigned i = 0; i < 0xFFFE; i++) {
                assert_int_equal(zip_entry_begin(ctx, zip, "x"), OK);
                assert_int_equal(zip_entry_end(ctx, zip), OK);
        }
        assert_int_equal(zip_entry_begin(ctx, zip, "x"), ERR_INVALID);
        assert_non_null(strstr(ctx->detail, "65534 files"));
}

static void a_full_disk_is_told(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(zip_freep) struct zip *zip = NULL;
        CLEANUP(close_fdp) int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(zip_new(ctx, fd, &zip), OK);
        assert_int_equal(zip_entry_begin(ctx, zip, "a"), ERR_NO_SPACE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(an_entry_has_its_name_sum_and_sizes_in_both_records),
                FIXTURE_TEST(the_directory_leads_to_every_entry),
                FIXTURE_TEST(an_archive_without_entries_is_one),
                FIXTURE_TEST(bytes_may_come_in_any_pieces),
                FIXTURE_TEST(the_same_files_make_the_same_bytes),
                FIXTURE_TEST(what_the_format_cannot_hold_is_refused),
                FIXTURE_TEST(a_full_disk_is_told),
        };

        return cmocka_run_group_tests_name("zip", tests, NULL, NULL);
}
