#include "core/cloud/storage/storage_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fixture_storage.h"

#define OUTPUTS "outputs/" FIXTURE_BUCKET

/* "no_file bucket/key", with "!" behind what is repaired. */
struct finds {
        struct ctx *ctx;
        char lines[1024];
        struct storage_report report;
};

static void take(void *arg, const struct storage_finding *finding)
{
        struct finds *finds = arg;
        size_t len = strlen(finds->lines);

        snprintf(finds->lines + len, sizeof(finds->lines) - len, "%s %s/%s%s\n",
                 storage_fault_name(finding->fault), finding->bucket, finding->key,
                 finding->repaired ? "!" : "");
}

static struct finds checked(struct ctx *ctx, bool hashes, bool repair)
{
        struct finds finds = { .ctx = ctx };
        const struct storage_check check = { hashes, repair, take, &finds };

        assert_ok(ctx, storage_check(ctx, &check, &finds.report));
        return finds;
}

/* Change a file's bytes, and let its time be as before. */
static void damage(struct ctx *ctx, const char *name, const char *bytes, off_t at)
{
        int fd = open(fixture_path(ctx, name), O_RDWR | O_CLOEXEC);
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
        times[1] = st.st_mtim;
        assert_int_equal(futimens(fd, times), 0);
        close(fd);
}

/* Put another file in a file's place. Its time is set, because a file system's clock may stand
 * still for some milliseconds, and both files would be of one moment. */
static void replace(struct ctx *ctx, const char *name, const char *text)
{
        const struct timespec other[2] = { { .tv_sec = 2000000000 }, { .tv_sec = 2000000000 } };
        const char *path = fixture_write(ctx, "new", text);

        assert_int_equal(utimensat(AT_FDCWD, path, other, 0), 0);
        assert_int_equal(rename(path, fixture_path(ctx, name)), 0);
}

/* "a" of one piece, "p" of parts. */
static void put_both(struct ctx *ctx)
{
        struct part_intent intent = { .bucket = FIXTURE_BUCKET, .key = "p" };
        struct part parts[3];
        struct multipart_claim claim = {
                .bucket = FIXTURE_BUCKET, .key = "p", .parts = parts, .count = 3, .size = -1
        };
        struct object object;

        assert_ok(ctx, fixture_upload(ctx, "a", "12345"));
        claim.upload_id = intent.upload_id = fixture_multipart(ctx, "p");
        for (intent.number = 1; intent.number <= 3; intent.number++) {
                intent.size = intent.number < 3 ? 5 * (int64_t)MiB : 7;
                assert_ok(ctx, fixture_part(ctx, &intent, 'x', &parts[intent.number - 1]));
        }
        assert_ok(ctx, multipart_complete(ctx, &claim, &object));
}

static void nothing_is_found_where_nothing_is_wrong(void **state)
{
        struct ctx *ctx = *state;
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "open", .number = 3, .size = 5
        };
        struct finds finds = checked(ctx, true, true);
        struct part part;

        assert_string_equal(finds.lines, "");
        put_both(ctx);
        assert_ok(ctx, fixture_upload(ctx, "dir//b/", "2"));
        assert_ok(ctx, fixture_upload(ctx, "empty", ""));
        intent.upload_id = fixture_multipart(ctx, "open");
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        finds = checked(ctx, true, true);
        assert_string_equal(finds.lines, "");
        assert_true(finds.report.objects == 4 && finds.report.buckets == 1 &&
                    finds.report.findings == 0);
}

