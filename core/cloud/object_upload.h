/* Uploads: bytes streamed into a temporary file of the file system they will stay in, hashed on the
 * way, made durable, and then visible at once, file and row in one transaction. A broken upload
 * leaves nothing. What the service itself fetches may be resumed: then what has come stays. */
#ifndef CORE_CLOUD_OBJECT_UPLOAD_H
#define CORE_CLOUD_OBJECT_UPLOAD_H

#include <stdbool.h>

#include "core/store/store_objects.h"

struct object_upload;

/* What a client announces. */
struct object_intent {
        const char *bucket, *key;
        const char *content_type; /* NULL: not said */
        int64_t size;             /* bytes to come; -1: not said */
        bool resume;              /* go on with what an earlier upload of this kind left, and leave
                                   * what there is to a later one */
        /* Runs in the transaction that makes the object visible. NULL: nothing more to write. */
        enum err (*also)(struct ctx *ctx, void *arg, const struct object *object);
        void *arg;
};

/* Begin an upload. ERR_NOT_FOUND: no such bucket. ERR_INVALID: the key. ERR_DENIED: jobs may not
 * upload now (s3_endpoint_enabled). ERR_TOO_LARGE.
 * ERR_NO_SPACE: the disk would fall below its floor. ERR_CONFLICT: another process resumes it. */
NODISCARD enum err object_upload_begin(struct ctx *ctx, const struct object_intent *intent,
                                       struct object_upload **ret);
/* Of an upload that resumes: the bytes that are there, throw them away, and what they will be in
 * all. ERR_TOO_LARGE, ERR_NO_SPACE, ERR_UNAVAILABLE. */
int64_t object_upload_size(const struct object_upload *upload);
NODISCARD enum err object_upload_restart(struct ctx *ctx, struct object_upload *upload);
NODISCARD enum err object_upload_expect(struct ctx *ctx, const struct object_upload *upload,
                                        int64_t total);
/* ERR_TOO_LARGE, ERR_NO_SPACE, ERR_UNAVAILABLE. */
NODISCARD enum err object_upload_write(struct ctx *ctx, struct object_upload *upload,
                                       const void *bytes, size_t len);
/* OK: durable and visible. ERR_UNAUTHENTICATED: the job ended meanwhile and its token with it.
 * ERR_CONFLICT: a file stands where the key needs a directory. */
NODISCARD enum err object_upload_finish(struct ctx *ctx, struct object_upload *upload,
                                        struct object *ret);
/* Ends the upload; what was not finished leaves no trace, unless it is to be resumed. */
void object_upload_free(struct object_upload *upload);
DEFINE_CLEANUP(struct object_upload *, object_upload_free)

#endif
