/* Results come home: as soon as a job has ended its logs and output files are fetched into its
 * bucket, because providers delete them within the hour. The row of the table archives is written
 * with the job's last status (job_news.c); whoever claims it does the work, in pieces that survive
 * broken connections and dead processes. A job is what it is, whatever becomes of its archive. */
#ifndef CORE_CLOUD_ARCHIVE_ARCHIVE_H
#define CORE_CLOUD_ARCHIVE_ARCHIVE_H

#include "core/store/store_archives.h"

struct archive_limits {
        unsigned jobs;       /* at most so many */
        int64_t deadline_us; /* monotonic: what is under way then is left to the next; 0: none */
};

struct archive_report {
        unsigned done, failed;
        unsigned waiting; /* to be tried again, or interrupted */
};

/* Fetch the results of jobs that are due. One job's trouble is logged and counted, and does not
 * stop the round. Safe to run anywhere, as often as one likes, at once. Faults of the database
 * only. */
NODISCARD enum err archive_run_due(struct ctx *ctx, const struct archive_limits *limits,
                                   struct archive_report *ret);

/* Have the results of a job fetched once more; what is there already is not fetched again.
 * ERR_NOT_FOUND: no such job. ERR_CONFLICT: it has not ended, or never reached a provider. */
NODISCARD enum err archive_ask_again(struct ctx *ctx, const char *job_id, struct archive *ret);

/* For the job's view. ERR_NOT_FOUND: there is nothing to fetch (yet). */
NODISCARD enum err archive_of(struct ctx *ctx, const char *job_id, struct archive *ret);

#endif
