/* Signing a request of AWS's JSON protocols with Signature Version 4: a POST to the root of an
 * endpoint. After "Create a signed AWS API request" of the IAM user guide. */
#ifndef CORE_CLOUD_SECRETS_AWS_SIGN_H
#define CORE_CLOUD_SECRETS_AWS_SIGN_H

#include "core/cloud/secrets/aws_keys.h"

struct aws_call {
        const char *endpoint; /* https://host[:port][/path], without slash at the end */
        const char *region, *service;
        const char *target; /* X-Amz-Target: "secretsmanager.GetSecretValue" */
        const char *body;
};

#define AWS_CONTENT_TYPE "application/x-amz-json-1.1"
#define AWS_HEADERS_MAX  6

/* What to send: the URL, and all headers but Content-Type, which is AWS_CONTENT_TYPE, then NULL. In
 * the arena. ERR_NOMEM, ERR_INTERNAL. */
struct aws_signed {
        const char *url;
        const char *headers[AWS_HEADERS_MAX];
};
NODISCARD enum err aws_sign(struct ctx *ctx, const struct aws_call *call,
                            const struct aws_keys *keys, struct aws_signed *ret);

#endif
