#include "core/store/store_submissions.h"
#include "tests/fixture_db.h"

#define NOW     FIXTURE_TIME_US
#define CLAIM   (15 * US_PER_S)
#define HORIZON (NOW + 20 * 60 * US_PER_S)

static struct submission new_row(const char *job_id, int64_t run_at_us)
{
        return (struct submission){ .job_id = job_id,
                                    .run_at_us = run_at_us,
                                    .stage = STAGE_SCANNING,
                                    .updated_at_us = NOW };
}

static struct submission inserted(struct ctx *ctx, struct submission row)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_submission_insert(ctx, &row));
        assert_ok(ctx, db_commit(&tx));
        return row;
}

static struct submission stored(struct ctx *ctx, const char *job_id)
{
        struct submission row;

        assert_ok(ctx, store_submission_get(ctx, job_id, &row));
        return row;
}

/* True: the claim was the one seen, and the row is written. */
static bool update(struct ctx *ctx, const struct submission *next, int64_t claimed_until_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool held = false;

        if (db_begin(ctx, &tx) != OK ||
            store_submission_update(ctx, next, claimed_until_us, &held) != OK ||
            db_commit(&tx) != OK)
                return false;
        return held;
}

static bool claim(struct ctx *ctx, const struct submission *row, int64_t until_us)
{
        struct submission next = *row;

        next.claimed_until_us = until_us;
        return update(ctx, &next, row->claimed_until_us);
}

static bool stop(struct ctx *ctx, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        bool stopped = false;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_submission_stop(ctx, job_id, "why", &stopped));
        assert_ok(ctx, db_commit(&tx));
        return stopped;
}

static void a_row_reads_back_as_it_was_written(void **state)
{
        struct ctx *ctx = *state;
        const struct submission written = { .job_id = "a",
                                            .run_at_us = NOW,
                                            .claimed_until_us = NOW + 1,
                                            .stage = STAGE_UPLOADING,
                                            .bytes_done = 7,
                                            .bytes_total = INT64_C(1) << 40,
                                            .message = "Sending \xc3\xa9",
                                            .updated_at_us = NOW + 2 };
        struct submission read;

        inserted(ctx, written);
        read = stored(ctx, "a");
        assert_string_equal(read.job_id, "a");
        assert_string_equal(read.message, written.message);
        assert_int_equal(read.stage, STAGE_UPLOADING);
        assert_true(read.run_at_us == NOW && read.claimed_until_us == NOW + 1);
        assert_true(read.bytes_done == 7 && read.bytes_total == INT64_C(1) << 40);
        assert_true(read.updated_at_us == NOW + 2);
        assert_rc(ctx, ERR_NOT_FOUND, store_submission_get(ctx, "b", &read));
}

static void every_stage_has_a_name_that_reads_back(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < STAGE_COUNT; i++) {
                const char *id = submission_stage_name((enum submission_stage)i);
                struct submission row = new_row(id, NOW);

                row.stage = (enum submission_stage)i;
                inserted(ctx, row);
                assert_int_equal(stored(ctx, id).stage, i);
        }
}

static enum err due_at(struct ctx *ctx, int64_t now_us, int64_t horizon_us, struct submission *ret)
{
        const struct due due = { now_us, horizon_us };

        return store_submission_due(ctx, &due, ret);
}

static void the_longest_due_comes_first(void **state)
{
        struct ctx *ctx = *state;
        struct submission due;

        assert_rc(ctx, ERR_NOT_FOUND, due_at(ctx, NOW, HORIZON, &due));
        inserted(ctx, new_row("later", NOW + 1));
        inserted(ctx, new_row("never", 0));
        assert_rc(ctx, ERR_NOT_FOUND, due_at(ctx, NOW, HORIZON, &due));
        inserted(ctx, new_row("second", NOW - 1));
        inserted(ctx, new_row("first", NOW - 2));
        assert_ok(ctx, due_at(ctx, NOW, HORIZON, &due));
        assert_string_equal(due.job_id, "first");
        assert_true(claim(ctx, &due, NOW + CLAIM));
        assert_ok(ctx, due_at(ctx, NOW, HORIZON, &due));
        assert_string_equal(due.job_id, "second");
}

static void a_claim_that_ran_out_is_free_again(void **state)
{
        struct ctx *ctx = *state;
        struct submission row = inserted(ctx, new_row("a", NOW)), due;

        assert_true(claim(ctx, &row, NOW + CLAIM));
        assert_rc(ctx, ERR_NOT_FOUND, due_at(ctx, NOW + CLAIM - 1, HORIZON, &due));
        assert_ok(ctx, due_at(ctx, NOW + CLAIM, HORIZON, &due));
        assert_true(due.claimed_until_us == NOW + CLAIM);
}

