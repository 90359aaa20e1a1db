/* The kept log against real SQLite: what was committed before a moment is in the database of that
 * moment, what came later is not, whoever else works on the file; and what cannot be known is
 * never claimed. */
#include "tests/fixture_wal.h"

static void what_was_committed_before_a_moment_is_in_its_database(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t times[8];

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 5);
        times[0] = fixture_wal_look(ctx, capture, "first");
        for (int i = 1; i < 8; i++) {
                fixture_wal_mark(ctx, 5 * i + 1, 5 * i + 5);
                times[i] = fixture_wal_look(ctx, capture, NULL);
        }
        fixture_wal_assert_fives(ctx, times, 8);
}

static void a_log_that_begins_anew_leaves_no_gap(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        struct wal_generation *list = NULL;
        int64_t times[9];

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        times[0] = fixture_wal_look(ctx, capture, "first");
        for (int i = 1; i < 9; i++) {
                fixture_wal_mark(ctx, 300 * (i - 1) + 1, 300 * i); /* several pages each */
                times[i] = fixture_wal_look(ctx, capture, NULL);
        }
        assert_ok(ctx, wal_archive_list(ctx, &list));
        assert_true(list->segments > 1);
        for (int i = 0; i < 9; i++)
                assert_int_equal(fixture_wal_marks_at(ctx, times[i]), 300 * i);
}

static void while_it_is_kept_others_cannot_make_a_gap(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t first, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 10);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 11, 20);
        fixture_wal_shell(ctx, "PRAGMA wal_checkpoint(PASSIVE);");
        fixture_wal_mark(ctx, 21, 30);
        fixture_wal_shell(ctx, "PRAGMA busy_timeout = 50; PRAGMA wal_checkpoint(TRUNCATE);");
        fixture_wal_mark(ctx, 31, 40);
        first = fixture_wal_look(ctx, capture, NULL);
        fixture_wal_shell(ctx,
                          "PRAGMA wal_checkpoint(PASSIVE); INSERT INTO marks VALUES (41, 'x');");
        fixture_wal_shell(ctx, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM;");
        second = fixture_wal_look(ctx, capture, NULL);
        assert_int_equal(fixture_wal_marks_at(ctx, first), 40);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 41);
        assert_int_equal(fixture_wal_generations(ctx), 1);
}

static void who_goes_on_later_goes_on_in_the_same_generation(void **state)
{
        struct wal_capture *capture;
        struct ctx *ctx = *state;
        int64_t first, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 10);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 11, 20);
        first = fixture_wal_look(ctx, capture, NULL);
        wal_capture_free(capture);
        fixture_wal_mark(ctx, 21, 30);
        capture = wal_capture_new();
        second = fixture_wal_look(ctx, capture, NULL);
        wal_capture_free(capture);
        assert_int_equal(fixture_wal_marks_at(ctx, first), 20);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 30);
}

static void a_checkpoint_that_nobody_watched_begins_a_generation(void **state)
{
        struct wal_capture *capture;
        struct ctx *ctx = *state;
        struct wal_window *window = NULL;
        int64_t first, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 10);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 11, 20);
        first = fixture_wal_look(ctx, capture, NULL);
        wal_capture_free(capture);
        fixture_wal_mark(ctx, 21, 30);
        fixture_wal_shell(ctx, "PRAGMA wal_checkpoint(TRUNCATE);");
        fixture_wal_mark(ctx, 31, 40);
        capture = wal_capture_new();
        fixture_advance_us(ctx, 10 * FIXTURE_WAL_MINUTE_US);
        second = fixture_wal_look(ctx, capture, "interrupted");
        wal_capture_free(capture);
        assert_int_equal(fixture_wal_marks_at(ctx, first), 20);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 40);
        assert_ok(ctx, wal_windows(ctx, &window));
        assert_non_null(window->next);
        assert_int_equal(window->next->from_us, second);
}

static void only_one_keeps_the_log(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *one = NULL;
        CLEANUP(wal_capture_freep) struct wal_capture *two = NULL;
        struct ctx *ctx = *state;
        struct wal_look seen;

        fixture_only_on(ctx, "sqlite");
        one = wal_capture_new();
        two = wal_capture_new();
        fixture_wal_look(ctx, one, "first");
        assert_ok(ctx, wal_capture_run(ctx, two, &seen));
        assert_true(seen.elsewhere);
        assert_ok(ctx, wal_capture_once(ctx, &seen));
        assert_true(seen.elsewhere);
}

static const struct CMUnitTest tests[] = {
        FIXTURE_WAL_TEST(what_was_committed_before_a_moment_is_in_its_database),
        FIXTURE_WAL_TEST(a_log_that_begins_anew_leaves_no_gap),
        FIXTURE_WAL_TEST(while_it_is_kept_others_cannot_make_a_gap),
        FIXTURE_WAL_TEST(who_goes_on_later_goes_on_in_the_same_generation),
        FIXTURE_WAL_TEST(a_checkpoint_that_nobody_watched_begins_a_generation),
        FIXTURE_WAL_TEST(only_one_keeps_the_log),
};

int main(void)
{
        return FIXTURE_RUN("wal_capture", tests);
}
