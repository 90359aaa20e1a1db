/* The body of an S3 upload in pieces: what comes over the wire goes in as it arrives, the object's
 * bytes come out. Nothing is kept but a line and a hash, whatever the size.
 *     hexlen[;chunk-signature=HEX] CRLF bytes CRLF ... 0[;chunk-signature=HEX] CRLF
 *     [name:value CRLF ...] [x-amz-trailer-signature:HEX CRLF] CRLF
 * After "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
 * Chunks" and "Including Trailing Headers" of the S3 API reference. It is not HTTP's own chunked
 * transfer coding, which may be around it and is the front server's.
 * Failures carry S3's word in ctx->code: IncompleteBody, InvalidChunkSizeError, InvalidRequest and
 * MalformedTrailerError (ERR_INVALID), SignatureDoesNotMatch (ERR_DENIED). */
#ifndef CORE_CLOUD_AWS_CHUNKED_H
#define CORE_CLOUD_AWS_CHUNKED_H

#include "core/cloud/s3/sigv4.h"

#define AWS_CHUNKED_CHUNK_MAX    (INT64_C(5) << 30) /* bytes, the largest object of one PUT */
#define AWS_CHUNKED_LINE_MAX     KiB                /* bytes of a line without its end */
#define AWS_CHUNKED_TRAILERS_MAX 8                  /* lines, without the signature */

/* Takes the next bytes of the object; never none. Any other result than OK ends the upload. */
typedef enum err aws_chunked_sink(struct ctx *ctx, void *arg, const void *bytes, size_t len);

struct aws_chunked_options {
        const struct sigv4_proof *proof; /* NULL: chunks are not signed; copied */
        bool trailer;                    /* trailer lines follow, signed if the chunks are */
        int64_t decoded_length;          /* x-amz-decoded-content-length, -1: not said */
        aws_chunked_sink *sink;
        void *arg; /* for the sink */
};

struct aws_chunked;

/* Lives until the arena is reset. */
NODISCARD enum err aws_chunked_new(struct ctx *ctx, const struct aws_chunked_options *options,
                                   struct aws_chunked **ret);

/* The next bytes from the wire, in any portions. Bytes of a chunk reach the sink before its
 * signature can be known to be right, so what the sink makes of them must not count before
 * aws_chunked_end says OK. After a failure, its own or the sink's, it refuses any more. */
NODISCARD enum err aws_chunked_feed(struct ctx *ctx, struct aws_chunked *chunked, const void *bytes,
                                    size_t len);

/* The wire has ended: was all there, of the length that was said, and signed as it should be? */
NODISCARD enum err aws_chunked_end(struct ctx *ctx, const struct aws_chunked *chunked);

/* A trailer's value by its lower-case name, after aws_chunked_end; NULL: it was not sent. */
const char *aws_chunked_trailer(const struct aws_chunked *chunked, const char *name);

#endif
