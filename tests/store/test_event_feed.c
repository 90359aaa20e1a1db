#include <string.h>

#include "core/cloud/bell.h"
#include "core/cloud/event/event.h"
#include "core/cloud/event/event_feed.h"
#include "core/cloud/event/event_hub.h"
#include "tests/fixture_db.h"

/* As many events as asked, by one owner about one job, in one transaction. */
static void write_events(struct ctx *ctx, unsigned count, const char *owner, const char *job_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct event event = {
                .event = "happened", .owner = owner, .job_id = job_id, .data = "{}"
        };

        assert_ok(ctx, db_begin(ctx, &tx));
        for (unsigned i = 0; i < count; i++)
                assert_ok(ctx, store_event_insert(ctx, &event));
        assert_ok(ctx, db_commit(&tx));
}

struct heard {
        unsigned count, room; /* room 0: no end */
        int64_t first, last;
        char text[1024]; /* "name data\n" of each */
};

static bool hear(void *arg, const struct event *event)
{
        struct heard *heard = arg;
        size_t len = strlen(heard->text);

        if (heard->room && heard->count == heard->room)
                return false;
        if (heard->count++ == 0)
                heard->first = event->event_id;
        heard->last = event->event_id;
        snprintf(heard->text + len, sizeof(heard->text) - len, "%s %s\n", event->event,
                 event->data);
        return true;
}

/* Read until the feed is current; FEED_LOST is told once. */
static struct heard listen_to(struct ctx *ctx, struct event_feed *feed, bool *ret_lost)
{
        struct heard heard = { 0 };
        enum event_feed_state state = FEED_MORE;

        *ret_lost = false;
        while (state != FEED_CURRENT) {
                assert_ok(ctx, event_feed_read(ctx, feed, hear, &heard, &state));
                *ret_lost = *ret_lost || state == FEED_LOST;
        }
        return heard;
}

static struct event_feed opened(struct ctx *ctx, int64_t last_id, const char *job_id)
{
        struct event_feed feed;

        ctx->actor.kind = ACTOR_LOCAL_ADMIN;
        assert_ok(ctx, event_feed_open(ctx, last_id, job_id, &feed));
        return feed;
}

static void a_new_listener_hears_only_what_comes(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed;
        struct heard heard;
        bool lost;

        write_events(ctx, 3, "o", NULL);
        feed = opened(ctx, EVENT_FROM_NOW, NULL);
        heard = listen_to(ctx, &feed, &lost);
        assert_int_equal(heard.count, 0);
        write_events(ctx, 2, "o", NULL);
        heard = listen_to(ctx, &feed, &lost);
        assert_int_equal(heard.count, 2);
        assert_int_equal(heard.first, 4);
        assert_false(lost);
        assert_int_equal(listen_to(ctx, &feed, &lost).count, 0);
}

static void a_listener_goes_on_after_what_it_heard(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed;
        struct heard heard;
        bool lost;

        write_events(ctx, 200, "o", NULL);
        feed = opened(ctx, 7, NULL);
        heard = listen_to(ctx, &feed, &lost);
        assert_int_equal(heard.first, 8);
        assert_int_equal(heard.last, 200);
        assert_int_equal(heard.count, 193);
        assert_false(lost);
}

static void one_read_is_bounded(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed;
        struct heard heard = { 0 };
        enum event_feed_state status;

        write_events(ctx, 200, "o", NULL);
        feed = opened(ctx, 0, NULL);
        assert_ok(ctx, event_feed_read(ctx, &feed, hear, &heard, &status));
        assert_in_range(heard.count, 1, 199);
        assert_int_equal(status, FEED_MORE);
}

