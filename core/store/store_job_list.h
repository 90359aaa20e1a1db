/* Jobs in numbers: lists and counts. */
#ifndef CORE_STORE_STORE_JOB_LIST_H
#define CORE_STORE_STORE_JOB_LIST_H

#include <stdbool.h>

#include "core/store/store_jobs.h"

struct job_filter {
        const char *status;    /* NULL: any */
        const char *provider;  /* NULL: any */
        const char *owner;     /* NULL: any */
        const char *search;    /* part of the id or the name, in any case; NULL: any */
        const char *before_id; /* jobs older than this one; NULL: from the newest */
        const char *after_id;  /* oldest_first: jobs newer than this one; NULL: from the oldest */
        bool oldest_first;
        unsigned limit, offset; /* offset: leave out so many of them first */
};

/* Call row for each match, newest first unless the filter says otherwise; a row's texts live until
 * it returns. A search reads jobs until it has found as many as it may show. */
typedef void job_row_fn(void *arg, const struct job *job);
NODISCARD enum err store_jobs_each(struct ctx *ctx, const struct job_filter *filter,
                                   job_row_fn *row, void *arg);

/* How many jobs match the filter's status, provider and owner: a read of a few counters. What is
 * searched for is not looked at. */
NODISCARD enum err store_jobs_count(struct ctx *ctx, const struct job_filter *filter,
                                    int64_t *ret_count);

/* Jobs that wait for their turn (pending or queued), the oldest first, at most limit. */
struct waiting_job {
        const char *job_id, *provider; /* in the arena */
};
NODISCARD enum err store_jobs_waiting(struct ctx *ctx, unsigned limit,
                                      struct waiting_job **ret_jobs, size_t *ret_count);

#endif
