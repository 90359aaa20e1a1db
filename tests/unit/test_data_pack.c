#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/data/data_pack.h"
#include "core/cloud/data/data_walk.h"
#include "tests/fixture_db.h"

static struct data_set set_at(struct ctx *ctx, const char *below)
{
        static struct config config;

        config.home = fixture_dir(ctx);
        ctx->config = &config;
        return (struct data_set){ .field = "dataloader_config[0].instance_data_dir",
                                  .directory = below,
                                  .root = fixture_dir(ctx),
                                  .below = below,
                                  .name = "name" };
}

static void make(struct ctx *ctx, const char *directory)
{
        assert_int_equal(mkdir(fixture_path(ctx, directory), 0700), 0);
}

/* The paths of a walk, each with a space behind it. */
struct seen {
        struct ctx *ctx;
        const char *paths;
        enum err answer;
};

static enum err note(void *arg, const struct data_file *file)
{
        struct seen *seen = arg;

        seen->paths = arena_printf(seen->ctx->arena, "%s%s ", seen->paths, file->path);
        return seen->answer;
}

static void a_walk_meets_the_files_in_the_order_of_names(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct seen seen = { .ctx = ctx, .paths = "" };

        make(ctx, "d");
        make(ctx, "d/b");
        make(ctx, "d/b/x");
        make(ctx, "d/empty");
        make(ctx, "d/.hidden");
        make(ctx, "d/node_modules");
        fixture_write(ctx, "d/c", "c");
        fixture_write(ctx, "d/a", "a");
        fixture_write(ctx, "d/b/2", "2");
        fixture_write(ctx, "d/b/x/1", "1");
        fixture_write(ctx, "d/.hidden/a", "a");
        fixture_write(ctx, "d/node_modules/a", "a");
        fixture_write(ctx, "d/a.pem", "a");
        assert_int_equal(symlink("a", fixture_path(ctx, "d/link")), 0);
        assert_int_equal(symlink("b", fixture_path(ctx, "d/linked")), 0);
        assert_int_equal(mkfifo(fixture_path(ctx, "d/pipe"), 0600), 0);
        assert_ok(ctx, data_walk(ctx, &set, note, &seen));
        assert_string_equal(seen.paths, "a b/2 b/x/1 c ");
}

static void a_walk_ends_with_the_first_refusal(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct seen seen = { .ctx = ctx, .paths = "", .answer = ERR_CONFLICT };

        make(ctx, "d");
        fixture_write(ctx, "d/a", "a");
        fixture_write(ctx, "d/b", "b");
        assert_rc(ctx, ERR_CONFLICT, data_walk(ctx, &set, note, &seen));
        assert_string_equal(seen.paths, "a ");
}

static void a_walk_has_a_deepest_level(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct seen seen = { .ctx = ctx, .paths = "" };
        const char *path = "d";

        make(ctx, path);
        for (unsigned i = 1; i < 32; i++) {
                path = arena_printf(ctx->arena, "%s/d", path);
                make(ctx, path);
        }
        assert_ok(ctx, data_walk(ctx, &set, note, &seen));
        make(ctx, arena_printf(ctx->arena, "%s/d", path));
        assert_rc(ctx, ERR_INVALID, data_walk(ctx, &set, note, &seen));
        assert_non_null(strstr(ctx->detail, "32 levels"));
}

static void names_that_are_no_text_are_refused(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct seen seen = { .ctx = ctx, .paths = "" };

        make(ctx, "d");
        fixture_write(ctx, "d/\xff", "a");
        assert_rc(ctx, ERR_INVALID, data_walk(ctx, &set, note, &seen));
        assert_non_null(strstr(ctx->detail, set.field));
}

static void a_directory_is_measured(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct data_total total;

        make(ctx, "d");
        assert_ok(ctx, data_measure(ctx, &set, &total));
        assert_true(total.files == 0 && total.bytes == 0);
        fixture_write(ctx, "d/a", "12345");
        fixture_write(ctx, "d/b", "");
        assert_ok(ctx, data_measure(ctx, &set, &total));
        assert_true(total.files == 2 && total.bytes == 5);
}

/* Says stop once this many bytes are packed. */
struct stop {
        int64_t after, last;
        unsigned asked;
};

static bool step(void *arg, int64_t done_bytes)
{
        struct stop *stop = arg;

        stop->asked++;
        stop->last = done_bytes;
        return done_bytes < stop->after;
}

static struct data_packing packing_of(const struct data_sets *sets, struct stop *stop)
{
        return (struct data_packing){
                .sets = sets, .limit = { "Somebody", (int64_t)MiB }, .step = step, .arg = stop
        };
}

