/* What one listener is told of the events: those it may see, from one id on, each once and in
 * order. It remembers an id and nothing else, so listeners cost no memory and may go on elsewhere.
 */
#ifndef CORE_CLOUD_EVENT_EVENT_FEED_H
#define CORE_CLOUD_EVENT_EVENT_FEED_H

#include "core/store/store_events.h"

struct event_feed {
        const char *job_id; /* only events of this job; NULL: all */
        int64_t position; /* every event up to this id has been told or is not for this listener */
};

#define EVENT_FROM_NOW INT64_C(-1)

/* Begin after the event last_id, or with what happens from now on. job_id is borrowed. Faults. */
NODISCARD enum err event_feed_open(struct ctx *ctx, int64_t last_id, const char *job_id,
                                   struct event_feed *ret);

enum event_feed_state {
        FEED_CURRENT, /* nothing more to tell for now */
        FEED_MORE,    /* read again at once */
        FEED_LOST,    /* the next events are not kept any more; the feed goes on with new ones */
};

/* Call row for the next events that ctx->actor may see, a bounded number; one for which row returns
 * false comes again with the next read. The feed is unchanged after a failure, but for the events
 * that row has taken. Faults. */
NODISCARD enum err event_feed_read(struct ctx *ctx, struct event_feed *feed, event_row_fn *row,
                                   void *arg, enum event_feed_state *ret_state);

/* Call row for the last events that ctx->actor may see, newest first, of the last EVENT_SPAN.
 * *ret_newest is the id after which to go on. Faults. */
#define EVENT_SPAN 10000
NODISCARD enum err event_recent(struct ctx *ctx, unsigned limit, event_row_fn *row, void *arg,
                                int64_t *ret_newest);

#endif
