/* Local data on its way to a provider, a row a job: how far it is, and who holds the claim to bring
 * it on. */
#ifndef CORE_STORE_STORE_SUBMISSIONS_H
#define CORE_STORE_STORE_SUBMISSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"
#include "core/store/due.h"

/* In the order in which they come; the last two are final. */
enum submission_stage {
        STAGE_SCANNING,
        STAGE_PACKAGING,
        STAGE_UPLOADING,
        STAGE_SUBMITTING, /* the provider may have been asked to start the job */
        STAGE_COMPLETE,
        STAGE_ERROR,
        STAGE_COUNT
};
const char *submission_stage_name(enum submission_stage stage);

struct submission {
        const char *job_id;
        int64_t run_at_us;        /* when it is due; 0: never again */
        int64_t claimed_until_us; /* somebody works on it, until then; 0: nobody */
        enum submission_stage stage;
        int64_t bytes_done, bytes_total; /* of this stage */
        const char *message;             /* NULL: none */
        int64_t updated_at_us;
        int64_t added_at_us; /* 0: when its job was made */
};

/* Inside a transaction. */
NODISCARD enum err store_submission_insert(struct ctx *ctx, const struct submission *submission);
NODISCARD enum err store_submission_delete(struct ctx *ctx, const char *job_id);

/* ERR_NOT_FOUND: the job has no data of ours. Everything is in the arena. */
NODISCARD enum err store_submission_get(struct ctx *ctx, const char *job_id,
                                        struct submission *ret);

/* The one that is due the longest and that nobody works on. ERR_NOT_FOUND: there is none. */
NODISCARD enum err store_submission_due(struct ctx *ctx, const struct due *due,
                                        struct submission *ret);

/* Write the row if its claim is the one that was seen, claimed_until_us: to claim it, to keep it,
 * to give it back. *ret_held: it was; false: it is somebody else's by now. Inside a transaction. */
NODISCARD enum err store_submission_update(struct ctx *ctx, const struct submission *now,
                                           int64_t claimed_until_us, bool *ret_held);

/* Say of those that wait for their turn that they are not forgotten, as claims do for the others:
 * updated_at_us is at most a minute old. Inside a transaction. */
NODISCARD enum err store_submissions_touch(struct ctx *ctx, int64_t now_us);

/* End one that has not come to STAGE_SUBMITTING, whoever works on it: it is STAGE_ERROR then.
 * *ret_stopped false: it has come there, or there is none. Inside a transaction. */
NODISCARD enum err store_submission_stop(struct ctx *ctx, const char *job_id, const char *message,
                                         bool *ret_stopped);

/* Give a job that is JOB_UPLOADING, and so has none yet, its upload token. *ret_given: it is that
 * still. Inside a transaction. */
struct job_secrets;
NODISCARD enum err store_submission_give_token(struct ctx *ctx, const char *job_id,
                                               const struct job_secrets *secrets, bool *ret_given);

#endif