static void an_event_for_which_there_is_no_room_comes_again(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed;
        struct heard heard = { .room = 2 };
        enum event_feed_state status;
        bool lost;

        write_events(ctx, 5, "o", NULL);
        feed = opened(ctx, 0, NULL);
        assert_ok(ctx, event_feed_read(ctx, &feed, hear, &heard, &status));
        assert_int_equal(heard.last, 2);
        assert_int_equal(status, FEED_MORE);
        heard = listen_to(ctx, &feed, &lost);
        assert_int_equal(heard.first, 3);
        assert_int_equal(heard.count, 3);
}

static void forgotten_events_are_lost_and_new_ones_are_not(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed, late;
        bool lost;

        write_events(ctx, 10, "o", NULL);
        fixture_sql(ctx, "DELETE FROM events WHERE event_id <= 5");
        feed = opened(ctx, 5, NULL);
        assert_int_equal(listen_to(ctx, &feed, &lost).count, 5);
        assert_false(lost);
        late = opened(ctx, 4, NULL);
        assert_int_equal(listen_to(ctx, &late, &lost).count, 0);
        assert_true(lost);
        write_events(ctx, 1, "o", NULL);
        assert_int_equal(listen_to(ctx, &late, &lost).first, 11);
        assert_false(lost);
}

static void nothing_is_lost_when_all_was_heard_and_all_is_forgotten(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed, late;
        bool lost;

        write_events(ctx, 10, "o", NULL);
        fixture_sql(ctx, "DELETE FROM events");
        feed = opened(ctx, 10, NULL);
        listen_to(ctx, &feed, &lost);
        assert_false(lost);
        late = opened(ctx, 9, NULL);
        listen_to(ctx, &late, &lost);
        assert_true(lost);
}

static void an_id_of_the_future_is_lost(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed = opened(ctx, 1000, NULL);
        bool lost;

        listen_to(ctx, &feed, &lost);
        assert_true(lost);
        write_events(ctx, 1, "o", NULL);
        assert_int_equal(listen_to(ctx, &feed, &lost).count, 1);
        assert_false(lost);
}

static void others_hear_what_is_theirs(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed;
        struct heard heard;
        bool lost;

        write_events(ctx, 100, "bob", NULL);
        write_events(ctx, 1, "ada", NULL);
        write_events(ctx, 100, "bob", NULL);
        feed = opened(ctx, 0, NULL);
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS, .name = "ada" };
        heard = listen_to(ctx, &feed, &lost);
        assert_int_equal(heard.count, 1);
        assert_int_equal(heard.first, 101);
        assert_int_equal(feed.position, 201);
}

static void a_listener_may_ask_for_one_job(void **state)
{
        struct ctx *ctx = *state;
        struct event_feed feed;
        bool lost;

        write_events(ctx, 1, "o", "j1");
        write_events(ctx, 2, "o", "j2");
        write_events(ctx, 4, "o", NULL);
        feed = opened(ctx, 0, "j2");
        assert_int_equal(listen_to(ctx, &feed, &lost).count, 2);
}

static void the_last_events_are_told_newest_first(void **state)
{
        struct ctx *ctx = *state;
        struct heard heard = { 0 };
        int64_t newest = -1;

        write_events(ctx, 5, "o", NULL);
        ctx->actor.kind = ACTOR_LOCAL_ADMIN;
        assert_ok(ctx, event_recent(ctx, 3, hear, &heard, &newest));
        assert_int_equal(newest, 5);
        assert_int_equal(heard.count, 3);
        assert_int_equal(heard.first, 5);
        assert_int_equal(heard.last, 3);
}

/* ---- what a job's moves become ---- */

static struct heard events_of_move(struct ctx *ctx, enum job_status from, enum job_status to,
                                   const char *error)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = {
                .job_id = "j1", .provider = "replicate", .owner = "ada", .status = from
        };
        struct event_feed feed = opened(ctx, EVENT_FROM_NOW, NULL);
        bool lost;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, event_job_status(ctx, &job, to, error));
        assert_ok(ctx, db_commit(&tx));
        return listen_to(ctx, &feed, &lost);
}

