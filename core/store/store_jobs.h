/* Jobs as rows: insert, read, list, and the one statement that moves a job's status. */
#ifndef CORE_STORE_STORE_JOBS_H
#define CORE_STORE_STORE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"
#include "core/store/job_status.h"

struct job {
        const char *job_id, *provider;
        const char *external_id; /* the provider's id, NULL until it is known */
        enum job_status status;
        const char *config_name, *hardware_profile, *hardware_type; /* NULL when not set */
        const char *error_message, *output_url;                     /* NULL when not set */
        const char *metadata;                                       /* a JSON object as text */
        const char *owner;                                          /* who submitted it */
        const char *correlation_id; /* of the request that made it; NULL: not known. Read only */
        const char *retry_of;       /* the job this one repeats, NULL for a first try */
        int64_t attempt;            /* 1 for a first try */
        int64_t price_usd_nanos_per_s;
        int64_t cost_usd_micros;           /* JOB_COST_UNKNOWN until the provider says the time */
        int64_t estimated_cost_usd_micros; /* expected when it was submitted; 0: not known */
        int64_t max_runtime_s;             /* 0: no limit of its own */
        int64_t created_at_us, started_at_us, completed_at_us; /* 0 when not yet */
        const char *progress_stage, *progress_line;            /* NULL: nothing said yet */
        int64_t progress_permille;                             /* -1: not known */
        int64_t approval_id;                  /* the request to approve it, 0: there was none */
        int64_t poll_at_us;                   /* when the provider is asked next; 0: at once */
        int64_t poll_failures, missing_count; /* in a row: not reached; reached and not there */
};

#define JOB_COST_UNKNOWN INT64_C(-1)

/* How long it ran; 0 unless it began and ended. */
static inline int64_t job_run_us(const struct job *job)
{
        return job->started_at_us && job->completed_at_us > job->started_at_us
                       ? job->completed_at_us - job->started_at_us
                       : 0;
}

/* What is stored of a job beside what its view shows. NULL: nothing. */
struct job_secrets {
        const char *token_sha256; /* hex, of the upload token */
        const char *token_key_id; /* of the key that its S3 secret is derived from */
        const char *request;      /* what was submitted, sealed */
};

/* Write a new job of ctx's request, JOB_BLOCKED, JOB_PENDING or JOB_UPLOADING. Inside a
 * transaction. ERR_CONFLICT: the id is taken. */
NODISCARD enum err store_job_insert(struct ctx *ctx, const struct job *job,
                                    const struct job_secrets *secrets);
/* The sealed request of a job. ERR_NOT_FOUND: there is no job, or nothing was kept. */
NODISCARD enum err store_job_request(struct ctx *ctx, const char *job_id, const char **ret_request);
/* Remove a job that has ended; what it cost stays in the statistics. Inside a transaction.
 * ERR_NOT_FOUND: no such job, or it is active. */
NODISCARD enum err store_job_delete(struct ctx *ctx, const char *job_id);

/* ERR_NOT_FOUND. Everything of *ret_job is in the arena. */
NODISCARD enum err store_job_get(struct ctx *ctx, const char *job_id, struct job *ret_job);
/* The same, and nobody else changes it until the transaction ends. Inside a transaction. */
NODISCARD enum err store_job_lock(struct ctx *ctx, const char *job_id, struct job *ret_job);
NODISCARD enum err store_job_by_external_id(struct ctx *ctx, const char *provider,
                                            const char *external_id, struct job *ret_job);
/* The running job that owns this upload token, in the arena. ERR_NOT_FOUND: none, or it has ended.
 */
struct token_owner {
        const char *job_id;
        const char *key_id; /* NULL: of before there could be several keys */
};
NODISCARD enum err store_job_by_token(struct ctx *ctx, const char *token_sha256,
                                      struct token_owner *ret);

/* What the provider said; NULL and 0 and JOB_COST_UNKNOWN leave the stored value alone. */
struct job_news {
        enum job_status status;
        const char *error_message, *output_url;
        int64_t started_at_us, completed_at_us, cost_usd_micros;
        int64_t poll_at_us; /* when to look again, should the job end without a provider's id */
};

/* Move the job on, in one statement: only to a later status, never from a final one; the upload
 * token dies with a final status. News of the status it has already fill in what was not known: the
 * earliest times, the largest cost, the longest texts; so the order in which they come does not
 * matter. *ret_moved: the row changed; *ret_from (NULL: not asked): what its status was then.
 * Inside a transaction. */
NODISCARD enum err store_job_apply(struct ctx *ctx, const struct job *job,
                                   const struct job_news *news, bool *ret_moved,
                                   enum job_status *ret_from);

/* A job that is JOB_BLOCKED becomes JOB_UPLOADING: it may be submitted. *ret_released false: it is
 * not blocked any more. Inside a transaction, the job is locked. */
NODISCARD enum err store_job_release(struct ctx *ctx, const struct job *job, bool *ret_released);

/* Record the provider's id unless one is there. ERR_CONFLICT: another job has it. */
NODISCARD enum err store_job_set_external_id(struct ctx *ctx, const char *job_id,
                                             const char *external_id);

/* Explain the state of a job that the provider has not named and that has not ended. Inside a
 * transaction. */
NODISCARD enum err store_job_note(struct ctx *ctx, const char *job_id, const char *error_message);

/* How far an active job says it is. Inside a transaction. */
struct job_progress {
        const char *stage, *line; /* NULL: not said */
        int64_t permille;         /* -1: not said */
};
NODISCARD enum err store_job_progress(struct ctx *ctx, const char *job_id,
                                      const struct job_progress *progress);

#endif
