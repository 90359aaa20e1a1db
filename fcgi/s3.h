/* Requests of S3 clients: how they are told from others, and who makes them. The endpoint lies
 * below a path, and answers in S3's XML whoever speaks S3; see s3_reply.h. */
#ifndef FCGI_S3_H
#define FCGI_S3_H

#include "core/cloud/s3/s3_credential.h"
#include "core/cloud/s3/sigv4.h"
#include "fcgi/request.h"

#define S3_PATH S3_ENDPOINT_PATH

/* The signature of a request, once it has been verified. */
struct s3_signature {
        struct sigv4 sigv4;
        struct sigv4_proof proof;
};

/* Set request->s3: is it for the endpoint, and does it come from an S3 client, which signs, names
 * itself or uses S3's headers? */
void s3_recognise(struct request *request);

/* Of a request with a signature: who is it, and is it his? Sets ctx->actor and request->signature.
 * ERR_NOT_FOUND: it has no signature. Else what sigv4_verify and s3_auth_secret return. */
NODISCARD enum err s3_identify(struct ctx *ctx, struct request *request);

/* Was a header of this name, in lower case, signed? Front servers drop those without a value: then
 * it was there, although it is not. */
bool s3_signs_header(const struct request *request, const char *name);

/* ERR_UNSUPPORTED: it asks for a part of S3 that is not offered here, such as ?acl or
 * x-amz-server-side-encryption. */
NODISCARD enum err s3_check_supported(struct ctx *ctx, const struct request *request);

#endif
