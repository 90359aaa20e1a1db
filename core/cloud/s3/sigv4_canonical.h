/* The texts that a Signature Version 4 signs, and the signature: for sigv4.c and its tests. */
#ifndef CORE_CLOUD_SIGV4_CANONICAL_H
#define CORE_CLOUD_SIGV4_CANONICAL_H

#include "core/cloud/s3/sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"

/* Do two header names agree in their first len bytes? '-' and '_' are the same. */
bool sigv4_same_name(const char *a, const char *b, size_t len);
/* Is a header among those signed, "host;x-amz-date"? */
bool sigv4_signs(const char *signed_headers, const char *name);

/* One way that a client may have seen its request. */
struct sigv4_view {
        const char *path; /* as on the wire */
        const char *host;
        bool encode_path; /* decode the path and encode it anew; else it is taken as it is */
};

/* Method, path, query, headers, their names and the payload hash, a line each.
 * ERR_INVALID (InvalidRequest): it is too long. */
NODISCARD enum err sigv4_canonical_request(struct ctx *ctx, const struct sigv4_request *request,
                                           const struct sigv4 *sigv4, const struct sigv4_view *view,
                                           const char **ret);
/* Algorithm, time, scope and the hash of the canonical request. */
NODISCARD enum err sigv4_string_to_sign(struct ctx *ctx, const struct sigv4 *sigv4,
                                        const char *canonical_request, const char **ret);

/* The key of a scope: an HMAC over each of its parts in turn. False: a fault. */
NODISCARD bool sigv4_signing_key(struct secret secret_key, const char *scope,
                                 unsigned char ret_key[SHA256_SIZE]);
/* The signature of a text in hex. False: a fault. */
NODISCARD bool sigv4_sign(const unsigned char key[SHA256_SIZE], const char *text,
                          char ret_hex[SHA256_HEX_SIZE]);

#endif
