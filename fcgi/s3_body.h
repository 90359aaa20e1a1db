/* The body of an S3 request: as it is, or in chunks (aws-chunked), with the sums that its headers
 * or its trailer say it has. */
#ifndef FCGI_S3_BODY_H
#define FCGI_S3_BODY_H

#include "core/base/xml.h"
#include "core/cloud/storage/object_body.h"
#include "fcgi/request.h"

/* What the headers say of it. */
struct s3_body {
        int64_t size;                /* of what is in it; -1: not said */
        enum checksum_kind checksum; /* given in a header, or in the trailer */
        struct object_expect expect; /* complete only when all has been received */
        const char *trailer;         /* the name of the trailer's line with the checksum, or NULL */
        bool chunked, chunk_trailer;
};

/* ERR_INVALID: InvalidDigest, InvalidRequest, MissingContentLength. */
NODISCARD enum err s3_body_announced(struct ctx *ctx, const struct request *request,
                                     struct s3_body *ret);

/* Takes the next bytes. */
typedef enum err s3_sink_fn(struct ctx *ctx, void *arg, const void *bytes, size_t len);

/* Read all of it; body->expect is then what the bytes must be. ERR_INVALID: IncompleteBody, or bad
 * framing. ERR_DENIED: the signature of a chunk. And what the sink returns. */
NODISCARD enum err s3_body_receive(struct ctx *ctx, const struct request *request,
                                   struct s3_body *body, s3_sink_fn *sink, void *arg);

/* The whole of a small body, at most the route's body_max, checked, as XML whose root element has
 * this name. body: what the headers say of it; NULL: read them. ERR_TOO_LARGE. ERR_INVALID:
 * MalformedXML, and what its sums say. */
NODISCARD enum err s3_body_xml(struct ctx *ctx, const struct request *request, struct s3_body *body,
                               const char *root, struct xml **ret);
/* ERR_INVALID, MalformedXML: for what is XML but not what it should be. */
NODISCARD enum err s3_body_malformed(struct ctx *ctx);

#endif
