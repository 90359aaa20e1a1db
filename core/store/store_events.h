/* What happened, as rows numbered in the order of commits. */
#ifndef CORE_STORE_STORE_EVENTS_H
#define CORE_STORE_STORE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct event {
        int64_t event_id; /* 0 in store_event_insert: the next one is given */
        int64_t created_at_us;
        const char *event;  /* its name: "job_status_changed" */
        const char *owner;  /* who may hear it, beside those who may hear all */
        const char *job_id; /* NULL: about no job */
        const char *data;   /* a JSON object as text */
};

/* Number and write an event, and tell those who wait (db_wait). Inside a transaction, as its last
 * statement but for other events: until it ends, all who write events wait. */
NODISCARD enum err store_event_insert(struct ctx *ctx, const struct event *event);

/* Call row for each event after one id and up to another, oldest first, at most limit; texts live
 * until it returns. False ends it. */
struct event_range {
        int64_t after_id, until_id;
        const char *owner;  /* NULL: everybody's */
        const char *job_id; /* NULL: of any job, and of none */
        unsigned limit;
};
typedef bool event_row_fn(void *arg, const struct event *event);
NODISCARD enum err store_events_each(struct ctx *ctx, const struct event_range *range,
                                     event_row_fn *row, void *arg);
/* The same, newest first. */
NODISCARD enum err store_events_each_back(struct ctx *ctx, const struct event_range *range,
                                          event_row_fn *row, void *arg);

/* The id of the newest event, 0 before the first, and of the oldest that is kept. */
NODISCARD enum err store_events_bounds(struct ctx *ctx, int64_t *ret_oldest, int64_t *ret_newest);

/* Forget events of before a time, at most limit; never one without all that are older, so that what
 * is kept has no holes. Inside a transaction. */
NODISCARD enum err store_events_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                      int64_t *ret_pruned);

#endif
