/* What S3 keeps of an object beside its bytes, between the headers of requests and answers and the
 * JSON of its row: user metadata, the standard headers, tags. */
#ifndef FCGI_S3_HEADERS_H
#define FCGI_S3_HEADERS_H

#include "core/cloud/storage/object_store.h"
#include "fcgi/reply.h"

/* x-amz-meta-* and Cache-Control, Content-Disposition, Content-Encoding (without aws-chunked),
 * Content-Language and Expires of a request as JSON, "{}" when there are none. ERR_INVALID:
 * MetadataTooLarge, over 2 KiB of user metadata. */
NODISCARD enum err s3_read_metadata(struct ctx *ctx, const struct request *request,
                                    const char **ret_json);
/* x-amz-tagging, "a=1&b=2", as JSON. ERR_INVALID: InvalidTag, InvalidArgument. */
NODISCARD enum err s3_read_tagging(struct ctx *ctx, const struct request *request,
                                   const char **ret_json);

/* A set of tags under way: names and values are checked, and no name comes twice. At most 10.
 * ERR_INVALID: InvalidTag, BadRequest. */
NODISCARD enum err s3_tag_add(struct ctx *ctx, json_t *tags, const char *name, const char *value);

/* The headers that come back with an object: ETag, Last-Modified, Accept-Ranges, its metadata, how
 * many tags, and its checksum when the client wants to see one. */
NODISCARD enum err s3_write_headers(struct ctx *ctx, const struct request *request,
                                    const struct object *object, struct reply *reply);
/* Only the checksum, as x-amz-checksum-*, and of which type it is. */
NODISCARD enum err s3_write_checksum(struct ctx *ctx, const struct object *object,
                                     struct reply *reply);

/* If-None-Match: * and If-Match of a request that writes. */
struct object_condition s3_read_condition(struct ctx *ctx, const struct request *request);

/* What an object to be deleted must be, in a request's headers or its XML; NULL: not said.
 * ERR_INVALID. */
struct s3_condition_texts {
        const char *etag, *size, *modified;
};
NODISCARD enum err s3_condition(struct ctx *ctx, const struct s3_condition_texts *texts,
                                struct object_condition *ret);

#endif
