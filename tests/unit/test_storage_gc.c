#include "core/cloud/storage/storage_gc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fixture_job.h"
#include "tests/fixture_storage.h"

#define OUTPUTS "outputs/" FIXTURE_BUCKET

/* What was found, a line for each: "file - .../path 12", with "+" for what is gone. */
struct finds {
        struct ctx *ctx;
        const char *lines[32];
        size_t count;
        int64_t bytes;
};

static void take(void *arg, const struct storage_waste *waste)
{
        struct finds *finds = arg;

        assert_in_range(finds->count, 0, 31);
        finds->lines[finds->count++] =
                strdup(arena_printf(finds->ctx->arena, "%s %s %s", storage_waste_name(waste->kind),
                                    waste->removed ? "+" : "-", waste->path));
        finds->bytes += waste->bytes;
}

static struct finds collected(struct ctx *ctx, bool dry_run)
{
        struct finds finds = { .ctx = ctx };
        const struct storage_gc gc = { dry_run, take, &finds };

        assert_ok(ctx, storage_gc(ctx, &gc));
        return finds;
}

static bool was_found(const struct finds *finds, const char *kind, const char *path_end)
{
        for (size_t i = 0; i < finds->count; i++) {
                const char *line = finds->lines[i];

                if (strncmp(line, kind, strlen(kind)) == 0 && strlen(line) > strlen(path_end) &&
                    strcmp(line + strlen(line) - strlen(path_end), path_end) == 0)
                        return true;
        }
        return false;
}

static void forget(struct finds *finds)
{
        for (size_t i = 0; i < finds->count; i++)
                free((char *)(uintptr_t)finds->lines[i]);
        finds->count = 0;
}

/* The clock of tests stands at 2024: what is older than that is old. */
static void age(struct ctx *ctx, const char *name)
{
        const struct timespec old[2] = { { .tv_sec = 1600000000 }, { .tv_sec = 1600000000 } };

        assert_int_equal(utimensat(AT_FDCWD, fixture_path(ctx, name), old, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_old(struct ctx *ctx, const char *name, const char *text)
{
        fixture_write(ctx, name, text);
        age(ctx, name);
}

static bool is_there(struct ctx *ctx, const char *name)
{
        return access(fixture_path(ctx, name), F_OK) == 0;
}

static void nothing_is_found_where_nothing_is_wrong(void **state)
{
        struct ctx *ctx = *state;
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "b", .number = 7, .size = 5
        };
        struct finds finds;
        struct part part;

        fixture_config(ctx)->stale_upload_hours = 24;
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 0);
        assert_ok(ctx, fixture_upload(ctx, "dir/sub/a", "1"));
        assert_ok(ctx, fixture_upload(ctx, "dir//b/", "2"));
        age(ctx, OUTPUTS "/dir/sub/a");
        age(ctx, OUTPUTS "/dir/.slash/b/.slash");
        intent.upload_id = fixture_multipart(ctx, "b");
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        age(ctx, arena_printf(ctx->arena, "outputs/.multipart/%s/%s", intent.upload_id, part.file));
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 0);
        assert_int_equal(fixture_count_files(ctx, "outputs"), 3);
}

static void old_files_without_a_row_go_with_their_directories(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "dir/sub/kept", "1"));
        assert_ok(ctx, fixture_upload(ctx, "gone/sub/x", "1"));
        fixture_sql(ctx, "DELETE FROM objects WHERE object_key = 'gone/sub/x'");
        age(ctx, OUTPUTS "/gone/sub/x");
        make_old(ctx, OUTPUTS "/dir/sub/orphan", "12345");
        make_old(ctx, OUTPUTS "/dir/.slash", "67");
        fixture_write(ctx, OUTPUTS "/dir/young", "8");
        finds = collected(ctx, true);
        assert_int_equal(finds.count, 3);
        assert_true(was_found(&finds, "file -", "/dir/sub/orphan"));
        forget(&finds);
        assert_true(is_there(ctx, OUTPUTS "/dir/sub/orphan"));
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 3);
        assert_true(finds.bytes == 8);
        assert_true(was_found(&finds, "file +", "/dir/sub/orphan"));
        assert_true(was_found(&finds, "file +", "/dir/.slash"));
        assert_true(was_found(&finds, "file +", "/gone/sub/x"));
        forget(&finds);
        assert_false(is_there(ctx, OUTPUTS "/dir/sub/orphan"));
        assert_false(is_there(ctx, OUTPUTS "/gone"));
        assert_true(is_there(ctx, OUTPUTS "/dir/young"));
        assert_string_equal(fixture_object_text(ctx, "dir/sub/kept"), "1");
}

