/* A request as handlers see it: parsed once, its parts decoded on demand into the arena. The path
 * is the raw REQUEST_URI (front servers decode PATH_INFO each in its own way). */
#ifndef FCGI_REQUEST_H
#define FCGI_REQUEST_H

#include <stdint.h>

#include "core/base/fields.h"
#include "core/base/ipnet.h"
#include "core/base/json.h"
#include "fcgi/transport.h"

enum method {
        METHOD_GET,
        METHOD_HEAD,
        METHOD_POST,
        METHOD_PUT,
        METHOD_PATCH,
        METHOD_DELETE,
        METHOD_OPTIONS,
        METHOD_OTHER,
        METHOD_COUNT
};
const char *method_name(enum method method);

#define REQUEST_PARAMS_MAX 4
#define REQUEST_TARGET_MAX (8 * KiB)

struct request_param {
        const char *name; /* as in the route's path */
        size_t name_len;
        const char *value; /* decoded */
};

struct route;
struct s3_signature;

struct request {
        struct transport *transport;
        enum method method;
        const char *path;                     /* raw, without the query */
        const char *query;                    /* raw, "" when there is none */
        struct ipaddr peer;                   /* who connected to the front server */
        struct ipaddr client;                 /* who asked it, past trusted proxies */
        bool forwarded;                       /* a header that forwarding proxies add is there */
        int64_t content_length;               /* -1: not announced */
        const char *session;                  /* of the cookie; NULL: none, or nobody looked */
        bool s3;                              /* an S3 client's: it is answered in XML */
        const struct s3_signature *signature; /* NULL: it has none */
        const struct route *route;
        struct request_param params[REQUEST_PARAMS_MAX];
        size_t param_count;
};

/* Read everything but the body. ERR_INVALID: the target or a header is malformed. */
NODISCARD enum err request_read_head(struct ctx *ctx, struct transport *transport,
                                     struct request *ret);

/* A header by its name ("X-Upload-Token"), NULL when not there. Borrowed until the request ends. */
const char *request_header(const struct request *request, const char *name);

/* The lower-case name of the index-th header, with "-" wherever CGI has "_"; NULL past the last, or
 * out of memory. In the arena. */
const char *request_header_name(struct ctx *ctx, const struct request *request, size_t index);

/* Did the client speak TLS: to the front server, or to a trusted proxy before it that says so? */
bool request_is_tls(const struct ctx *ctx, const struct request *request);

/* A parameter that the matched route has in its path. Never NULL. */
const char *request_param(const struct request *request, const char *name);

/* The decoded value of a query parameter, NULL when not there. ERR_INVALID: badly encoded.
 * All that read the query: ERR_INTERNAL when the operation's table does not have the name. */
NODISCARD enum err request_query(struct ctx *ctx, const struct request *request, const char *name,
                                 const char **ret);
/* The decoded values of all parameters of this name, in their order, in the arena: *ret_count of
 * them. */
NODISCARD enum err request_query_all(struct ctx *ctx, const struct request *request,
                                     const char *name, const char *const **ret, size_t *ret_count);
/* Is there a query parameter of this name, with a value or without? */
bool request_has_query(const struct request *request, const char *name);
/* The same as an integer in the range that the operation's table says; *ret keeps its value when it
 * is not there. */
NODISCARD enum err request_query_int(struct ctx *ctx, const struct request *request,
                                     const char *name, int64_t *ret);

/* The same as true, false, 1 or 0. */
NODISCARD enum err request_query_bool(struct ctx *ctx, const struct request *request,
                                      const char *name, bool *ret);

/* The whole body, at most the route's body_max. ERR_TOO_LARGE. ERR_INVALID: it broke off. */
NODISCARD enum err request_body(struct ctx *ctx, const struct request *request, const char **ret,
                                size_t *ret_len);
/* The body as a JSON object, owned by the arena. ERR_UNSUPPORTED_TYPE: it is not sent as JSON. */
NODISCARD enum err request_json(struct ctx *ctx, const struct request *request, json_t **ret);
/* The same, decoded by the operation's table into *out (core/base/fields.h), whose strings live as
 * long as the request; and where the object has been read already. */
NODISCARD enum err request_fields(struct ctx *ctx, const struct request *request, void *out);
NODISCARD enum err request_fields_of(struct ctx *ctx, const struct request *request,
                                     const json_t *object, void *out);
/* The same two where no body at all means {}; and where any JSON value will do. */
NODISCARD enum err request_json_or_empty(struct ctx *ctx, const struct request *request,
                                         json_t **ret);
NODISCARD enum err request_fields_or_empty(struct ctx *ctx, const struct request *request,
                                           void *out);
NODISCARD enum err request_json_value(struct ctx *ctx, const struct request *request, json_t **ret);

/* Streaming: the next bytes, 0 at the end; then request_ended_well tells whether all came. */
size_t request_read(const struct request *request, void *buffer, size_t size);
bool request_ended_well(const struct request *request, int64_t bytes_read);

/* Percent-decode len bytes into the arena (RFC 3986 2.1). ERR_INVALID: a bad escape, NUL, or not
 * UTF-8; what names the text in the message. */
NODISCARD enum err request_decode(struct ctx *ctx, const char *what, const char *text, size_t len,
                                  const char **ret);

#endif
