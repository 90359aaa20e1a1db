/* An answer as handlers make it: status, headers, and a body in memory or a file. */
#ifndef FCGI_REPLY_H
#define FCGI_REPLY_H

#include "core/base/buf.h"
#include "core/base/ctx.h"
#include "core/base/jsonw.h"
#include "core/cloud/limits/rate_rules.h"
#include "fcgi/request.h"

#define REPLY_MAX         (16 * MiB) /* bytes of a body in memory */
#define REPLY_HEADERS_MAX 128

struct reply_header {
        const char *name, *value;
};

struct reply;

/* The limit that a request was counted under, for the X-RateLimit headers of its answer. */
struct reply_limit {
        char rule[RATE_NAME_SIZE];
        struct limit_usage usage; /* limit 0: none applies, or nobody knows */
        bool refused;             /* by this rule */
        bool is_known; /* who asks has shown who it is: what goes wrong now is no guess */
};

/* Writes a body whose end nobody knows, piece by piece; returns its bytes. reply->body is its to
 * gather in. */
typedef int64_t reply_stream_fn(struct ctx *ctx, const struct request *request, struct reply *reply,
                                void *arg);

struct reply {
        int status;               /* 200 unless set */
        const char *content_type; /* application/json unless set */
        struct reply_limit limit;
        bool is_user_content; /* bytes a job sent: never to be run by a browser */
        struct reply_header headers[REPLY_HEADERS_MAX];
        size_t header_count;
        struct buf head, body;          /* kept by the thread from one request to the next */
        int file_fd;                    /* -1, or the body; the reply closes it */
        const char *file_path;          /* where a front server finds it, absolute */
        const char *remote;             /* or where the body is in the S3 store; NULL: not there */
        struct remote_get *remote_get;  /* it has begun to come; the reply ends it */
        int64_t remote_size;            /* of all of it */
        int64_t file_offset, file_size; /* what is sent of it */
        reply_stream_fn *stream;        /* NULL, or what writes the body */
        void *stream_arg;
        int64_t stream_length; /* of a stream whose end is known; else 0 */
};

/* Ready for the next request; the buffers keep their memory. A zeroed reply is fine. */
void reply_reset(struct reply *reply);
void reply_done(struct reply *reply);

/* A header beside those every answer has, in place of one of the same name. name and value are
 * borrowed until the answer is sent; a value with a line break is left out. */
void reply_header(struct reply *reply, const char *name, const char *value);

/* Begin a JSON body; its outermost object is open. */
struct jsonw reply_json(struct reply *reply);
/* Close it. ERR_INTERNAL: the body is too large. */
NODISCARD enum err reply_json_end(struct ctx *ctx, struct reply *reply, struct jsonw *json);

/* Let write make the body after the head is sent: for events, which no cache may keep and no front
 * server may collect. arg lives as long as the request. */
void reply_stream(struct reply *reply, const char *content_type, reply_stream_fn *write, void *arg);

/* For streams made of pieces of the reply's file: send one; returns the bytes sent. */
struct file_piece {
        int64_t offset, size;
};
int64_t reply_send_piece(struct ctx *ctx, const struct reply *reply, const struct request *request,
                         struct file_piece piece);

/* The one mapping from results to HTTP: replace the answer by {"detail", "error", "details"?}. */
void reply_error(struct ctx *ctx, struct reply *reply, enum err rc);
/* The status that stands for a result. */
int reply_status_of(enum err rc);
/* Where the status says more than the result: 405. */
void reply_error_status(struct ctx *ctx, struct reply *reply, int status, const char *code);

/* Will the front server send the reply's file by itself? It cuts a single range from it, too. */
bool reply_can_sendfile(const struct reply *reply, const struct request *request);

/* Send it; returns the bytes of the body. Files go by X-Sendfile when the front server said that it
 * serves their directory (SIMPLETUNER_SENDFILE_ROOT), else they are streamed. */
int64_t reply_send(struct ctx *ctx, struct reply *reply, const struct request *request);

#endif
