/* The kept log over days: each has a generation that follows the one before, so that the change
 * cannot be noticed by who goes back; and what is too old goes, but never all. */
#include <string.h>

#include "tests/fixture_wal.h"

#define DAYS_SEEN 13

/* As large as several pieces of a copy, and not to be packed. */
static const char bulk[] = "CREATE TABLE bulk AS SELECT randomblob(4000000) AS x";

static struct wal_window only_window(struct ctx *ctx)
{
        struct wal_window *window = NULL;

        assert_ok(ctx, wal_windows(ctx, &window));
        assert_non_null(window);
        assert_null(window->next);
        return *window;
}

static struct wal_generation newest(struct ctx *ctx)
{
        struct wal_generation *list = NULL;

        assert_ok(ctx, wal_archive_list(ctx, &list));
        while (list->next)
                list = list->next;
        return *list;
}

static void after_a_day_a_generation_begins_that_follows_the_one_before(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t times[5];

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        for (int i = 0; i < 5; i++) {
                fixture_wal_mark(ctx, 5 * i + 1, 5 * i + 5);
                if (i == 2)
                        fixture_advance_us(ctx, US_PER_DAY);
                times[i] = fixture_wal_look(ctx, capture,
                                            i == 0   ? "first"
                                            : i == 2 ? "daily"
                                                     : NULL);
        }
        assert_int_equal(fixture_wal_generations(ctx), 2);
        assert_true(newest(ctx).follows);
        assert_int_equal(newest(ctx).first_us, times[2]);
        assert_int_equal(only_window(ctx).from_us, times[0]);
        assert_int_equal(only_window(ctx).until_us, times[4]);
        fixture_wal_assert_fives(ctx, times, 5);
}

static void a_day_on_which_nothing_happens_needs_no_generation(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t first, last = 0;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 5);
        first = fixture_wal_look(ctx, capture, "first");
        for (int i = 0; i < 3 * FIXTURE_WAL_DAYS; i++) {
                fixture_advance_us(ctx, US_PER_DAY);
                last = fixture_wal_look(ctx, capture, NULL);
        }
        assert_int_equal(only_window(ctx).from_us, first);
        assert_int_equal(only_window(ctx).until_us, last);
        assert_int_equal(fixture_wal_marks_at(ctx, last), 5);
}

/* ---- while a base is copied ---- */

static struct {
        int64_t marks;
        int64_t times[32]; /* of each mark that was made meanwhile */
        int64_t first;
} meanwhile;

static void mark_meanwhile(struct ctx *ctx, bool is_copying)
{
        if (!is_copying)
                return;
        fixture_advance_us(ctx, FIXTURE_WAL_MINUTE_US);
        fixture_wal_mark(ctx, meanwhile.marks + 1, meanwhile.marks + 1);
        meanwhile.marks++;
        assert_true(meanwhile.marks < meanwhile.first + (int64_t)ARRAY_SIZE(meanwhile.times));
        meanwhile.times[meanwhile.marks - meanwhile.first] = clock_wall_us(ctx->clock);
}

static void moments_while_the_next_base_is_copied_can_be_gone_back_to(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        struct wal_reach reach;
        int64_t end;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_sql(ctx, bulk);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 1, 5);
        meanwhile.marks = meanwhile.first = 5;
        fixture_advance_us(ctx, US_PER_DAY);
        fixture_wal_at_moments(ctx, mark_meanwhile);
        fixture_wal_look(ctx, capture, "daily");
        fixture_wal_at_no_moments(ctx);
        end = newest(ctx).first_us;
        assert_true(meanwhile.marks > meanwhile.first + 4);
        only_window(ctx);
        for (int64_t n = 6; n <= meanwhile.marks; n++) {
                int64_t at_us = meanwhile.times[n - meanwhile.first];

                assert_true(fixture_wal_marks_at(ctx, at_us - 1) < n);
                if (at_us != end)
                        assert_true(fixture_wal_marks_at(ctx, at_us) >= n - 1);
        }
        assert_int_equal(fixture_wal_marks_at(ctx, end), meanwhile.marks);
        assert_ok(ctx, wal_replay_find(ctx, end - 1, &reach));
        assert_int_equal(reach.missing_us, end);
}

static struct {
        unsigned seen;
        int64_t marks;
} stranger;

/* Another program writes all of the log back, so that the next mark begins it anew. */
static void write_back_meanwhile(struct ctx *ctx, bool is_copying)
{
        if (!is_copying || stranger.seen++ > 1)
                return;
        fixture_advance_us(ctx, FIXTURE_WAL_MINUTE_US);
        if (stranger.seen == 1) {
                fixture_wal_shell(ctx, "PRAGMA wal_checkpoint(PASSIVE);");
                return;
        }
        stranger.marks++;
        fixture_wal_mark(ctx, stranger.marks, stranger.marks);
}

