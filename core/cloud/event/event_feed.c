#include "core/cloud/event/event_feed.h"

#include "core/cloud/auth/auth.h"

#define BATCH 64

/* Who may see all jobs hears everything, others what is theirs. */
static const char *audible_owner(const struct ctx *ctx)
{
        return auth_may(ctx, PERM_JOB_VIEW_ALL) ? NULL : ctx_actor_name(ctx);
}

enum err event_feed_open(struct ctx *ctx, int64_t last_id, const char *job_id,
                         struct event_feed *ret)
{
        int64_t oldest, newest = last_id;

        if (last_id == EVENT_FROM_NOW) {
                enum err rc = store_events_bounds(ctx, &oldest, &newest);

                if (rc != OK)
                        return rc;
        }
        *ret = (struct event_feed){ .job_id = job_id, .position = newest };
        return OK;
}

/* Forgotten meanwhile, or an id of another database: of one before it was restored, perhaps. */
static bool is_lost(const struct event_feed *feed, int64_t oldest, int64_t newest)
{
        if (feed->position >= newest)
                return feed->position > newest;
        return oldest == 0 || oldest > feed->position + 1;
}

struct reading {
        struct event_feed *feed;
        event_row_fn *row;
        void *arg;
        unsigned count;
        bool refused;
};

static bool tell(void *arg, const struct event *event)
{
        struct reading *reading = arg;

        if (!reading->row(reading->arg, event)) {
                reading->refused = true;
                return false;
        }
        reading->feed->position = event->event_id;
        reading->count++;
        return true;
}

/* Ids have no gaps, so a span of them bounds what a listener who may see little makes us read. */
enum err event_feed_read(struct ctx *ctx, struct event_feed *feed, event_row_fn *row, void *arg,
                         enum event_feed_state *ret_state)
{
        struct reading reading = { .feed = feed, .row = row, .arg = arg };
        struct event_range range = {
                .after_id = feed->position,
                .until_id = feed->position + EVENT_SPAN,
                .owner = audible_owner(ctx),
                .job_id = feed->job_id,
                .limit = BATCH,
        };
        int64_t oldest, newest;
        enum err rc;

        rc = store_events_bounds(ctx, &oldest, &newest);
        if (rc != OK)
                return rc;
        if (is_lost(feed, oldest, newest)) {
                feed->position = newest;
                *ret_state = FEED_LOST;
                return OK;
        }
        if (range.until_id > newest)
                range.until_id = newest;
        rc = store_events_each(ctx, &range, tell, &reading);
        if (rc != OK)
                return rc;
        if (!reading.refused && reading.count < BATCH)
                feed->position = range.until_id;
        *ret_state = feed->position < newest ? FEED_MORE : FEED_CURRENT;
        return OK;
}

enum err event_recent(struct ctx *ctx, unsigned limit, event_row_fn *row, void *arg,
                      int64_t *ret_newest)
{
        struct event_range range = { .owner = audible_owner(ctx), .limit = limit };
        int64_t oldest, newest;
        enum err rc;

        rc = store_events_bounds(ctx, &oldest, &newest);
        if (rc != OK)
                return rc;
        range.until_id = newest;
        range.after_id = newest - EVENT_SPAN;
        rc = store_events_each_back(ctx, &range, row, arg);
        if (rc == OK)
                *ret_newest = newest;
        return rc;
}
