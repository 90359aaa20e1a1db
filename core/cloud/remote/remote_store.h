/* The S3 store that keeps the bytes of objects when SIMPLETUNER_STORAGE_URL names one: AWS, Ceph,
 * Garage, another server of this kind. What we ask of it is little: whole objects under names of
 * our own, which are written once and never changed, ranges of them, and uploads in parts. URLs
 * are "s3://bucket/name"; requests are path-style, signed by libcurl. The database knows which
 * names are objects; the store is never listed.
 *
 * Failures of the store are ERR_UNAVAILABLE: the client comes again, the log has the reason. */
#ifndef CORE_CLOUD_REMOTE_REMOTE_STORE_H
#define CORE_CLOUD_REMOTE_REMOTE_STORE_H

#include "core/cloud/http/http_stream.h"

#define REMOTE_PUT_MAX ((int64_t)5 * 1024 * (int64_t)MiB) /* of one request, as AWS */

/* Is this the URL of something in a store, rather than a path? */
bool remote_is_url(const char *directory);

/* A new name for an object, that nobody else has: its key, as far as it is plain, and an id. In the
 * arena. */
NODISCARD enum err remote_name(struct ctx *ctx, const char *bucket_url, const char *key,
                               const char **ret_url);

/* One request as it goes out, with what it borrows. */
struct remote_request {
        struct http_settings http;
        struct http_signature sign;
        struct http_request request;
        const char *headers[6];
};

/* What is asked of a name. */
struct remote_ask {
        const char *method;
        const char *url;              /* "s3://bucket/name" */
        const char *query;            /* in order, "a=b&c=" ; NULL: none */
        const char *header, *header2; /* more of them, "Name: value"; NULL: none */
        const char *body;             /* XML; NULL: none */
        bool streamed; /* a body of bytes follows, which the signature does not cover */
        bool slow;     /* the store may have to copy before it answers */
};

/* Make it ready: where the store is, and whose keys sign. ERR_UNAVAILABLE: there are none. */
NODISCARD enum err remote_prepare(struct ctx *ctx, const struct remote_ask *ask,
                                  struct remote_request *ret);

/* Ask, and ask again when that may help: for what has no streamed body. OK: the answer is 2xx.
 * ERR_NOT_FOUND: 404. */
NODISCARD enum err remote_ask(struct ctx *ctx, const struct remote_ask *ask,
                              struct http_answer *ret);

/* What an answer or its absence means: rc is what the HTTP client said. */
NODISCARD enum err remote_outcome(struct ctx *ctx, const struct remote_ask *ask, enum err rc,
                                  const struct http_answer *answer);

/* Remove an object. OK: it is gone, or was. */
NODISCARD enum err remote_delete(struct ctx *ctx, const char *url);
/* Copy one inside the store, at most REMOTE_PUT_MAX bytes. ERR_NOT_FOUND. */
NODISCARD enum err remote_copy(struct ctx *ctx, const char *from_url, const char *to_url);

#endif
