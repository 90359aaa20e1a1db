/* Jobs as rows: insert, read, list, and the one statement that moves a job's status. */
#ifndef CORE_STORE_STORE_JOBS_H
#define CORE_STORE_STORE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* In the order of life: a move goes to a later one only, and the last three are final. */
enum job_status {
        JOB_PENDING,   /* written, not yet accepted by the provider */
        JOB_UPLOADING, /* its data is on the way */
        JOB_QUEUED,    /* the provider has it */
        JOB_RUNNING,
        JOB_COMPLETED,
        JOB_FAILED,
        JOB_CANCELLED,
        JOB_STATUS_COUNT
};

const char *job_status_name(enum job_status status);
bool job_status_parse(const char *name, enum job_status *ret);
static inline bool job_status_is_terminal(enum job_status status)
{
        return status >= JOB_COMPLETED;
}

struct job {
        const char *job_id, *provider;
        const char *external_id; /* the provider's id, NULL until it is known */
        enum job_status status;
        const char *config_name, *hardware_profile, *hardware_type; /* NULL when not set */
        const char *error_message, *output_url;                     /* NULL when not set */
        const char *metadata;                                       /* a JSON object as text */
        int64_t price_usd_nanos_per_s;
        int64_t cost_usd_micros; /* JOB_COST_UNKNOWN until the provider says the time */
        int64_t created_at_us, started_at_us, completed_at_us; /* 0 when not yet */
};

#define JOB_COST_UNKNOWN INT64_C(-1)

/* Write a new job; its status must be JOB_PENDING. token_sha256: hex, NULL without uploads.
 * ERR_CONFLICT: the id is taken. */
NODISCARD enum err store_job_insert(struct ctx *ctx, const struct job *job,
                                    const char *token_sha256);

/* ERR_NOT_FOUND. Everything of *ret_job is in the arena. */
NODISCARD enum err store_job_get(struct ctx *ctx, const char *job_id, struct job *ret_job);
NODISCARD enum err store_job_by_external_id(struct ctx *ctx, const char *provider,
                                            const char *external_id, struct job *ret_job);
/* The running job that owns this upload token. ERR_NOT_FOUND: none, or it has ended. */
NODISCARD enum err store_job_by_token(struct ctx *ctx, const char *token_sha256,
                                      const char **ret_job_id);

/* What the provider said; NULL and 0 and JOB_COST_UNKNOWN leave the stored value alone. */
struct job_news {
        enum job_status status;
        const char *error_message, *output_url;
        int64_t started_at_us, completed_at_us, cost_usd_micros;
};

/* Move the job on, in one statement: only to a later status, or to the same one with values that
 * were not known, and never from a final one; the upload token dies with a final status. *ret_moved
 * tells whether the row changed; late, repeated and reordered news change nothing. Inside a
 * transaction. */
NODISCARD enum err store_job_apply(struct ctx *ctx, const struct job *job,
                                   const struct job_news *news, bool *ret_moved);

/* Record the provider's id unless one is there. ERR_CONFLICT: another job has it. */
NODISCARD enum err store_job_set_external_id(struct ctx *ctx, const char *job_id,
                                             const char *external_id);

/* Explain a job's state without moving it, and note that it was polled at at_us (0: not polled).
 * NULL leaves the message alone. */
NODISCARD enum err store_job_note(struct ctx *ctx, const char *job_id, const char *error_message,
                                  int64_t at_us);

struct job_filter {
        const char *status;    /* NULL: any */
        const char *provider;  /* NULL: any */
        const char *before_id; /* jobs older than this one; NULL: from the newest */
        unsigned limit;
};

/* Call row for each match, newest first; a row's texts live until it returns. */
typedef void job_row_fn(void *arg, const struct job *job);
NODISCARD enum err store_jobs_each(struct ctx *ctx, const struct job_filter *filter,
                                   job_row_fn *row, void *arg);

/* How many jobs match the filter's status and provider: a read of a few counters. */
NODISCARD enum err store_jobs_count(struct ctx *ctx, const struct job_filter *filter,
                                    int64_t *ret_count);

/* Ids of active jobs, the longest unpolled first, at most limit, into the arena. */
NODISCARD enum err store_jobs_to_poll(struct ctx *ctx, unsigned limit, const char ***ret_ids,
                                      size_t *ret_count);

#endif
