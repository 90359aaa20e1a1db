/* Results that are fetched from providers, as rows: one for each job, and one for each file. A
 * job's row is worked on by whoever holds its claim. */
#ifndef CORE_STORE_STORE_ARCHIVES_H
#define CORE_STORE_STORE_ARCHIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"
#include "core/store/due.h"

enum archive_state {
        ARCHIVE_WAITING, /* for its time, or for the next attempt */
        ARCHIVE_DONE,
        ARCHIVE_FAILED, /* given up */
        ARCHIVE_STATE_COUNT
};

const char *archive_state_name(enum archive_state state);

struct archive {
        enum archive_state state;
        int64_t run_at_us; /* 0: nothing is left to do */
        int64_t attempts;
        int64_t files, bytes;   /* output files that are stored */
        const char *error;      /* NULL: none */
        int64_t finished_at_us; /* 0: not yet */
};

/* Have the results of a job fetched, now: if it has ended, has a provider's id, and has no row yet.
 * Inside a transaction. */
NODISCARD enum err store_archive_insert(struct ctx *ctx, const char *job_id);
/* Have them fetched again, as if for the first time. Inside a transaction. */
NODISCARD enum err store_archive_again(struct ctx *ctx, const char *job_id);
/* ERR_NOT_FOUND. */
NODISCARD enum err store_archive_get(struct ctx *ctx, const char *job_id, struct archive *ret);
/* With its files. Inside a transaction. */
NODISCARD enum err store_archive_delete(struct ctx *ctx, const char *job_id);

/* The job that has waited longest and is held by nobody. ERR_NOT_FOUND: none is due. */
NODISCARD enum err store_archive_next(struct ctx *ctx, const struct due *due,
                                      const char **ret_job_id);

/* The holder of a job's row knows it by the time to which it is held. */
struct archive_claim {
        const char *job_id;
        int64_t until_us;
        int64_t attempt; /* the first is 1 */
};
/* Claim claim->job_id until claim->until_us if it is due still, and count the attempt into claim.
 * ERR_NOT_FOUND: another was faster. Inside a transaction. */
NODISCARD enum err store_archive_claim(struct ctx *ctx, const struct due *due,
                                       struct archive_claim *claim);
/* Hold it longer. ERR_NOT_FOUND: the claim ran out, and another took it. Inside a transaction. */
NODISCARD enum err store_archive_renew(struct ctx *ctx, const struct archive_claim *claim,
                                       int64_t until_us);
/* End the claim with what has come of it; nothing happens if it is another's by now. Inside a
 * transaction. */
NODISCARD enum err store_archive_settle(struct ctx *ctx, const struct archive_claim *claim,
                                        const struct archive *archive);

struct archive_file {
        const char *key;  /* of its object in the job's bucket */
        const char *url;  /* without its query, which may be a signature */
        const char *etag; /* of the bytes that have come so far; NULL: not said */
        int64_t size_bytes;
        const char *sha256; /* hex */
        bool done;          /* it is an object; before that there is no size and hash */
};

/* Make the row of a file known; what was known of another URL under this key is forgotten. Inside a
 * transaction. */
NODISCARD enum err store_archive_file_add(struct ctx *ctx, const char *job_id, const char *key,
                                          const char *url);
/* Write all that changes of a file. Inside a transaction. */
NODISCARD enum err store_archive_file_update(struct ctx *ctx, const char *job_id,
                                             const struct archive_file *file);
/* At most limit files of a job by key, in the arena. */
NODISCARD enum err store_archive_files(struct ctx *ctx, const char *job_id, unsigned limit,
                                       struct archive_file **ret_files, size_t *ret_count);

#endif
