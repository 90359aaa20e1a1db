/* The life of a job as its owner sees it: looked at, cancelled, deleted. How it begins is
 * job_submit.h, what moves it on is job_news.h. A job that the caller may not see is not found. */
#ifndef CORE_CLOUD_JOB_JOB_H
#define CORE_CLOUD_JOB_JOB_H

#include "core/cloud/job/job_news.h"
#include "core/store/store_job_list.h"

/* Cancel at the provider, then here. ERR_NOT_FOUND. ERR_CONFLICT: it has ended. ERR_PROVIDER: the
 * provider did not do it, and the job is unchanged. */
NODISCARD enum err job_cancel(struct ctx *ctx, const char *job_id, struct job *ret_job);

/* Remove an ended job; its files stay, and so does what it cost in the statistics. ERR_NOT_FOUND.
 * ERR_CONFLICT: it is active, or its submission may still turn up at the provider. */
NODISCARD enum err job_delete(struct ctx *ctx, const char *job_id);

/* ERR_NOT_FOUND. */
NODISCARD enum err job_get(struct ctx *ctx, const char *job_id, struct job *ret_job);

/* Call row for each job that matches, newest first; *ret_total counts all matches. */
NODISCARD enum err job_list(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row,
                            void *arg, int64_t *ret_total);

/* The jobs that wait for their turn at their provider, the oldest first. */
struct job_queue {
        const struct waiting_job *jobs;
        const int64_t *positions; /* of each among those of its provider, from 1 */
        size_t count;
};
NODISCARD enum err job_queue_load(struct ctx *ctx, struct job_queue *ret);
/* Where a job stands in it, from 1; 0: it does not wait, or very far behind. */
int64_t job_queue_position(const struct job_queue *queue, const struct job *job);

/* Files a job has sent back, for its view. */
struct upload_progress {
        int64_t files, bytes, in_flight;
        int64_t part_bytes;        /* of unfinished uploads in parts: they have arrived */
        int64_t last_upload_at_us; /* 0: none yet */
};
NODISCARD enum err job_upload_progress(struct ctx *ctx, const char *job_id,
                                       struct upload_progress *ret);

/* Is this text of the form of our ids? They go into paths and URLs. */
bool job_id_is_valid(const char *job_id);

#endif
