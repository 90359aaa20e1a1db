/* The disk of the backups is full: capturing fails, and says so; nothing else is harmed, and what
 * is claimed of that time afterwards is true. */
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/health/health.h"
#include "tests/fixture_wal.h"

/* Files grow no more beyond so much. */
static void limit_files(rlim_t bytes)
{
        struct rlimit limit;

        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A minute later, look, and there is no space; returns the time of it. */
static int64_t look_full(struct ctx *ctx, struct wal_capture *capture)
{
        struct wal_look look;
        enum err rc;

        fixture_advance_us(ctx, FIXTURE_WAL_MINUTE_US);
        limit_files(0);
        rc = wal_capture_run(ctx, capture, &look);
        limit_files(RLIM_INFINITY);
        assert_rc(ctx, ERR_NO_SPACE, rc);
        assert_non_null(strstr(ctx->detail, "no space left"));
        assert_null(look.begun);
        return clock_wall_us(ctx->clock);
}

static int64_t live_marks(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM marks");
}

static unsigned windows(struct ctx *ctx)
{
        struct wal_window *window = NULL;
        unsigned count = 0;

        assert_ok(ctx, wal_windows(ctx, &window));
        for (; window; window = window->next)
                count++;
        return count;
}

static void assert_refused(struct ctx *ctx, int64_t to_us)
{
        struct wal_reach reach;

        assert_rc(ctx, ERR_NOT_FOUND, wal_replay_find(ctx, to_us, &reach));
        assert_non_null(strstr(ctx->detail, "these can: 20"));
}

static void assert_nothing_unfinished(struct ctx *ctx)
{
        const char *dir = NULL;
        glob_t found;

        assert_ok(ctx, wal_archive_dir(ctx, &dir));
        assert_int_equal(glob(arena_printf(ctx->arena, "%s/.new-*", dir), 0, NULL, &found),
                         GLOB_NOMATCH);
        globfree(&found);
}

static void what_found_no_space_is_kept_when_there_is_some_again(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t first, full, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 10);
        first = fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 11, 20);
        look_full(ctx, capture);
        fixture_wal_mark(ctx, 21, 30);
        full = look_full(ctx, capture);
        assert_int_equal(live_marks(ctx), 30);
        assert_refused(ctx, full);
        assert_int_equal(fixture_wal_marks_at(ctx, WAL_LATEST), 10);
        second = fixture_wal_look(ctx, capture, NULL);
        assert_int_equal(windows(ctx), 1);
        assert_int_equal(fixture_wal_marks_at(ctx, first), 10);
        assert_int_equal(fixture_wal_marks_at(ctx, full), 10);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 30);
}

static void without_space_for_the_first_generation_it_begins_later(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t first;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 10);
        look_full(ctx, capture);
        assert_int_equal(windows(ctx), 0);
        assert_nothing_unfinished(ctx);
        first = fixture_wal_look(ctx, capture, "first");
        assert_int_equal(fixture_wal_marks_at(ctx, first), 10);
}

/* Transactions were lost while nobody kept the log, and a generation cannot be begun at once. */
static void a_gap_stays_a_gap_when_there_was_no_space_to_begin_after_it(void **state)
{
        struct wal_capture *capture;
        struct ctx *ctx = *state;
        int64_t first, full, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 10);
        first = fixture_wal_look(ctx, capture, "first");
        wal_capture_free(capture);
        fixture_wal_mark(ctx, 11, 20);
        fixture_wal_shell(ctx, "PRAGMA wal_checkpoint(TRUNCATE);");
        fixture_wal_mark(ctx, 21, 30);
        capture = wal_capture_new();
        full = look_full(ctx, capture);
        assert_nothing_unfinished(ctx);
        fixture_wal_mark(ctx, 31, 40);
        second = fixture_wal_look(ctx, capture, "interrupted");
        wal_capture_free(capture);
        assert_int_equal(windows(ctx), 2);
        assert_int_equal(fixture_wal_marks_at(ctx, first), 10);
        assert_refused(ctx, full);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 40);
}

static int64_t log_size(struct ctx *ctx)
{
        struct stat st;

        assert_int_equal(
                stat(arena_printf(ctx->arena, "%s-wal", database_path(ctx->cloud->database)), &st),
                0);
        return st.st_size;
}

static void the_log_is_let_go_when_it_becomes_much_too_large(void **state)
{
        static const char large[] = "INSERT INTO bulk VALUES (zeroblob(90000000))";
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t first, full, second, size;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_sql(ctx, "CREATE TABLE bulk (x BLOB)");
        fixture_wal_mark(ctx, 1, 10);
        first = fixture_wal_look(ctx, capture, "first");
        for (int i = 0; i < 3; i++)
                fixture_sql(ctx, large);
        look_full(ctx, capture);
        look_full(ctx, capture);
        size = log_size(ctx);
        assert_true(size > (int64_t)(256 * MiB));
        fixture_wal_mark(ctx, 11, 20);
        fixture_sql(ctx, large);
        full = look_full(ctx, capture);
        fixture_sql(ctx, large);
        assert_true(log_size(ctx) < size + 50000000);
        assert_int_equal(live_marks(ctx), 20);
        assert_refused(ctx, full);
        fixture_sql(ctx, "DELETE FROM bulk");
        second = fixture_wal_look(ctx, capture, "interrupted");
        assert_int_equal(windows(ctx), 2);
        assert_int_equal(fixture_wal_marks_at(ctx, first), 10);
        assert_refused(ctx, full);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 20);
}