static void the_end_of_a_job_is_a_move_and_a_notification(void **state)
{
        struct heard heard = events_of_move(*state, JOB_RUNNING, JOB_FAILED, "out of memory");

        assert_string_equal(
                heard.text,
                "job_status_changed {\"correlation_id\":\"abc123def456\","
                "\"error_message\":\"out of "
                "memory\",\"job_id\":\"j1\",\"status\":\"failed\",\"type\":\"job_status_changed\"}"
                "\n"
                "notification {\"config_name\":null,\"correlation_id\":\"abc123def456\","
                "\"job_id\":\"j1\",\"message\":\"Job j1 has failed: out of memory\","
                "\"message_type\":\"cloud.job.failed\",\"provider\":\"replicate\","
                "\"severity\":\"error\",\"source\":\"cloud\",\"type\":\"notification\"}\n");
}

static void people_are_told_once_that_a_job_was_submitted(void **state)
{
        struct heard heard = events_of_move(*state, JOB_PENDING, JOB_QUEUED, NULL);

        assert_int_equal(heard.count, 2);
        assert_non_null(strstr(heard.text, "\"cloud.job.submitted\""));
        heard = events_of_move(*state, JOB_QUEUED, JOB_RUNNING, NULL);
        assert_int_equal(heard.count, 1);
        assert_null(strstr(heard.text, "notification"));
}

static void a_job_that_starts_at_once_was_submitted_too(void **state)
{
        struct heard heard = events_of_move(*state, JOB_PENDING, JOB_RUNNING, NULL);

        assert_non_null(strstr(heard.text, "\"cloud.job.submitted\""));
}

/* ---- the hub ---- */

static void the_hub_rests_while_nobody_listens(void **state)
{
        struct ctx *ctx = *state;
        bool more = true;

        assert_ok(ctx, event_hub_watch(ctx, &more));
        assert_false(more);
        assert_int_equal(atomic_load(&ctx->cloud->newest_event), 0);
}

static void the_hub_rings_once_for_what_is_new(void **state)
{
        struct ctx *ctx = *state;
        unsigned seen = 0, before;
        bool more = false;

        atomic_store(&ctx->cloud->listeners, 1);
        write_events(ctx, 2, "o", NULL);
        assert_ok(ctx, event_hub_watch(ctx, &more));
        assert_true(more);
        bell_wait(ctx->cloud->bells, BELL_EVENTS, &seen, 0);
        assert_int_equal(seen, 1);
        before = seen;
        assert_ok(ctx, event_hub_watch(ctx, &more));
        bell_wait(ctx->cloud->bells, BELL_EVENTS, &seen, 0);
        assert_int_equal(seen, before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_new_listener_hears_only_what_comes),
                FIXTURE_DB_TEST(a_listener_goes_on_after_what_it_heard),
                FIXTURE_DB_TEST(one_read_is_bounded),
                FIXTURE_DB_TEST(an_event_for_which_there_is_no_room_comes_again),
                FIXTURE_DB_TEST(forgotten_events_are_lost_and_new_ones_are_not),
                FIXTURE_DB_TEST(nothing_is_lost_when_all_was_heard_and_all_is_forgotten),
                FIXTURE_DB_TEST(an_id_of_the_future_is_lost),
                FIXTURE_DB_TEST(others_hear_what_is_theirs),
                FIXTURE_DB_TEST(a_listener_may_ask_for_one_job),
                FIXTURE_DB_TEST(the_last_events_are_told_newest_first),
                FIXTURE_DB_TEST(the_end_of_a_job_is_a_move_and_a_notification),
                FIXTURE_DB_TEST(people_are_told_once_that_a_job_was_submitted),
                FIXTURE_DB_TEST(a_job_that_starts_at_once_was_submitted_too),
                FIXTURE_CLOUD_TEST(the_hub_rests_while_nobody_listens),
                FIXTURE_CLOUD_TEST(the_hub_rings_once_for_what_is_new),
        };

        return FIXTURE_RUN("event feed", tests);
}
