/* May bytes come into a bucket: is its job still running, does the administrator receive files, is
 * there room in the quotas. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_RULES_H
#define CORE_CLOUD_STORAGE_OBJECT_RULES_H

#include "core/store/store_buckets.h"

/* Before bytes are taken. ERR_DENIED: jobs may not upload now (s3_endpoint_enabled). */
NODISCARD enum err object_check_receiving(struct ctx *ctx);

/* After them, inside the transaction that makes them count: a job may have ended while they were on
 * the way, and its token with it. ERR_UNAUTHENTICATED. */
NODISCARD enum err object_check_still_allowed(struct ctx *ctx);

/* Would so many bytes more in a bucket pass the quota of a job or that of all storage
 * (SIMPLETUNER_JOB_QUOTA_BYTES, SIMPLETUNER_STORAGE_QUOTA_BYTES)? ERR_NO_SPACE. */
NODISCARD enum err object_check_quota(struct ctx *ctx, const struct bucket *bucket, int64_t more);
/* The same for an object of so many bytes, in place of what the key has. */
NODISCARD enum err object_check_room(struct ctx *ctx, const struct bucket *bucket, const char *key,
                                     int64_t size);
/* At the beginning of a transaction that adds bytes: until its end no other one can. */
NODISCARD enum err object_lock_quota(struct ctx *ctx, const char *bucket);

/* After them, inside the transaction, when the rows are written: are the quotas kept? */
NODISCARD enum err object_check_quota_kept(struct ctx *ctx, const char *bucket);

#endif