/* ---- no space for a day's base ---- */

static void limit_the_base(struct ctx *ctx, bool is_copying)
{
        (void)ctx;
        limit_files(is_copying ? MiB : RLIM_INFINITY);
}

static void without_space_for_a_base_the_rest_goes_on(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        struct wal_generation *list = NULL;
        struct wal_look look;
        int64_t times[4];

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_sql(ctx, "CREATE TABLE bulk AS SELECT randomblob(6000000) AS x");
        fixture_wal_mark(ctx, 1, 10);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 11, 20);
        fixture_advance_us(ctx, US_PER_DAY);
        times[0] = fixture_wal_look(ctx, capture, "daily");
        fixture_sql(ctx, "UPDATE bulk SET x = zeroblob(6000000)");
        fixture_sql(ctx, "UPDATE bulk SET x = randomblob(6000000)");
        fixture_wal_mark(ctx, 21, 30);
        fixture_advance_us(ctx, (FIXTURE_WAL_DAYS + 1) * US_PER_DAY);
        fixture_wal_at_moments(ctx, limit_the_base);
        assert_rc(ctx, ERR_NO_SPACE, wal_capture_run(ctx, capture, &look));
        limit_files(RLIM_INFINITY);
        times[1] = clock_wall_us(ctx->clock);
        assert_nothing_unfinished(ctx);
        assert_int_equal(fixture_wal_generations(ctx), 1); /* the one that is too old made space */
        fixture_wal_mark(ctx, 31, 40);
        times[2] = fixture_wal_look(ctx, capture, NULL); /* and a base is not tried each time */
        assert_ok(ctx, wal_archive_list(ctx, &list));
        assert_true(list->segments > 1); /* the log began anew */
        fixture_wal_at_no_moments(ctx);
        fixture_advance_us(ctx, US_PER_HOUR);
        times[3] = fixture_wal_look(ctx, capture, "daily");
        assert_int_equal(windows(ctx), 1);
        for (int i = 0; i < 3; i++)
                assert_int_equal(fixture_wal_marks_at(ctx, times[i]), 10 * i + 20);
        assert_int_equal(fixture_wal_marks_at(ctx, times[3]), 40);
}

/* ---- who says so ---- */

static struct health_component kept_log(struct ctx *ctx)
{
        struct health health;

        assert_ok(ctx, health_check(ctx, false, &health));
        for (size_t i = 0; i < health.count; i++) {
                if (strcmp(health.components[i].name, "kept_log") == 0)
                        return health.components[i];
        }
        fail_msg("health does not mention the kept log");
        return (struct health_component){ 0 };
}

static bool doctor_complains(struct ctx *ctx)
{
        CLEANUP(buf_done) struct buf found;
        struct doctor doctor = { 0 };

        buf_init(&doctor.out, MiB);
        doctor_backup(ctx, &doctor);
        found = doctor.out;
        return strstr(buf_str(&found), "The write-ahead log is not being kept");
}

static void health_and_doctor_say_that_it_is_not_kept(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_look(ctx, capture, "first");
        assert_int_equal(kept_log(ctx).status, HEALTH_HEALTHY);
        assert_false(doctor_complains(ctx));
        fixture_wal_mark(ctx, 1, 10);
        look_full(ctx, capture);
        look_full(ctx, capture);
        assert_int_equal(kept_log(ctx).status, HEALTH_DEGRADED);
        assert_non_null(strstr(kept_log(ctx).message, "Last look 120 s ago"));
        assert_true(doctor_complains(ctx));
        fixture_wal_look(ctx, capture, NULL);
        assert_int_equal(kept_log(ctx).status, HEALTH_HEALTHY);
        assert_false(doctor_complains(ctx));
}

static const struct CMUnitTest tests[] = {
        FIXTURE_WAL_TEST(what_found_no_space_is_kept_when_there_is_some_again),
        FIXTURE_WAL_TEST(without_space_for_the_first_generation_it_begins_later),
        FIXTURE_WAL_TEST(a_gap_stays_a_gap_when_there_was_no_space_to_begin_after_it),
        FIXTURE_WAL_TEST(the_log_is_let_go_when_it_becomes_much_too_large),
        FIXTURE_WAL_TEST(without_space_for_a_base_the_rest_goes_on),
        FIXTURE_WAL_TEST(health_and_doctor_say_that_it_is_not_kept),
};

int main(void)
{
        return FIXTURE_RUN("wal_full", tests);
}
