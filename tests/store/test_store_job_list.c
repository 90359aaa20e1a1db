#include <stdio.h>
#include <string.h>

#include "core/store/store_job_list.h"
#include "tests/fixture_db.h"

#define JOBS     12
#define LIST_MAX 32

/* What a list showed: the numbers in the jobs' ids, in its order. */
struct shown {
        unsigned numbers[LIST_MAX];
        unsigned count;
        char last_id[CTX_ID_SIZE];
};

static void show(void *arg, const struct job *job)
{
        struct shown *shown = arg;
        unsigned number = 0;

        assert_in_range(shown->count, 0, LIST_MAX - 1);
        for (const char *c = job->job_id + strlen(job->job_id) - 4; *c; c++)
                number = number * 10 + (unsigned)(*c - '0');
        shown->numbers[shown->count++] = number;
        snprintf(shown->last_id, CTX_ID_SIZE, "%s", job->job_id);
}

/* Jobs 0 to JOBS - 1: the even ones are of "replicate", the odd ones of "elsewhere"; every third
 * one has ended. Written in an order that is not theirs. */
static int setup(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx;

        fixture_db_setup(state);
        ctx = *state;
        assert_ok(ctx, db_begin(ctx, &tx));
        for (unsigned i = 0; i < JOBS; i++) {
                const struct job_news end = { .status = JOB_COMPLETED, .cost_usd_micros = 1 };
                unsigned n = i * 5 % JOBS;
                struct job job = {
                        .job_id = arena_printf(ctx->arena, "01hm3v0000000000000000%04u", n),
                        .status = JOB_PENDING,
                        .provider = n % 2 ? "elsewhere" : "replicate",
                        .metadata = "{}",
                        .owner = "local",
                        .created_at_us = FIXTURE_TIME_US + n,
                };
                bool moved;

                assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
                if (n % 3 == 0)
                        assert_ok(ctx, store_job_apply(ctx, &job, &end, &moved, NULL));
        }
        assert_ok(ctx, db_commit(&tx));
        return 0;
}

static void assert_lists(struct ctx *ctx, struct job_filter filter, const unsigned *expected,
                         unsigned count)
{
        struct shown shown = { .count = 0 };

        filter.limit = LIST_MAX;
        assert_ok(ctx, store_jobs_each(ctx, &filter, show, &shown));
        assert_int_equal(shown.count, count);
        assert_memory_equal(shown.numbers, expected, count * sizeof(*expected));
}

static void a_list_begins_with_the_newest_job(void **state)
{
        static const unsigned all[] = { 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };

        assert_lists(*state, (struct job_filter){ 0 }, all, ARRAY_SIZE(all));
}

static void a_filter_keeps_what_matches_it(void **state)
{
        static const unsigned ended[] = { 9, 6, 3, 0 }, elsewhere[] = { 11, 9, 7, 5, 3, 1 },
                              both[] = { 6, 0 };
        const struct job_filter of_status = { .status = "completed" },
                                of_provider = { .provider = "elsewhere" },
                                of_both = { .status = "completed", .provider = "replicate" },
                                of_none = { .status = "failed" };

        assert_lists(*state, of_status, ended, ARRAY_SIZE(ended));
        assert_lists(*state, of_provider, elsewhere, ARRAY_SIZE(elsewhere));
        assert_lists(*state, of_both, both, ARRAY_SIZE(both));
        assert_lists(*state, of_none, ended, 0);
}

static void the_total_counts_what_the_filter_keeps(void **state)
{
        const struct {
                struct job_filter filter;
                int64_t count;
        } cases[] = {
                { { 0 }, JOBS },
                { { .status = "completed" }, 4 },
                { { .status = "pending" }, 8 },
                { { .provider = "elsewhere" }, 6 },
                { { .status = "completed", .provider = "replicate" }, 2 },
                { { .status = "completed", .provider = "nobody" }, 0 },
                { { .before_id = "0", .limit = 1 }, JOBS }, /* a page is not a filter */
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int64_t count = -1;

                assert_ok(ctx, store_jobs_count(ctx, &cases[i].filter, &count));
                assert_int_equal(count, cases[i].count);
        }
}

/* Follow the pages of a filter to the end. */
static unsigned walk(struct ctx *ctx, struct job_filter filter, unsigned *ret_numbers)
{
        char before[CTX_ID_SIZE];
        unsigned count = 0;

        for (;;) {
                struct shown page = { .count = 0 };

                assert_ok(ctx, store_jobs_each(ctx, &filter, show, &page));
                assert_in_range(page.count, 0, filter.limit);
                if (page.count == 0)
                        return count;
                memcpy(ret_numbers + count, page.numbers, page.count * sizeof(*ret_numbers));
                count += page.count;
                snprintf(before, sizeof(before), "%s", page.last_id);
                filter.before_id = before;
        }
}

