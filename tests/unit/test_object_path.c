#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/storage/object_path.h"
#include "tests/fixture.h"

static char *repeated(struct ctx *ctx, const char *piece, size_t times)
{
        size_t len = strlen(piece);
        char *text = arena_alloc(ctx->arena, times * len + 1);

        assert_non_null(text);
        for (size_t i = 0; i < times; i++)
                memcpy(text + i * len, piece, len);
        return text;
}

static void ordinary_keys_are_taken(void **state)
{
        static const char *const good[] = {
                "a",
                "a/b/c.txt",
                ".hidden",
                "..hidden",
                "a/...",
                "...",
                "a b",
                "a\\b",
                "%2e%2e/x",
                "a:b*?\"<>|",
                "-rf",
                "~/x",
                "\xc3\xa9/\xf0\x9f\x8e\x89",
                "CON",
                "a.",
                "$(x)",
                "/",
                "/etc/passwd",
                "a/",
                "a//b",
                "//",
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_int_equal(object_key_check(ctx, good[i]), OK);
}

static void hostile_keys_are_refused(void **state)
{
        static const char *const wrong[] = {
                "",
                ".",
                "..",
                "./a",
                "../a",
                "a/.",
                "a/..",
                "a/./b",
                "a/../b",
                "a/../../b",
                "/..",
                "a//../b",
                ".slash",
                "a/.slash/b",
                ".archive-x",
                "a\nb",
                "a\tb",
                "\x01",
                "a\x7f",
                "a/\x1b",
                "\xff",
                "a\xc3",
                "\xc0\xae\xc0\xae/x",
                /* an over-long .. */ "\xed\xa0\x80",
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                if (object_key_check(ctx, wrong[i]) != ERR_INVALID)
                        fail_msg("\"%s\" is taken", wrong[i]);
        }
}

static void where_nothing_stands_between_slashes_the_file_has_a_name(void **state)
{
        static const char *const cases[][2] = {
                { "a/b", "a/b" },           { "a/", "a/.slash" },
                { "/", ".slash/.slash" },   { "//", ".slash/.slash/.slash" },
                { "/a", ".slash/a" },       { "a//b/", "a/.slash/b/.slash" },
                { ".slashes", ".slashes" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *path;

                assert_int_equal(object_path(ctx, cases[i][0], &path), OK);
                assert_string_equal(path, cases[i][1]);
        }
}

static void a_key_has_at_most_1024_bytes_and_255_between_slashes(void **state)
{
        struct ctx *ctx = *state;
        char *key = repeated(ctx, "a", 1025);

        assert_int_equal(object_key_check(ctx, repeated(ctx, "a", 255)), OK);
        assert_int_equal(object_key_check(ctx, repeated(ctx, "a", 256)), ERR_INVALID);
        assert_int_equal(object_key_check(ctx, repeated(ctx, "/", 400)), OK);
        assert_int_equal(object_key_check(ctx, repeated(ctx, "/", 600)), ERR_INVALID);
        for (size_t i = 1; i < 1024; i += 2)
                key[i] = '/';
        assert_int_equal(object_key_check(ctx, key), ERR_INVALID);
        key[1024] = '\0';
        key[1023] = 'b';
        assert_int_equal(object_key_check(ctx, key), OK);
}

static void a_directory_that_is_missing_is_made_only_when_asked(void **state)
{
        struct ctx *ctx = *state;
        const char *bucket = fixture_path(ctx, "root/bucket");
        struct stat st;
        int fd = -1;

        assert_int_equal(object_dir_open(ctx, bucket, "a/b/c", false, &fd), ERR_NOT_FOUND);
        assert_int_equal(fd, -1);
        assert_int_equal(object_dir_open(ctx, bucket, "a/b/c", true, &fd), OK);
        close(fd);
        assert_int_equal(stat(fixture_path(ctx, "root/bucket/a/b"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(object_dir_open(ctx, bucket, "a/b/c", false, &fd), OK);
        close(fd);
        assert_int_equal(object_dir_open(ctx, bucket, "top", false, &fd), OK);
        close(fd);
}

static void the_directory_is_that_of_the_key(void **state)
{
        struct ctx *ctx = *state;
        struct stat by_fd, by_path;
        int fd = -1;

        assert_int_equal(object_dir_open(ctx, fixture_path(ctx, "b"), "a/b/c", true, &fd), OK);
        assert_int_equal(fstat(fd, &by_fd), 0);
        assert_int_equal(stat(fixture_path(ctx, "b/a/b"), &by_path), 0);
        assert_true(by_fd.st_ino == by_path.st_ino);
        close(fd);
}

static void the_leaf_is_what_follows_the_last_slash(void **state)
{
        (void)state;
        assert_string_equal(object_leaf("a/b/c"), "c");
        assert_string_equal(object_leaf("top"), "top");
}

static void a_file_where_a_directory_is_needed_is_a_conflict(void **state)
{
        struct ctx *ctx = *state;
        int fd = -1;

        assert_int_equal(mkdir(fixture_path(ctx, "b"), 0700), 0);
        fixture_write(ctx, "b/file", "x");
        assert_int_equal(object_dir_open(ctx, fixture_path(ctx, "b"), "file/x", true, &fd),
                         ERR_CONFLICT);
        assert_int_equal(object_dir_open(ctx, fixture_path(ctx, "b"), "file/x/y", false, &fd),
                         ERR_CONFLICT);
        assert_int_equal(fd, -1);
        assert_string_equal(fixture_read(ctx, "b/file"), "x");
}

static void a_symbolic_link_is_never_followed(void **state)
{
        static const char *const keys[] = { "link/x", "link/deep/x", "real/link/x" };
        struct ctx *ctx = *state;
        const char *bucket = fixture_path(ctx, "b");
        int fd = -1;

        assert_int_equal(mkdir(fixture_path(ctx, "outside"), 0700), 0);
        assert_int_equal(mkdir(bucket, 0700), 0);
        assert_int_equal(mkdir(fixture_path(ctx, "b/real"), 0700), 0);
        assert_int_equal(symlink(fixture_path(ctx, "outside"), fixture_path(ctx, "b/link")), 0);
        assert_int_equal(symlink("../../outside", fixture_path(ctx, "b/real/link")), 0);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                assert_int_equal(object_dir_open(ctx, bucket, keys[i], true, &fd), ERR_CONFLICT);
                assert_int_equal(object_dir_open(ctx, bucket, keys[i], false, &fd), ERR_CONFLICT);
        }
        assert_int_equal(rmdir(fixture_path(ctx, "outside")), 0); /* nothing was put there */
        assert_int_equal(fd, -1);
}

static void a_bucket_that_is_a_symbolic_link_is_refused(void **state)
{
        struct ctx *ctx = *state;
        int fd = -1;

        assert_int_equal(mkdir(fixture_path(ctx, "outside"), 0700), 0);
        assert_int_equal(symlink("outside", fixture_path(ctx, "b")), 0);
        assert_int_equal(object_dir_open(ctx, fixture_path(ctx, "b"), "x", true, &fd),
                         ERR_CONFLICT);
        assert_int_equal(fd, -1);
}

static void the_media_type_follows_the_extension(void **state)
{
        static const char *const cases[][2] = {
                { "a.json", "application/json" },
                { "dir.txt/a.PNG", "image/png" },
                { "log.tar.gz", "application/gzip" },
                { "model.safetensors", "application/octet-stream" },
                { "page.html", "application/octet-stream" }, /* never run by a browser */
                { "image.svg", "application/octet-stream" },
                { "dir.txt/a", "application/octet-stream" },
                { "txt", "application/octet-stream" },
                { "a.", "application/octet-stream" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(object_media_type(cases[i][0]), cases[i][1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(ordinary_keys_are_taken),
                FIXTURE_TEST(hostile_keys_are_refused),
                FIXTURE_TEST(where_nothing_stands_between_slashes_the_file_has_a_name),
                FIXTURE_TEST(a_key_has_at_most_1024_bytes_and_255_between_slashes),
                FIXTURE_TEST(a_directory_that_is_missing_is_made_only_when_asked),
                FIXTURE_TEST(the_directory_is_that_of_the_key),
                cmocka_unit_test(the_leaf_is_what_follows_the_last_slash),
                FIXTURE_TEST(a_file_where_a_directory_is_needed_is_a_conflict),
                FIXTURE_TEST(a_symbolic_link_is_never_followed),
                FIXTURE_TEST(a_bucket_that_is_a_symbolic_link_is_refused),
                FIXTURE_TEST(the_media_type_follows_the_extension),
        };

        return cmocka_run_group_tests_name("object path", tests, NULL, NULL);
}
