#include <stdatomic.h>
#include <string.h>

#include "core/store/store_events.h"
#include "tests/fixture_db.h"

#define WRITERS 8
#define EACH    40
#define ALL     ((struct event_range){ .until_id = INT64_MAX, .limit = 1000 })

static enum err insert(struct ctx *ctx, const char *owner, const char *job_id)
{
        const struct event event = {
                .event = "happened", .owner = owner, .job_id = job_id, .data = "{\"a\":1}"
        };

        return store_event_insert(ctx, &event);
}

static enum err commit_event(struct ctx *ctx, const char *owner, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = insert(ctx, owner, job_id);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err roll_back_event(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        return rc == OK ? insert(ctx, "o", NULL) : rc;
}

/* Ids as they are read: the last one, how many, and whether each was the next of the one before. */
struct ids {
        int64_t last, step;
        unsigned count;
        bool in_order;
};

static bool take_id(void *arg, const struct event *event)
{
        struct ids *ids = arg;

        ids->in_order = ids->in_order && event->event_id == ids->last + ids->step;
        ids->last = event->event_id;
        ids->count++;
        return true;
}

static struct ids read_from(struct ctx *ctx, int64_t after_id)
{
        struct ids ids = { .last = after_id, .step = 1, .in_order = true };
        struct event_range range = ALL;

        range.after_id = after_id;
        assert_ok(ctx, store_events_each(ctx, &range, take_id, &ids));
        return ids;
}

static unsigned count(struct ctx *ctx, const struct event_range *range)
{
        struct ids ids = { 0 };

        assert_ok(ctx, store_events_each(ctx, range, take_id, &ids));
        return ids.count;
}

static bool check_event(void *arg, const struct event *event)
{
        bool *right = arg;

        *right = event->event_id == 1 && event->created_at_us == FIXTURE_TIME_US &&
                 strcmp(event->event, "happened") == 0 && strcmp(event->owner, "ada") == 0 &&
                 strcmp(event->job_id, "j1") == 0 && strcmp(event->data, "{\"a\":1}") == 0;
        return true;
}

static void an_event_is_read_as_it_was_written(void **state)
{
        struct ctx *ctx = *state;
        struct event_range range = ALL;
        bool right = false;

        assert_ok(ctx, commit_event(ctx, "ada", "j1"));
        assert_ok(ctx, store_events_each(ctx, &range, check_event, &right));
        assert_true(right);
}

static void a_rolled_back_event_leaves_no_gap(void **state)
{
        struct ctx *ctx = *state;
        struct ids ids;

        assert_ok(ctx, commit_event(ctx, "o", NULL));
        assert_ok(ctx, roll_back_event(ctx));
        assert_ok(ctx, commit_event(ctx, "o", NULL));
        ids = read_from(ctx, 0);
        assert_int_equal(ids.count, 2);
        assert_true(ids.in_order);
}

static void events_are_found_by_owner_and_by_job(void **state)
{
        struct ctx *ctx = *state;
        struct event_range range = ALL;

        assert_ok(ctx, commit_event(ctx, "ada", "j1"));
        assert_ok(ctx, commit_event(ctx, "ada", NULL));
        assert_ok(ctx, commit_event(ctx, "bob", "j2"));
        assert_int_equal(count(ctx, &range), 3);
        range.owner = "ada";
        assert_int_equal(count(ctx, &range), 2);
        range.job_id = "j1";
        assert_int_equal(count(ctx, &range), 1);
        range.job_id = "j2";
        assert_int_equal(count(ctx, &range), 0);
        range.owner = NULL;
        assert_int_equal(count(ctx, &range), 1);
}

static void a_range_has_two_ends_and_a_limit(void **state)
{
        struct ctx *ctx = *state;
        struct event_range range = { .after_id = 2, .until_id = 5, .limit = 100 };
        struct ids back = { .last = 6, .step = -1, .in_order = true };

        for (unsigned i = 0; i < 8; i++)
                assert_ok(ctx, commit_event(ctx, "o", NULL));
        assert_int_equal(count(ctx, &range), 3);
        range.limit = 2;
        assert_int_equal(count(ctx, &range), 2);
        assert_ok(ctx, store_events_each_back(ctx, &range, take_id, &back));
        assert_int_equal(back.count, 2);
        assert_int_equal(back.last, 4);
        assert_true(back.in_order);
}

static bool take_one(void *arg, const struct event *event)
{
        take_id(arg, event);
        return false;
}

static void the_reader_may_stop(void **state)
{
        struct ctx *ctx = *state;
        struct event_range range = ALL;
        struct ids ids = { 0 };

        assert_ok(ctx, commit_event(ctx, "o", NULL));
        assert_ok(ctx, commit_event(ctx, "o", NULL));
        assert_ok(ctx, store_events_each(ctx, &range, take_one, &ids));
        assert_int_equal(ids.count, 1);
}

static atomic_uint writers_left;

static bool write_many(struct ctx *ctx)
{
        bool ok = true;

        for (unsigned i = 0; i < EACH && ok; i++) {
                ok = (i % 5 != 0 || roll_back_event(ctx) == OK) &&
                     commit_event(ctx, "o", NULL) == OK;
                arena_reset(ctx->arena);
        }
        atomic_fetch_sub(&writers_left, 1);
        return ok;
}

/* What a listener does: each time, go on after the last one seen. */
static bool follow(struct ctx *ctx)
{
        struct ids ids = { .step = 1, .in_order = true };
        bool done = false;

        while (!done && ids.in_order) {
                struct event_range range = ALL;

                done = atomic_load(&writers_left) == 0;
                range.after_id = ids.last;
                if (store_events_each(ctx, &range, take_id, &ids) != OK)
                        return false;
                arena_reset(ctx->arena);
        }
        return ids.in_order && ids.count == (unsigned)WRITERS * EACH;
}

static bool write_or_follow(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        return index == 0 ? follow(ctx) : write_many(ctx);
}

static void a_reader_among_writing_threads_sees_every_event_in_order(void **state)
{
        atomic_store(&writers_left, WRITERS);
        fixture_threads(*state, WRITERS + 1, write_or_follow, NULL);
}

static void a_reader_among_writing_processes_sees_every_event_in_order(void **state)
{
        atomic_store(&writers_left, WRITERS);
        fixture_strangers(*state, WRITERS + 1, write_or_follow, NULL);
}

static void bounds_are_the_oldest_that_is_kept_and_the_newest_ever(void **state)
{
        struct ctx *ctx = *state;
        int64_t oldest = -1, newest = -1;

        assert_ok(ctx, store_events_bounds(ctx, &oldest, &newest));
        assert_int_equal(oldest, 0);
        assert_int_equal(newest, 0);
        assert_ok(ctx, commit_event(ctx, "o", NULL));
        assert_ok(ctx, commit_event(ctx, "o", NULL));
        fixture_sql(ctx, "DELETE FROM events WHERE event_id = 1");
        assert_ok(ctx, store_events_bounds(ctx, &oldest, &newest));
        assert_int_equal(oldest, 2);
        assert_int_equal(newest, 2);
        fixture_sql(ctx, "DELETE FROM events");
        assert_ok(ctx, store_events_bounds(ctx, &oldest, &newest));
        assert_int_equal(oldest, 0);
        assert_int_equal(newest, 2);
}

static int64_t prune(struct ctx *ctx, int64_t before_us, unsigned limit)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t pruned = -1;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_events_prune(ctx, before_us, limit, &pruned));
        assert_ok(ctx, db_commit(&tx));
        return pruned;
}

