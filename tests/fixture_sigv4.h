/* S3 requests made up for tests of signatures, after the examples of the S3 API reference
 * ("Authenticating Requests (AWS Signature Version 4)"). */
#ifndef TESTS_FIXTURE_SIGV4_H
#define TESTS_FIXTURE_SIGV4_H

#include "core/cloud/s3/sigv4.h"
#include "tests/fixture.h"

#define KEY_ID       "AKIAIOSFODNN7EXAMPLE"
#define SECRET       "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SCOPE        "20130524/us-east-1/s3/aws4_request"
#define DATE         "20130524T000000Z"
#define NOW_US       (INT64_C(1369353600) * US_PER_S)
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define AWS_HOST     "examplebucket.s3.amazonaws.com"
#define PREFIX       "/api/cloud/storage"
#define LOCAL        "127.0.0.1:9701"
#define KEY_PATH     "/bucket/dir%20one/a%2Bb.bin"
#define USUAL        "host;x-amz-content-sha256;x-amz-date"
#define USUAL_SIGNED "18cf43cda282c31c08e8ed3619f146de6c680ad4b8f1d35e4accdad1a2795e74"

#define PRESIGNED_CREDENTIAL                                                                       \
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY_ID                                \
        "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=" DATE
#define PRESIGNED_QUERY PRESIGNED_CREDENTIAL "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
#define PRESIGNED                                                                                  \
        PRESIGNED_QUERY "&X-Amz-Signature="                                                        \
                        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

#define HEADERS_MAX 12
struct wire {
        struct sigv4_request request;
        const char *headers[HEADERS_MAX][2]; /* name and value, up to the first without a name */
};

/* A request at NOW_US for LOCAL without any header. In the arena of the ctx. */
struct wire *wire_new(struct ctx *ctx, const char *method, const char *path, const char *query);
/* A request without a body that signs the three headers that all clients sign. */
struct wire *wire_usual(struct ctx *ctx, const char *path, const char *query,
                        const char *signature);
/* The documented presigned URL. */
struct wire *wire_presigned(struct ctx *ctx);

/* Add a header or replace it; the strings are borrowed. */
void wire_set_header(struct wire *wire, const char *name, const char *value);
void wire_authorize(struct ctx *ctx, struct wire *wire, const char *names, const char *signature);

/* Parse and verify with SECRET. */
enum err wire_verify(struct ctx *ctx, const struct wire *wire, struct sigv4 *ret);
void assert_good(struct ctx *ctx, const struct wire *wire);
void assert_refused(struct ctx *ctx, const struct wire *wire, enum err rc, const char *code);

#endif
