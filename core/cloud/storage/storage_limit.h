/* How many storage requests they may make who are known: a job by its token, as many as its
 * provider's s3_rate_limit_max and s3_rate_limit_window say, else
 * SIMPLETUNER_JOB_REQUESTS_PER_MINUTE; a user that many, too. A trainer that has lost its way must
 * not keep the others from the storage.
 */
#ifndef CORE_CLOUD_STORAGE_STORAGE_LIMIT_H
#define CORE_CLOUD_STORAGE_STORAGE_LIMIT_H

#include "core/cloud/limits/limiter.h"

struct storage_limits; /* what providers say, remembered for a second; in cloud->storage_limits */

NODISCARD struct storage_limits *storage_limits_new(void); /* NULL: out of memory */
void storage_limits_free(struct storage_limits *limits);

/* A provider's settings were changed by this process: do not remember any. */
void storage_limits_forget(struct storage_limits *limits);

#define STORAGE_LIMIT_WHO_SIZE 80

/* The limit of who ctx acts for, and the name it is counted under; *ret is without calls for those
 * who have none, as the local administrator. Faults. */
NODISCARD enum err storage_limit_of(struct ctx *ctx, struct limit *ret,
                                    char ret_who[STORAGE_LIMIT_WHO_SIZE]);

#endif