static void an_archive_has_no_name_and_is_gone_when_closed(void **state)
{
        struct ctx *ctx = *state;
        struct data_set sets[2] = { set_at(ctx, "d"), set_at(ctx, "d") };
        struct data_sets both = { sets, 2 };
        struct stop stop = { .after = INT64_MAX };
        struct data_packing packing = packing_of(&both, &stop);
        CLEANUP(close_fdp) int fd = -1;
        CLEANUP(close_fdp) int again = -1;
        struct stat st;
        int64_t size;

        make(ctx, "d");
        fixture_write(ctx, "d/a", "12345");
        sets[1].repeats = true;
        assert_ok(ctx, data_pack(ctx, &packing, &fd, &size));
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_nlink, 0);
        assert_int_equal(st.st_size, size);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(stop.last, 5); /* the repeated one was left out */
        assert_int_equal(rmdir(fixture_path(ctx, "run")), 0);
        again = open(data_pack_path(ctx, fd), O_RDONLY | O_CLOEXEC);
        assert_true(again >= 0);
        assert_int_equal(fstat(again, &st), 0);
        assert_int_equal(st.st_size, size);
}

static void packing_stops_when_it_is_told_to(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct data_sets one = { &set, 1 };
        struct stop stop = { .after = 3 };
        struct data_packing packing = packing_of(&one, &stop);
        struct data_total total;
        int64_t size;
        int fd;

        make(ctx, "d");
        fixture_write(ctx, "d/a", "12");
        fixture_write(ctx, "d/b", "34");
        fixture_write(ctx, "d/c", "56");
        assert_rc(ctx, ERR_CONFLICT, data_pack(ctx, &packing, &fd, &size));
        assert_int_equal(stop.asked, 2);
        stop = (struct stop){ .after = 0 };
        assert_rc(ctx, ERR_CONFLICT, data_measure_all(ctx, &packing, &total));
        assert_int_equal(stop.asked, 1);
}

static void too_much_and_nothing_are_refused(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct data_sets one = { &set, 1 };
        struct stop stop = { .after = INT64_MAX };
        struct data_packing packing = packing_of(&one, &stop);
        struct data_total total;
        const char *large;
        int64_t size;
        int fd;

        make(ctx, "d");
        assert_rc(ctx, ERR_INVALID, data_measure_all(ctx, &packing, &total));
        assert_string_equal(ctx->detail, "No safe files found to upload");
        assert_rc(ctx, ERR_INVALID, data_pack(ctx, &packing, &fd, &size));
        assert_string_equal(ctx->detail, "No safe files found to upload");

        large = fixture_write(ctx, "d/a", "");
        assert_int_equal(truncate(large, (off_t)(3 * MiB / 2)), 0);
        assert_rc(ctx, ERR_INVALID, data_measure_all(ctx, &packing, &total));
        assert_string_equal(ctx->detail, "Estimated dataset size 1.5 MiB exceeds Somebody's 1 MiB "
                                         "upload limit");
        assert_rc(ctx, ERR_INVALID, data_pack(ctx, &packing, &fd, &size));
        assert_true(stop.last <= (int64_t)MiB);
}

static void an_archive_larger_than_its_files_is_refused_too(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct data_sets one = { &set, 1 };
        struct stop stop = { .after = INT64_MAX };
        struct data_packing packing = packing_of(&one, &stop);
        int64_t size;
        int fd;

        make(ctx, "d");
        fixture_write(ctx, "d/a", "1234567890");
        packing.limit.max_bytes = 20;
        assert_rc(ctx, ERR_INVALID, data_pack(ctx, &packing, &fd, &size));
        assert_non_null(strstr(ctx->detail, "Archive size"));
}

static void without_a_place_for_the_archive_nothing_is_packed(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set = set_at(ctx, "d");
        struct data_sets one = { &set, 1 };
        struct stop stop = { .after = INT64_MAX };
        struct data_packing packing = packing_of(&one, &stop);
        int64_t size;
        int fd;

        make(ctx, "d");
        fixture_write(ctx, "d/a", "1");
        fixture_write(ctx, "run", "a file where the directory should be");
        assert_rc(ctx, ERR_UNAVAILABLE, data_pack(ctx, &packing, &fd, &size));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_walk_meets_the_files_in_the_order_of_names),
                FIXTURE_TEST(a_walk_ends_with_the_first_refusal),
                FIXTURE_TEST(a_walk_has_a_deepest_level),
                FIXTURE_TEST(names_that_are_no_text_are_refused),
                FIXTURE_TEST(a_directory_is_measured),
                FIXTURE_TEST(an_archive_has_no_name_and_is_gone_when_closed),
                FIXTURE_TEST(packing_stops_when_it_is_told_to),
                FIXTURE_TEST(too_much_and_nothing_are_refused),
                FIXTURE_TEST(an_archive_larger_than_its_files_is_refused_too),
                FIXTURE_TEST(without_a_place_for_the_archive_nothing_is_packed),
        };

        return cmocka_run_group_tests_name("data pack", tests, NULL, NULL);
}
