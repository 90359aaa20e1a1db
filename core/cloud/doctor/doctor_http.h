/* Requests of the doctor, byte for byte, and what comes back. Private to doctor*.c. */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_HTTP_H
#define CORE_CLOUD_DOCTOR_DOCTOR_HTTP_H

#include "core/base/json.h"
#include "core/cloud/doctor/doctor_token.h"
#include "core/cloud/http/http_raw.h"

/* Where requests go. */
struct doctor_place {
        const char *url;       /* without trailing slash */
        const char *authority; /* of it: "host:port" */
        const char *prefix;    /* its path, "" if none */
        struct http_settings settings;
        const struct doctor_token *token; /* NULL: requests have none */
};

struct doctor_ask {
        const char *method, *target; /* target: after the prefix; goes out as it is */
        const char *headers;         /* more of them, each with \r\n at its end; NULL: none */
        const char *body;
        size_t body_len;
        unsigned pause_ms;   /* in the middle of the body; 0: none */
        bool length_is_said; /* headers say how long the body is: Content-Length is not added */
        bool stops_at_100;   /* "100 Continue" is an answer */
};

struct doctor_answer {
        int status;
        const char *head; /* status line and headers */
        const char *body;
        size_t body_len;
        int64_t spread_us; /* from the first byte of the body to the end */
        struct crypto_certificate certificate;
};

/* ERR_INVALID: not an http or https URL. ERR_NOMEM. */
NODISCARD enum err doctor_place_of(struct ctx *ctx, const char *url, struct doctor_place *ret);

/* Ask and read the whole answer. ERR_PROVIDER: no connection (http_raw_open), or no answer; detail
 * says why. ERR_NOMEM. */
NODISCARD enum err doctor_ask(struct ctx *ctx, const struct doctor_place *place,
                              const struct doctor_ask *ask, struct doctor_answer *ret);

/* The same call by hand, as a line for a shell: with the proxy, but for its password, and the extra
 * CA file of these settings. */
const char *doctor_curl(struct ctx *ctx, const struct http_settings *settings, const char *flags,
                        const char *url);
/* That of a place's health, which needs no token. */
const char *doctor_curl_health(struct ctx *ctx, const struct doctor_place *place,
                               const char *flags);

/* Is it a front server that does not get at the responder? */
bool doctor_is_gateway_failure(int status);
/* Which checks say why. */
#define DOCTOR_BEHIND_FRONT "simpletuner-cloud doctor --only start,responder,sockets"

/* A header of an answer, in the arena; NULL: it has none of this name. */
const char *doctor_answer_header(struct ctx *ctx, const struct doctor_answer *answer,
                                 const char *name);

/* Ask our own responder how a request arrived. *ret is the arena's. ERR_NOT_FOUND: an answer came,
 * but not from a responder with this home; ret_answer is set. Else as doctor_ask. */
NODISCARD enum err doctor_ask_echo(struct ctx *ctx, const struct doctor_place *place,
                                   const struct doctor_ask *ask, struct doctor_answer *ret_answer,
                                   json_t **ret);

/* The place that --url names, else the public URL, else the local port. */
NODISCARD enum err doctor_front_place(struct ctx *ctx, const char *url, struct doctor_place *ret);

/* Take "chunked" off a body. False: it is not that. In place; *ret_len: what is left. */
bool doctor_dechunk(char *body, size_t len, size_t *ret_len);

#endif
