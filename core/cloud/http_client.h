/* Outbound HTTP: one request, one bounded answer. The only user of libcurl. Redirects are not
 * followed. One client per thread; it keeps connections open between calls. */
#ifndef CORE_CLOUD_HTTP_CLIENT_H
#define CORE_CLOUD_HTTP_CLIENT_H

#include "core/base/ctx.h"

#define HTTP_ANSWER_MAX (8 * MiB)

/* How to reach a provider: its own settings, and where those are silent the environment's. */
struct http_settings {
        bool ssl_verify;
        const char *ca_bundle; /* added to the system's certificates; NULL: none */
        const char *proxy;     /* NULL: go direct */
        const char *no_proxy;  /* hosts and ranges that go direct; NULL: none */
        double timeout_s;      /* for the whole call */
};

struct http_request {
        const char *method;
        const char *url;
        const char *bearer;       /* NULL: no Authorization */
        const char *content_type; /* NULL: no body */
        const char *body;
        size_t body_len;
};

struct http_answer {
        long status;
        const char *body; /* NUL-terminated, in the arena */
        size_t body_len;
        long retry_after_s; /* 0: not given */
};

/* Process-wide set-up and tear-down of the library, before threads and after them. */
NODISCARD bool http_client_start(void);
void http_client_stop(void);

/* NULL: out of memory. */
NODISCARD struct http_client *http_client_new(void);
void http_client_free(struct http_client *client);
DEFINE_CLEANUP(struct http_client *, http_client_free)

/* Perform with ctx->http; the correlation id travels along. OK whatever the HTTP status.
 * ERR_PROVIDER: it was certainly not delivered (name, connection, TLS, proxy).
 * ERR_OUTCOME_UNKNOWN: it may have been (time-out, broken connection, answer too large). */
NODISCARD enum err http_perform(struct ctx *ctx, const struct http_settings *settings,
                                const struct http_request *request, struct http_answer *ret);

#endif
