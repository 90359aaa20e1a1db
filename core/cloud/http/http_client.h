/* Outbound HTTP: requests and bounded answers, one by one or many at once, and files that are
 * streamed. http_*.c alone use libcurl. Redirects are not followed. One client per thread; it keeps
 * connections open between calls. */
#ifndef CORE_CLOUD_HTTP_HTTP_CLIENT_H
#define CORE_CLOUD_HTTP_HTTP_CLIENT_H

#include <stdint.h>

#include "core/base/ctx.h"

#define HTTP_ANSWER_MAX (8 * MiB)

/* How to reach a provider: its own settings, and where those are silent the environment's. */
struct http_settings {
        bool ssl_verify;
        const char *ca_bundle; /* added to the system's certificates; NULL: none */
        const char *proxy;     /* http, https, socks5 or socks5h URL; NULL: go direct */
        const char *no_proxy;  /* who goes direct all the same (noproxy.h); NULL: nobody */
        double timeout_s;      /* for the whole call; of a streamed file, for each stall */
        bool public_only;      /* refuse private, loopback and link-local addresses, behind a
                                * proxy too (http_route.h) */
};

/* A file sent as one part of multipart/form-data (RFC 7578). */
struct http_file {
        const char *field, *path, *name, *content_type;
        /* Asked about once a second and after each piece; false: stop, which makes the result
         * ERR_CONFLICT. NULL: nobody asks. */
        bool (*progress)(void *arg, int64_t sent);
        void *arg;
};

struct http_request {
        const char *op; /* what is asked, a word for metrics; NULL: "read" for GET, else "call" */
        const char *method;
        const char *url;
        const char *bearer;         /* NULL: no Authorization */
        const char *const *headers; /* more of them, "Name: value" each, then NULL; or NULL */
        const char *content_type;   /* NULL: no body */
        const char *body;
        size_t body_len;
        const struct http_file *file; /* instead of a body; NULL: none */
        int64_t range_from;           /* ask for the bytes from here on; 0: for all */
        const char *if_range;         /* the ETag they must still have; NULL: not said */
        bool repeatable;              /* doing it twice is doing it once; said of others than GET */
        const struct http_signature *sign; /* sign it for S3 (http_stream.h); NULL: no */
};

struct http_answer {
        long status;
        const char *body; /* NUL-terminated, in the arena */
        size_t body_len;
        const char *etag;   /* in the arena; NULL: not given */
        long retry_after_s; /* 0: not given */
        bool permanent;     /* it failed and would fail again: by our settings, by a certificate
                             * that is not trusted, by its size */
};

/* Process-wide set-up and tear-down of the library, before threads and after them. */
NODISCARD bool http_client_start(void);
void http_client_stop(void);

/* NULL: out of memory. */
NODISCARD struct http_client *http_client_new(void);
void http_client_free(struct http_client *client);
DEFINE_CLEANUP(struct http_client *, http_client_free)

/* Perform one request with ctx->http; the correlation id travels along. OK whatever the HTTP
 * status. ERR_PROVIDER: it was certainly not delivered (name, connection, TLS, proxy).
 * ERR_OUTCOME_UNKNOWN: it may have been (time-out, broken connection, answer too large).
 * ERR_DENIED: settings->public_only forbids the address. When it fails, ret->permanent alone is
 * set, and the next call makes a connection of its own. */
NODISCARD enum err http_perform(struct ctx *ctx, const struct http_settings *settings,
                                const struct http_request *request, struct http_answer *ret);

/* One of many. */
struct http_call {
        struct http_request request;
        struct http_answer answer; /* when rc is OK */
        enum err rc;               /* as http_perform's */
        const char *detail;        /* why it is not OK; in the arena */
        void *arg;                 /* the caller's */
};

/* Perform calls that only read, width of them at a time. begin, which may be NULL, is asked before
 * each of them; what it answers other than OK ends the call. done hears of each as it ends. Both
 * may use ctx for anything but this client. ERR_NOMEM. */
typedef enum err http_begin_fn(struct ctx *ctx, struct http_call *call);
typedef void http_done_fn(struct ctx *ctx, struct http_call *call);
struct http_calls {
        struct http_call *calls;
        size_t count;
        unsigned width;
        http_begin_fn *begin;
        http_done_fn *done;
};
NODISCARD enum err http_perform_all(struct ctx *ctx, const struct http_settings *settings,
                                    const struct http_calls *calls);

/* What an answer says before its body; texts live until the call returns. */
struct http_head {
        long status;
        int64_t length;                                  /* -1: not said */
        const char *etag, *content_type, *content_range; /* NULL: not said */
};

/* Where a streamed body goes. False from either: stop, which makes the result ERR_CONFLICT. */
struct http_sink {
        bool (*begin)(void *arg, const struct http_head *head);
        bool (*write)(void *arg, const void *bytes, size_t len);
        void *arg;
};

/* GET into a sink. begin is called once for every answer, also for one without a body. Otherwise as
 * http_perform; ERR_OUTCOME_UNKNOWN: it broke off. */
NODISCARD enum err http_download(struct ctx *ctx, const struct http_settings *settings,
                                 const struct http_request *request, const struct http_sink *sink);

#endif