static void a_base_over_which_the_log_was_begun_anew_is_not_used(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        struct wal_look look;
        int64_t before, after;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_sql(ctx, bulk);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 1, 200);
        stranger.seen = 0;
        stranger.marks = 200;
        fixture_advance_us(ctx, US_PER_DAY);
        fixture_wal_at_moments(ctx, write_back_meanwhile);
        assert_rc(ctx, ERR_CONFLICT, wal_capture_run(ctx, capture, &look));
        fixture_wal_at_no_moments(ctx);
        assert_int_equal(stranger.marks, 201);
        before = fixture_wal_look(ctx, capture, NULL);
        assert_int_equal(fixture_wal_marks_at(ctx, before), 201);
        fixture_wal_mark(ctx, 202, 202);
        fixture_advance_us(ctx, US_PER_HOUR);
        after = fixture_wal_look(ctx, capture, "daily");
        assert_int_equal(fixture_wal_marks_at(ctx, before), 201);
        assert_int_equal(fixture_wal_marks_at(ctx, after), 202);
        only_window(ctx);
}

/* ---- what is too old ---- */

static void what_is_too_old_goes_and_the_window_moves_on(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        const int oldest = DAYS_SEEN - 1 - FIXTURE_WAL_DAYS; /* a look is more than a day later */
        struct ctx *ctx = *state;
        int64_t times[DAYS_SEEN];
        char from[CLOCK_ISO_SIZE];
        struct wal_reach reach;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        for (int i = 0; i < DAYS_SEEN; i++) {
                fixture_wal_mark(ctx, 5 * i + 1, 5 * i + 5);
                times[i] = fixture_wal_look(ctx, capture, i == 0 ? "first" : "daily");
                fixture_advance_us(ctx, US_PER_DAY);
        }
        assert_int_equal(only_window(ctx).from_us, times[oldest]);
        assert_int_equal(only_window(ctx).until_us, times[DAYS_SEEN - 1]);
        assert_int_equal(fixture_wal_generations(ctx), FIXTURE_WAL_DAYS + 1);
        for (int i = oldest; i < DAYS_SEEN; i++)
                assert_int_equal(fixture_wal_marks_at(ctx, times[i]), 5 * i + 5);
        clock_format_iso(times[oldest], from);
        for (int i = 0; i <= oldest; i++) {
                assert_rc(ctx, ERR_NOT_FOUND, wal_replay_find(ctx, times[i] - 1, &reach));
                assert_non_null(strstr(ctx->detail, from));
        }
}

static void the_newest_generation_stays_however_old_it_is(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t second, last;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 5);
        fixture_wal_look(ctx, capture, "first");
        fixture_wal_mark(ctx, 6, 10);
        fixture_advance_us(ctx, US_PER_DAY);
        second = fixture_wal_look(ctx, capture, "daily");
        fixture_advance_us(ctx, 10 * FIXTURE_WAL_DAYS * US_PER_DAY);
        last = fixture_wal_look(ctx, capture, NULL);
        assert_int_equal(fixture_wal_generations(ctx), 1);
        assert_int_equal(only_window(ctx).from_us, second);
        assert_int_equal(only_window(ctx).until_us, last);
        assert_int_equal(fixture_wal_marks_at(ctx, second), 10);
        assert_int_equal(fixture_wal_marks_at(ctx, last), 10);
}

static void a_window_before_a_gap_goes_as_a_whole(void **state)
{
        struct wal_capture *capture;
        struct ctx *ctx = *state;
        int64_t first, second;
        struct wal_reach reach;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        fixture_wal_mark(ctx, 1, 5);
        first = fixture_wal_look(ctx, capture, "first");
        wal_capture_free(capture);
        fixture_wal_shell(ctx, "PRAGMA wal_checkpoint(TRUNCATE);");
        fixture_wal_mark(ctx, 6, 10);
        capture = wal_capture_new();
        fixture_advance_us(ctx, 3 * US_PER_DAY);
        second = fixture_wal_look(ctx, capture, "interrupted");
        assert_int_equal(fixture_wal_marks_at(ctx, first), 5);
        fixture_advance_us(ctx, (FIXTURE_WAL_DAYS - 2) * US_PER_DAY);
        fixture_wal_look(ctx, capture, NULL);
        wal_capture_free(capture);
        assert_int_equal(only_window(ctx).from_us, second);
        assert_rc(ctx, ERR_NOT_FOUND, wal_replay_find(ctx, first, &reach));
        assert_int_equal(fixture_wal_marks_at(ctx, second), 10);
}

static const struct CMUnitTest tests[] = {
        FIXTURE_WAL_TEST(after_a_day_a_generation_begins_that_follows_the_one_before),
        FIXTURE_WAL_TEST(a_day_on_which_nothing_happens_needs_no_generation),
        FIXTURE_WAL_TEST(moments_while_the_next_base_is_copied_can_be_gone_back_to),
        FIXTURE_WAL_TEST(a_base_over_which_the_log_was_begun_anew_is_not_used),
        FIXTURE_WAL_TEST(what_is_too_old_goes_and_the_window_moves_on),
        FIXTURE_WAL_TEST(the_newest_generation_stays_however_old_it_is),
        FIXTURE_WAL_TEST(a_window_before_a_gap_goes_as_a_whole),
};

int main(void)
{
        return FIXTURE_RUN("wal_days", tests);
}
