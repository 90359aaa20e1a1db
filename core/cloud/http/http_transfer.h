/* One request on its way: setting it up, what libcurl calls meanwhile, and how it ended. Private to
 * http_*.c, and the one place that includes libcurl. */
#ifndef CORE_CLOUD_HTTP_HTTP_TRANSFER_H
#define CORE_CLOUD_HTTP_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/cloud/http/http_route.h"

#define HTTP_NOT_PUBLIC "the URL leads to an address that is not public"

/* A body that is given piece by piece. */
struct transfer_feed {
        int64_t size;  /* all of it */
        int64_t taken; /* by libcurl, so far */
        const char *at;
        size_t left;   /* given and not taken yet */
        size_t pieces; /* given so far; the first can be given again */
};

struct transfer {
        CURL *curl;
        struct buf answer;            /* the body, unless it goes to the sink */
        const struct http_sink *sink; /* set before transfer_begin; NULL: none */
        const struct http_file *file;
        struct transfer_feed *feed;           /* set before transfer_begin; NULL: none */
        bool streamed;                        /* likewise: who runs it watches the time itself */
        bool held;                            /* the sink hears of the head and then waits */
        unsigned activity;                    /* changes when bytes go or come */
        const struct http_settings *settings; /* borrowed until the transfer ends */
        struct http_route route;
        struct curl_slist *headers, *connect_to;
        curl_mime *form;
        bool begun;                            /* the sink has heard the head */
        bool stopped;                          /* the sink wants no more */
        bool guarded;                          /* a forbidden address was refused */
        char status_line[64];                  /* "407 Proxy Authentication Required", the last */
        struct crypto_certificate certificate; /* of the last handshake */
        char reason[CURL_ERROR_SIZE];
};

/* Make a transfer ready for a request; a zeroed one is fine. ERR_NOMEM; others as
 * http_route_find, and then trying again is no use. */
NODISCARD enum err transfer_begin(struct ctx *ctx, struct transfer *transfer,
                                  const struct http_settings *settings,
                                  const struct http_request *request);

/* What came of it, as http_perform says. */
NODISCARD enum err transfer_result(struct ctx *ctx, struct transfer *transfer, CURLcode code,
                                   struct http_answer *ret);

/* Tell the sink of the head, if it does not know yet. False: it wants no more. */
NODISCARD bool transfer_begin_sink(struct transfer *transfer);

/* Streams of a client that are not in use, to be reused for their connections (http_stream.c). */
struct http_stream **http_client_idle(struct http_client *client);
void http_stream_free(struct http_stream *stream);

/* The request is over; memory and handle stay for the next. And: they go too. */
void transfer_end(struct transfer *transfer);
void transfer_done(struct transfer *transfer);

#endif
