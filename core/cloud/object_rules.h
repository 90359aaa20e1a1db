/* May bytes come into a bucket: is its job still running, does the administrator receive files, is
 * there room in the quotas. */
#ifndef CORE_CLOUD_OBJECT_RULES_H
#define CORE_CLOUD_OBJECT_RULES_H

#include "core/store/store_buckets.h"

/* Before bytes are taken. ERR_DENIED: jobs may not upload now (s3_endpoint_enabled). */
NODISCARD enum err object_check_receiving(struct ctx *ctx);

/* After them, inside the transaction that makes them count: a job may have ended while they were on
 * the way, and its token with it. ERR_UNAUTHENTICATED. */
NODISCARD enum err object_check_still_allowed(struct ctx *ctx);

/* Quotas: SIMPLETUNER_JOB_QUOTA_BYTES of each job's bucket, SIMPLETUNER_STORAGE_QUOTA_BYTES of all
 * together; parts of unfinished uploads count. */

/* Before bytes are taken: would so many more in a bucket pass one? Others may come in between.
 * ERR_NO_SPACE. */
NODISCARD enum err object_check_quota(struct ctx *ctx, const struct bucket *bucket, int64_t more);

/* The same of an object that takes the place of what is there under its key; size -1: not known. */
NODISCARD enum err object_check_room(struct ctx *ctx, const struct bucket *bucket, const char *key,
                                     int64_t size);

/* What a transaction finds that makes bytes count. */
struct object_usage {
        const char *bucket; /* borrowed */
        int64_t bucket_bytes, all_bytes;
        bool is_of_job;
};
/* At its beginning: until its end, no other adds to what the quotas count. ERR_NOT_FOUND: the
 * bucket is gone. */
NODISCARD enum err object_usage_hold(struct ctx *ctx, const char *bucket, struct object_usage *ret);
/* When all is written: has it grown past a quota? ERR_NO_SPACE. */
NODISCARD enum err object_usage_check(struct ctx *ctx, const struct object_usage *before);

#endif
