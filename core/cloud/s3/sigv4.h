/* AWS Signature Version 4 of S3 requests, as a pure computation: the request and the time are
 * given, nothing is looked up and nothing is kept. A caller parses the credential, finds the secret
 * of its access key, and verifies.
 * After "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference. Failures carry
 * S3's word in ctx->code: ERR_INVALID is its 400, ERR_DENIED its 403. */
#ifndef CORE_CLOUD_SIGV4_H
#define CORE_CLOUD_SIGV4_H

#include <stdint.h>

#include "core/base/crypto.h"

/* What came over the wire, nothing of it decoded. All strings are borrowed. */
struct sigv4_request {
        const char *method;
        const char *path;        /* absolute, with the prefix, without the query */
        const char *query;       /* "": none */
        const char *prefix;      /* of paths that some clients leave out of what they sign */
        const char *host;        /* the Host header, "": none */
        const char *public_host; /* host[:port] that clients were told, tried as well; or NULL */
        const char *public_path; /* what a front takes off the path, tried as well; "" or NULL */
        /* The value of a header by its lower-case name, NULL: it is not there. Those that CGI has
         * apart, as content-length, are asked for in the same way. */
        const char *(*header)(void *arg, const char *name);
        /* The lower-case name of the index-th header that came, NULL past the last. It may say '_'
         * for '-' or the other way round, as CGI cannot tell them. */
        const char *(*header_name)(void *arg, size_t index);
        void *arg;
        int64_t now_us;
};

/* How the body is covered: x-amz-content-sha256. */
enum sigv4_payload {
        SIGV4_HASHED,                     /* its SHA-256 is payload_hash: the caller compares */
        SIGV4_UNSIGNED,                   /* not at all */
        SIGV4_STREAMING_SIGNED,           /* aws-chunked, each chunk signed */
        SIGV4_STREAMING_SIGNED_TRAILER,   /* the same with signed trailer lines */
        SIGV4_STREAMING_UNSIGNED_TRAILER, /* aws-chunked with a checksum in the trailer */
        SIGV4_PAYLOAD_COUNT
};

/* The credential as presented. Strings are in the arena, or borrowed from the request. */
struct sigv4 {
        const char *access_key_id;
        const char *scope; /* "20130524/us-east-1/s3/aws4_request" */
        const char *date, *region;
        const char *amz_date; /* "20130524T000000Z", of the scope's day */
        int64_t signed_at_us;
        const char *signed_headers; /* "host;x-amz-date", as sent */
        const char *signature;      /* 64 lower-case hex digits */
        bool presigned;             /* in the query, and good for expires_s from signed_at_us */
        int64_t expires_s;
        enum sigv4_payload payload;
        const char *payload_hash; /* as signed: hex digits, or the word for what is not hashed */
        /* Set by a refused sigv4_verify, for S3's answer; no secret is in it. */
        const char *canonical_request, *string_to_sign;
};

/* What signatures of chunks go on from. Holds a key: wipe it with secret_wipe. */
struct sigv4_proof {
        unsigned char signing_key[SHA256_SIZE];
        char signature[SHA256_HEX_SIZE]; /* the seed */
        const char *scope, *amz_date;    /* borrowed from the credential */
};

/* Read the credential of a request.
 * ERR_NOT_FOUND: it has none for S3. Codes of ERR_INVALID: AuthorizationHeaderMalformed,
 * AuthorizationQueryParametersError, InvalidArgument, and InvalidRequest for Signature Version 2
 * and other kinds that are not supported, with what to do in the detail. */
NODISCARD enum err sigv4_parse(struct ctx *ctx, const struct sigv4_request *request,
                               struct sigv4 *ret);

/* Is it in time, is every x-amz-* header signed, and does the secret give this signature?
 * A client below a prefix may sign the path with it (SDKs) or without (s3fs), or count it to the
 * host (s3cmd); a tunnel may have changed the host. All forms are tried before a refusal.
 * Codes of ERR_DENIED: RequestTimeTooSkewed (15 minutes), AccessDenied, SignatureDoesNotMatch. */
NODISCARD enum err sigv4_verify(struct ctx *ctx, const struct sigv4_request *request,
                                struct sigv4 *sigv4, struct secret secret_key,
                                struct sigv4_proof *ret_proof);

#endif
