/* Which bytes of an object an answer has: all, one range, several, or one part. */
#ifndef FCGI_S3_RANGES_H
#define FCGI_S3_RANGES_H

#include "core/cloud/storage/object_store.h"
#include "fcgi/reply.h"

/* Range or partNumber of a request for the object that the reply has open: sets status, length and
 * headers. A single range of a file that the front server sends is left to it. ERR_RANGE.
 * ERR_INVALID: partNumber. */
NODISCARD enum err s3_ranges(struct ctx *ctx, const struct request *request,
                             const struct object *object, struct reply *reply);

#endif