static void pruning_forgets_the_oldest_first_and_only_old_ones(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < 4; i++) {
                assert_ok(ctx, commit_event(ctx, "o", NULL));
                fixture_advance_us(ctx, US_PER_HOUR);
        }
        assert_int_equal(prune(ctx, FIXTURE_TIME_US + 3 * US_PER_HOUR, 2), 2);
        assert_int_equal(fixture_number(ctx, "SELECT MIN(event_id) FROM events"), 3);
        assert_int_equal(prune(ctx, FIXTURE_TIME_US + 3 * US_PER_HOUR, 100), 1);
        assert_int_equal(prune(ctx, FIXTURE_TIME_US + 3 * US_PER_HOUR, 100), 0);
        assert_int_equal(fixture_number(ctx, "SELECT MIN(event_id) FROM events"), 4);
        assert_int_equal(prune(ctx, INT64_MAX, 100), 1);
        assert_int_equal(prune(ctx, INT64_MAX, 100), 0);
}

/* The clocks of two hosts differ: the later id may have the earlier time. */
static void pruning_makes_no_holes(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, commit_event(ctx, "o", NULL));
        fixture_advance_us(ctx, -US_PER_HOUR);
        assert_ok(ctx, commit_event(ctx, "o", NULL));
        assert_int_equal(prune(ctx, FIXTURE_TIME_US, 100), 0);
        assert_int_equal(prune(ctx, FIXTURE_TIME_US + 1, 100), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(an_event_is_read_as_it_was_written),
                FIXTURE_DB_TEST(a_rolled_back_event_leaves_no_gap),
                FIXTURE_DB_TEST(events_are_found_by_owner_and_by_job),
                FIXTURE_DB_TEST(a_range_has_two_ends_and_a_limit),
                FIXTURE_DB_TEST(the_reader_may_stop),
                FIXTURE_DB_TEST(a_reader_among_writing_threads_sees_every_event_in_order),
                FIXTURE_DB_TEST(a_reader_among_writing_processes_sees_every_event_in_order),
                FIXTURE_DB_TEST(bounds_are_the_oldest_that_is_kept_and_the_newest_ever),
                FIXTURE_DB_TEST(pruning_forgets_the_oldest_first_and_only_old_ones),
                FIXTURE_DB_TEST(pruning_makes_no_holes),
        };

        return FIXTURE_RUN("store events", tests);
}