static void a_row_without_its_file_is_found_and_may_go(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "dir/a", "1"));
        assert_ok(ctx, fixture_upload(ctx, "link", "1"));
        assert_ok(ctx, fixture_upload(ctx, "kept", "22"));
        assert_int_equal(unlink(fixture_path(ctx, OUTPUTS "/dir/a")), 0);
        assert_int_equal(unlink(fixture_path(ctx, OUTPUTS "/link")), 0);
        assert_int_equal(mkdir(fixture_path(ctx, OUTPUTS "/link"), 0700), 0);
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "no_file bucket/dir/a\nno_file bucket/link\n");
        finds = checked(ctx, false, true);
        assert_string_equal(finds.lines, "no_file bucket/dir/a!\nno_file bucket/link!\n");
        assert_int_equal(finds.report.repaired, 2);
        finds = checked(ctx, true, false);
        assert_string_equal(finds.lines, "");
        assert_int_equal(fixture_number(ctx, "SELECT files * 10 + bytes FROM buckets"), 12);
}

static void a_file_without_a_row_is_found_and_stays(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "a", "1"));
        assert_int_equal(mkdir(fixture_path(ctx, OUTPUTS "/dir"), 0700), 0);
        fixture_write(ctx, OUTPUTS "/dir/orphan", "1");
        fixture_write(ctx, OUTPUTS "/.archive-1.part", "1");
        finds = checked(ctx, false, true);
        assert_string_equal(finds.lines, "no_row bucket/dir/orphan\n");
        assert_int_equal(access(fixture_path(ctx, OUTPUTS "/dir/orphan"), F_OK), 0);
}

/* A new object's file has its name before its row, and is locked by its writer meanwhile. */
static void a_file_that_is_being_written_is_no_finding(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;
        int fd;

        assert_ok(ctx, fixture_upload(ctx, "a", "1"));
        fixture_write(ctx, OUTPUTS "/new", "half");
        fd = open(fixture_path(ctx, OUTPUTS "/new"), O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "");
        close(fd);
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "no_row bucket/new\n");
}

static void another_size_and_a_replaced_file_are_found(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "a", "12345"));
        assert_ok(ctx, fixture_upload(ctx, "b", "12345"));
        assert_int_equal(truncate(fixture_path(ctx, OUTPUTS "/a"), 3), 0);
        replace(ctx, OUTPUTS "/b", "54321");
        finds = checked(ctx, true, true);
        assert_string_equal(finds.lines, "size bucket/a\nchanged bucket/b\n");
        assert_string_equal(fixture_object_text(ctx, "b"), "54321"); /* a reader mends it */
        finds = checked(ctx, true, false);
        assert_string_equal(finds.lines, "size bucket/a\n");
}

static void other_bytes_are_found_with_hashes_only(void **state)
{
        static const off_t places[] = { 0, 5 * (off_t)MiB, 10 * (off_t)MiB + 6 };
        struct ctx *ctx = *state;
        struct finds finds;

        put_both(ctx);
        damage(ctx, OUTPUTS "/a", "X", 2);
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "");
        finds = checked(ctx, true, true);
        assert_string_equal(finds.lines, "content bucket/a\n");
        damage(ctx, OUTPUTS "/a", "3", 2);
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                damage(ctx, OUTPUTS "/p", "y", places[i]);
                finds = checked(ctx, true, false);
                assert_string_equal(finds.lines, "content bucket/p\n");
                damage(ctx, OUTPUTS "/p", "x", places[i]);
        }
        finds = checked(ctx, true, false);
        assert_string_equal(finds.lines, "");
}

static void wrong_sizes_of_parts_are_no_match(void **state)
{
        static const char *const wrong[] = { "10485767x1", "5242880x2",    "5242880x3 7x1",
                                             "nonsense",   "5242880x",     "5242880x2 8x1",
                                             "-1x1",       "5242880x2 6x1" };
        struct ctx *ctx = *state;

        put_both(ctx);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct finds finds;

                fixture_sql(ctx, arena_printf(ctx->arena,
                                              "UPDATE objects SET part_sizes = '%s' "
                                              "WHERE object_key = 'p'",
                                              wrong[i]));
                finds = checked(ctx, true, false);
                assert_string_equal(finds.lines, "content bucket/p\n");
        }
}