static void pages_of_every_size_show_each_job_once(void **state)
{
        for (unsigned limit = 1; limit <= JOBS + 1; limit++) {
                unsigned numbers[LIST_MAX];

                assert_int_equal(walk(*state, (struct job_filter){ .limit = limit }, numbers),
                                 JOBS);
                for (unsigned i = 0; i < JOBS; i++)
                        assert_int_equal(numbers[i], JOBS - 1 - i);
        }
}

static void pages_keep_to_their_filter(void **state)
{
        static const unsigned ended[] = { 9, 6, 3, 0 };
        unsigned numbers[LIST_MAX];

        assert_int_equal(
                walk(*state, (struct job_filter){ .limit = 3, .status = "completed" }, numbers),
                ARRAY_SIZE(ended));
        assert_memory_equal(numbers, ended, sizeof(ended));
}

static void a_page_may_begin_further_on(void **state)
{
        const struct job_filter ended = { .status = "completed", .limit = 2, .offset = 1 },
                                all = { .limit = LIST_MAX, .offset = JOBS - 1 },
                                none = { .limit = LIST_MAX, .offset = JOBS };
        struct shown shown = { .count = 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, store_jobs_each(ctx, &ended, show, &shown));
        assert_int_equal(shown.count, 2);
        assert_int_equal(shown.numbers[0], 6);
        assert_ok(ctx, store_jobs_each(ctx, &all, show, &shown));
        assert_int_equal(shown.count, 3);
        assert_int_equal(shown.numbers[2], 0);
        assert_ok(ctx, store_jobs_each(ctx, &none, show, &shown));
        assert_int_equal(shown.count, 3);
}

static void a_list_may_be_of_one_owner(void **state)
{
        const struct job_filter local = { .owner = "local", .limit = LIST_MAX },
                                other = { .owner = "somebody", .limit = LIST_MAX },
                                narrow = { .owner = "local",
                                           .provider = "replicate",
                                           .status = "completed",
                                           .limit = LIST_MAX };
        struct shown shown = { .count = 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, store_jobs_each(ctx, &other, show, &shown));
        assert_int_equal(shown.count, 0);
        assert_ok(ctx, store_jobs_each(ctx, &local, show, &shown));
        assert_int_equal(shown.count, JOBS);
        assert_ok(ctx, store_jobs_each(ctx, &narrow, show, &shown));
        assert_int_equal(shown.count, JOBS + 2);
}

static void those_that_wait_are_listed_oldest_first(void **state)
{
        struct waiting_job *jobs;
        struct ctx *ctx = *state;
        size_t count;

        assert_ok(ctx, store_jobs_waiting(ctx, LIST_MAX, &jobs, &count));
        assert_int_equal(count, 8); /* all but every third */
        assert_string_equal(jobs[0].job_id, "01hm3v00000000000000000001");
        assert_string_equal(jobs[0].provider, "elsewhere");
        assert_string_equal(jobs[7].job_id, "01hm3v00000000000000000011");
        assert_ok(ctx, store_jobs_waiting(ctx, 3, &jobs, &count));
        assert_int_equal(count, 3);
        assert_string_equal(jobs[2].job_id, "01hm3v00000000000000000004");
}

static void a_job_that_comes_meanwhile_does_not_move_the_next_page(void **state)
{
        struct job_filter filter = { .limit = 5 };
        struct shown first = { .count = 0 }, second = { .count = 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, store_jobs_each(ctx, &filter, show, &first));
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
                const struct job newer = { .job_id = "01hm3v00000000000000009999",
                                           .status = JOB_PENDING,
                                           .provider = "replicate",
                                           .metadata = "{}",
                                           .owner = "local",
                                           .created_at_us = 1 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, store_job_insert(ctx, &newer, &(struct job_secrets){ 0 }));
                assert_ok(ctx, db_commit(&tx));
        }
        filter.before_id = first.last_id;
        assert_ok(ctx, store_jobs_each(ctx, &filter, show, &second));
        assert_int_equal(second.numbers[0], first.numbers[4] - 1);
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_list_begins_with_the_newest_job),
                TEST(a_filter_keeps_what_matches_it),
                TEST(the_total_counts_what_the_filter_keeps),
                TEST(pages_of_every_size_show_each_job_once),
                TEST(pages_keep_to_their_filter),
                TEST(a_page_may_begin_further_on),
                TEST(a_list_may_be_of_one_owner),
                TEST(those_that_wait_are_listed_oldest_first),
                TEST(a_job_that_comes_meanwhile_does_not_move_the_next_page),
        };

        return FIXTURE_RUN("store job list", tests);
}
