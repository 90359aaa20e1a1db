/* Uploads: bytes streamed into a temporary file of the file system they will stay in, hashed on the
 * way, made durable, and then visible at once, file and row in one transaction. A broken upload
 * leaves nothing. What the service itself fetches may be resumed: then what has come stays. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_UPLOAD_H
#define CORE_CLOUD_STORAGE_OBJECT_UPLOAD_H

#include <stdbool.h>

#include "core/cloud/storage/object_body.h"
#include "core/store/store_objects.h"

struct object_upload;

/* On what the caller makes the writing of a key depend (RFC 9110 13.1): checked in the transaction
 * that writes it. */
struct object_condition {
        bool if_absent;            /* If-None-Match: * */
        const char *if_match;      /* an ETag without quotes, "*": any; NULL: not said */
        const char *if_none_match; /* an ETag without quotes; NULL: not said */
        bool if_size, if_modified; /* only if it has the size, was last modified in the second */
        int64_t size_bytes, modified_s;
};

/* What a client announces. */
struct object_intent {
        const char *bucket, *key;
        const char *content_type;     /* NULL: not said */
        const char *metadata, *tags;  /* JSON, see struct object; NULL: none */
        enum checksum_kind checksum;  /* to be kept with the object */
        int64_t size;                 /* bytes to come; -1: not said */
        struct object_condition only; /* when it may be written */
        bool resume;                  /* go on with what an earlier upload of this kind left, and
                                       * leave what there is to a later one */
        bool unheard;                 /* the service's own doing: no event is made of it */
        /* Runs in the transaction that makes the object visible. NULL: nothing more to write. */
        enum err (*also)(struct ctx *ctx, void *arg, const struct object *object);
        void *arg;
};

/* Begin an upload. ERR_NOT_FOUND: no such bucket. ERR_INVALID: the key. ERR_DENIED: jobs may not
 * upload now (s3_endpoint_enabled). ERR_TOO_LARGE. ERR_PRECONDITION.
 * ERR_NO_SPACE: the disk would fall below its floor, or a quota is used up. ERR_CONFLICT: another
 * process resumes it. */
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
/* expect: what the sender says the bytes are; NULL: nothing. OK: durable and visible. ERR_INVALID:
 * they are others. ERR_UNAUTHENTICATED: the job ended meanwhile and its token with it.
 * ERR_CONFLICT: a file stands where the key needs a directory. ERR_PRECONDITION. ERR_NO_SPACE. */
NODISCARD enum err object_upload_finish(struct ctx *ctx, struct object_upload *upload,
                                        const struct object_expect *expect, struct object *ret);
/* Ends the upload; what was not finished leaves no trace, unless it is to be resumed. */
void object_upload_free(struct object_upload *upload);
DEFINE_CLEANUP(struct object_upload *, object_upload_free)

#endif