static void times_of_a_clock_that_was_set_back_are_over(void **state)
{
        struct ctx *ctx = *state;
        struct submission row = inserted(ctx, new_row("a", HORIZON + 1)), due;

        assert_ok(ctx, due_at(ctx, NOW, HORIZON, &due));
        assert_true(claim(ctx, &row, HORIZON));
        assert_rc(ctx, ERR_NOT_FOUND, due_at(ctx, NOW, HORIZON, &due));
        assert_ok(ctx, due_at(ctx, NOW, HORIZON - 1, &due));
}

static void who_lost_its_claim_writes_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct submission row = inserted(ctx, new_row("a", NOW)), mine, other;

        mine = row;
        mine.claimed_until_us = NOW + CLAIM;
        assert_true(update(ctx, &mine, 0));
        other = stored(ctx, "a");
        other.claimed_until_us = NOW + 2 * CLAIM;
        other.bytes_done = 1;
        assert_true(update(ctx, &other, NOW + CLAIM));
        mine.bytes_done = 99;
        assert_false(update(ctx, &mine, NOW + CLAIM));
        assert_int_equal(stored(ctx, "a").bytes_done, 1);
}

static bool claim_all(struct ctx *ctx, unsigned index, void *arg)
{
        int64_t *taken = arg;
        struct submission due;
        enum err rc;

        while ((rc = due_at(ctx, NOW, HORIZON, &due)) == OK) {
                if (claim(ctx, &due, NOW + CLAIM + index))
                        taken[index]++;
        }
        return rc == ERR_NOT_FOUND;
}

static void of_many_at_once_one_gets_each_claim(void **state)
{
        struct ctx *ctx = *state;
        int64_t taken[4] = { 0 };

        for (unsigned i = 0; i < 20; i++)
                inserted(ctx, new_row(arena_printf(ctx->arena, "job %u", i), NOW - i));
        fixture_strangers(ctx, 4, claim_all, taken);
        assert_int_equal(taken[0] + taken[1] + taken[2] + taken[3], 20);
}

static void only_what_the_provider_has_not_heard_of_is_stopped(void **state)
{
        struct ctx *ctx = *state;
        static const struct {
                enum submission_stage stage;
                bool stops;
        } rules[] = {
                { STAGE_SCANNING, true },    { STAGE_PACKAGING, true }, { STAGE_UPLOADING, true },
                { STAGE_SUBMITTING, false }, { STAGE_COMPLETE, false }, { STAGE_ERROR, false },
        };

        assert_false(stop(ctx, "nobody"));
        for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
                const char *id = submission_stage_name(rules[i].stage);
                struct submission row = new_row(id, NOW);

                row.stage = rules[i].stage;
                row.claimed_until_us = NOW + CLAIM;
                inserted(ctx, row);
                assert_int_equal(stop(ctx, id), rules[i].stops);
                row = stored(ctx, id);
                assert_int_equal(row.stage, rules[i].stops ? STAGE_ERROR : rules[i].stage);
                assert_int_equal(row.run_at_us == 0, rules[i].stops);
                assert_int_equal(row.claimed_until_us == 0, rules[i].stops);
        }
}

static void those_in_line_are_not_forgotten(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = NOW + 600 * US_PER_S;
        struct submission row;

        inserted(ctx, new_row("waits", NOW));
        row = new_row("works", NOW);
        row.claimed_until_us = now_us + 1;
        inserted(ctx, row);
        row = new_row("asks", NOW); /* when it began is what counts here */
        row.stage = STAGE_SUBMITTING;
        inserted(ctx, row);
        inserted(ctx, new_row("ended", 0));
        row = new_row("fresh", NOW);
        row.updated_at_us = now_us - 1;
        inserted(ctx, row);
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_submissions_touch(ctx, now_us));
        assert_ok(ctx, db_commit(&tx));
        assert_true(stored(ctx, "waits").updated_at_us == now_us);
        assert_true(stored(ctx, "works").updated_at_us == NOW);
        assert_true(stored(ctx, "asks").updated_at_us == NOW);
        assert_true(stored(ctx, "ended").updated_at_us == NOW);
        assert_true(stored(ctx, "fresh").updated_at_us == now_us - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_row_reads_back_as_it_was_written),
                FIXTURE_DB_TEST(every_stage_has_a_name_that_reads_back),
                FIXTURE_DB_TEST(the_longest_due_comes_first),
                FIXTURE_DB_TEST(a_claim_that_ran_out_is_free_again),
                FIXTURE_DB_TEST(times_of_a_clock_that_was_set_back_are_over),
                FIXTURE_DB_TEST(who_lost_its_claim_writes_nothing),
                FIXTURE_DB_TEST(of_many_at_once_one_gets_each_claim),
                FIXTURE_DB_TEST(only_what_the_provider_has_not_heard_of_is_stopped),
                FIXTURE_DB_TEST(those_in_line_are_not_forgotten),
        };

        return FIXTURE_RUN("store submissions", tests);
}
