/* x-amz-copy-source: an object made from another, or a part from bytes of another. */
#ifndef FCGI_S3_COPY_H
#define FCGI_S3_COPY_H

#include "core/cloud/storage/object_store.h"
#include "fcgi/reply.h"

/* CopyObject, with its answer. */
NODISCARD enum err s3_copy_object(struct ctx *ctx, const struct request *request,
                                  struct reply *reply);

/* The source of a copy, open, if its conditions are met; the caller may read it. ERR_INVALID,
 * ERR_NOT_FOUND, ERR_DENIED, ERR_PRECONDITION. */
NODISCARD enum err s3_copy_source(struct ctx *ctx, const struct request *request,
                                  struct object_file *ret);

#endif