static void a_file_that_is_being_written_stays(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;
        int fd;

        assert_ok(ctx, fixture_upload(ctx, "a", "1"));
        make_old(ctx, OUTPUTS "/new", "half");
        fd = open(fixture_path(ctx, OUTPUTS "/new"), O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 0);
        close(fd);
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 1);
        forget(&finds);
}

static void links_are_named_and_left_alone(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "kept", "1"));
        assert_int_equal(mkdir(fixture_path(ctx, "elsewhere"), 0700), 0);
        make_old(ctx, "elsewhere/precious", "mine");
        assert_int_equal(symlink(fixture_path(ctx, "elsewhere"), fixture_path(ctx, OUTPUTS "/dir")),
                         0);
        assert_int_equal(symlink(fixture_path(ctx, "elsewhere/precious"),
                                 fixture_path(ctx, OUTPUTS "/link")),
                         0);
        assert_int_equal(symlink(fixture_path(ctx, "elsewhere"), fixture_path(ctx, "outputs/x")),
                         0);
        age(ctx, OUTPUTS "/link");
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 2);
        assert_true(was_found(&finds, "unknown -", "/dir"));
        assert_true(was_found(&finds, "unknown -", "/link"));
        forget(&finds);
        assert_true(is_there(ctx, "elsewhere/precious"));
        assert_true(is_there(ctx, OUTPUTS "/link"));
}

static void temporary_files_of_dead_processes_go(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        const struct object_intent intent = { .bucket = FIXTURE_BUCKET, .key = "a", .size = -1 };
        struct finds finds;

        assert_ok(ctx, object_upload_begin(ctx, &intent, &upload));
        fixture_write(ctx, "outputs/.incoming/dead", "half");
        finds = collected(ctx, true);
        assert_int_equal(finds.count, 1);
        forget(&finds);
        assert_true(is_there(ctx, "outputs/.incoming/dead"));
        finds = collected(ctx, false);
        assert_true(finds.count == 1 && finds.bytes == 4);
        assert_true(was_found(&finds, "temporary +", "/.incoming/dead"));
        forget(&finds);
        assert_int_equal(fixture_count_files(ctx, "outputs/.incoming"), 1);
}

static void files_of_parts_that_no_upload_knows_go(void **state)
{
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "b", .number = 1, .size = 5
        };
        struct ctx *ctx = *state;
        struct finds finds;
        struct part part;

        fixture_config(ctx)->stale_upload_hours = 24;
        intent.upload_id = fixture_multipart(ctx, "b");
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        make_old(ctx,
                 arena_printf(ctx->arena, "outputs/.multipart/%s/00001.other", intent.upload_id),
                 "123");
        make_old(ctx, arena_printf(ctx->arena, "outputs/.multipart/%s/odd", intent.upload_id), "1");
        fixture_write(
                ctx,
                arena_printf(ctx->arena, "outputs/.multipart/%s/00002.young", intent.upload_id),
                "1");
        assert_int_equal(mkdir(fixture_path(ctx, "outputs/.multipart/unknown"), 0700), 0);
        make_old(ctx, "outputs/.multipart/unknown/00001.x", "1234");
        finds = collected(ctx, false);
        assert_true(finds.count == 3 && finds.bytes == 8);
        assert_true(was_found(&finds, "part +", "/unknown/00001.x"));
        assert_true(was_found(&finds, "part +", "/00001.other"));
        forget(&finds);
        assert_false(is_there(ctx, "outputs/.multipart/unknown"));
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 2);
}