static void missing_parts_are_found(void **state)
{
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "open", .number = 3, .size = 5
        };
        struct ctx *ctx = *state;
        struct finds finds;
        const char *file;
        struct part part;

        intent.upload_id = fixture_multipart(ctx, "open");
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        file = arena_printf(ctx->arena, "outputs/.multipart/%s/%s", intent.upload_id, part.file);
        assert_int_equal(truncate(fixture_path(ctx, file), 3), 0);
        finds = checked(ctx, false, true);
        assert_string_equal(finds.lines, "part bucket/open\n");
        assert_int_equal(unlink(fixture_path(ctx, file)), 0);
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "part bucket/open\n");
}

static void wrong_totals_are_found_and_set_right(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "a", "12345"));
        fixture_bucket_insert(ctx, "other", "local");
        fixture_sql(ctx, "UPDATE buckets SET files = 7 WHERE bucket = '" FIXTURE_BUCKET "'");
        fixture_sql(ctx, "UPDATE buckets SET bytes = -1 WHERE bucket = 'other'");
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "totals bucket/\ntotals other/\n");
        finds = checked(ctx, false, true);
        assert_string_equal(finds.lines, "totals bucket/!\ntotals other/!\n");
        finds = checked(ctx, false, false);
        assert_string_equal(finds.lines, "");
        assert_int_equal(fixture_number(ctx, "SELECT SUM(files) * 10 + SUM(bytes) FROM buckets"),
                         15);
}

static void more_objects_than_a_page_are_all_checked(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        for (int i = 0; i < 1001; i++)
                assert_ok(ctx, fixture_upload(ctx, arena_printf(ctx->arena, "%04d", i), ""));
        assert_int_equal(unlink(fixture_path(ctx, OUTPUTS "/0500")), 0);
        assert_int_equal(unlink(fixture_path(ctx, OUTPUTS "/1000")), 0);
        finds = checked(ctx, false, false);
        assert_int_equal(finds.report.objects, 1001);
        assert_string_equal(finds.lines, "no_file bucket/0500\nno_file bucket/1000\n");
}

static bool work_and_check(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (unsigned i = 0; i < 12; i++) {
                const char *key = arena_printf(ctx->arena, "dir/%u", i % 3);
                struct finds finds = { .ctx = ctx };
                const struct storage_check check = { true, true, take, &finds };
                enum err rc = index == 0  ? storage_check(ctx, &check, &finds.report)
                              : index % 2 ? fixture_upload(ctx, key, i % 2 ? "one" : "three")
                                          : object_remove(ctx, FIXTURE_BUCKET, key);

                if (rc != OK && rc != ERR_UNAVAILABLE)
                        return false;
                if (*finds.lines) {
                        print_error("%s", finds.lines);
                        return false;
                }
        }
        return true;
}

static void uploads_going_on_are_no_findings(void **state)
{
        fixture_threads(*state, 5, work_and_check, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(nothing_is_found_where_nothing_is_wrong),
                FIXTURE_STORAGE_TEST(a_row_without_its_file_is_found_and_may_go),
                FIXTURE_STORAGE_TEST(a_file_without_a_row_is_found_and_stays),
                FIXTURE_STORAGE_TEST(a_file_that_is_being_written_is_no_finding),
                FIXTURE_STORAGE_TEST(another_size_and_a_replaced_file_are_found),
                FIXTURE_STORAGE_TEST(other_bytes_are_found_with_hashes_only),
                FIXTURE_STORAGE_TEST(wrong_sizes_of_parts_are_no_match),
                FIXTURE_STORAGE_TEST(missing_parts_are_found),
                FIXTURE_STORAGE_TEST(wrong_totals_are_found_and_set_right),
                FIXTURE_STORAGE_TEST(more_objects_than_a_page_are_all_checked),
                FIXTURE_STORAGE_TEST(uploads_going_on_are_no_findings),
        };

        return FIXTURE_RUN("storage fsck", tests);
}