static void stale_uploads_end(void **state)
{
        struct part_intent intent = {
                .bucket = FIXTURE_BUCKET, .key = "b", .number = 1, .size = 5
        };
        struct ctx *ctx = *state;
        struct finds finds;
        struct part part;

        fixture_config(ctx)->stale_upload_hours = 24;
        intent.upload_id = fixture_multipart(ctx, "b");
        assert_ok(ctx, fixture_part(ctx, &intent, 'x', &part));
        fixture_advance_us(ctx, 25 * US_PER_HOUR);
        finds = collected(ctx, true);
        assert_true(finds.count == 1 && finds.bytes == 5);
        forget(&finds);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM multiparts"), 1);
        finds = collected(ctx, false);
        assert_true(finds.count == 1 && was_found(&finds, "upload +", intent.upload_id));
        forget(&finds);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM multiparts"), 0);
        assert_int_equal(fixture_count_files(ctx, "outputs/.multipart"), 0);
}

static void directories_of_nobody_are_named_and_empty_ones_go(void **state)
{
        struct ctx *ctx = *state;
        struct finds finds;

        assert_ok(ctx, fixture_upload(ctx, "a", "1"));
        assert_int_equal(mkdir(fixture_path(ctx, "outputs/empty"), 0700), 0);
        assert_int_equal(mkdir(fixture_path(ctx, "outputs/empty/er"), 0700), 0);
        assert_int_equal(mkdir(fixture_path(ctx, "outputs/mine"), 0700), 0);
        make_old(ctx, "outputs/mine/precious", "12345");
        finds = collected(ctx, true);
        assert_int_equal(finds.count, 2);
        forget(&finds);
        assert_true(is_there(ctx, "outputs/empty/er"));
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 2);
        assert_true(was_found(&finds, "bucket +", "/empty"));
        assert_true(was_found(&finds, "unknown -", "/mine"));
        forget(&finds);
        assert_false(is_there(ctx, "outputs/empty"));
        assert_true(is_there(ctx, "outputs/mine/precious"));
}

static void what_is_being_fetched_stays(void **state)
{
        struct ctx *ctx = *state;
        const struct job job = fixture_job_inserted(ctx, 1);
        struct finds finds;

        fixture_bucket_insert(ctx, job.job_id, "");
        fixture_sql(ctx, arena_printf(ctx->arena,
                                      "INSERT INTO archives (job_id, state, run_at_us) "
                                      "VALUES ('%s', 'waiting', 1)",
                                      job.job_id));
        assert_int_equal(mkdir(fixture_path(ctx, "outputs"), 0700), 0);
        assert_int_equal(
                mkdir(fixture_path(ctx, arena_printf(ctx->arena, "outputs/%s", job.job_id)), 0700),
                0);
        make_old(ctx, arena_printf(ctx->arena, "outputs/%s/.archive-0123456789ab.part", job.job_id),
                 "123");
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 0);
        fixture_sql(ctx, "UPDATE archives SET state = 'done'");
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 1);
        assert_true(was_found(&finds, "file +", "/.archive-0123456789ab.part"));
        forget(&finds);
}

static void trees_of_any_depth_are_walked(void **state)
{
        struct ctx *ctx = *state;
        char key[1024 + 1] = "";
        struct finds finds;

        for (size_t i = 0; i < 1024; i++)
                key[i] = i % 2 ? '/' : 'd';
        key[1023] = 'f';
        assert_ok(ctx, fixture_upload(ctx, key, "deep"));
        finds = collected(ctx, false);
        assert_int_equal(finds.count, 0);
        assert_string_equal(fixture_object_text(ctx, key), "deep");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(nothing_is_found_where_nothing_is_wrong),
                FIXTURE_STORAGE_TEST(old_files_without_a_row_go_with_their_directories),
                FIXTURE_STORAGE_TEST(a_file_that_is_being_written_stays),
                FIXTURE_STORAGE_TEST(links_are_named_and_left_alone),
                FIXTURE_STORAGE_TEST(temporary_files_of_dead_processes_go),
                FIXTURE_STORAGE_TEST(files_of_parts_that_no_upload_knows_go),
                FIXTURE_STORAGE_TEST(stale_uploads_end),
                FIXTURE_STORAGE_TEST(directories_of_nobody_are_named_and_empty_ones_go),
                FIXTURE_STORAGE_TEST(what_is_being_fetched_stays),
                FIXTURE_STORAGE_TEST(trees_of_any_depth_are_walked),
        };

        return FIXTURE_RUN("storage gc", tests);
}
