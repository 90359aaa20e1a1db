#include "fcgi/reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/cloud/remote/remote_get.h"

static const char logger[] = "simpletuner.cloud.storage";

#define FILE_CHUNK (64 * KiB)
#define HEAD_MAX   (64 * KiB)
#define KEPT_MAX   (64 * KiB) /* bytes of memory that a thread keeps for its next answer */
#define RETRY_S    5          /* when nobody knows better */

/* clang-format off */
static const int err_http_status[ERR_COUNT] = {
        [OK] = 200,
        [ERR_NOT_FOUND] = 404,
        [ERR_CONFLICT] = 409,
        [ERR_INVALID] = 400,
        [ERR_UNAUTHENTICATED] = 401,
        [ERR_DENIED] = 403,
        [ERR_LIMITED] = 429,
        [ERR_OVER_LIMIT] = 403,
        [ERR_OVER_QUOTA] = 403,
        [ERR_TOO_LARGE] = 413,
        [ERR_PRECONDITION] = 412,
        [ERR_RANGE] = 416,
        [ERR_UNSUPPORTED] = 501,
        [ERR_UNSUPPORTED_TYPE] = 415,
        [ERR_NO_SPACE] = 507,
        [ERR_PROVIDER] = 502,
        [ERR_OUTCOME_UNKNOWN] = 502,
        [ERR_NOT_READY] = 503,
        [ERR_UNAVAILABLE] = 503,
        [ERR_NOMEM] = 500,
        [ERR_INTERNAL] = 500,
};

static const struct { int status; const char *reason; } reasons[] = {
        { 200, "OK" }, { 201, "Created" }, { 204, "No Content" }, { 206, "Partial Content" },
        { 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
        { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
        { 409, "Conflict" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
        { 413, "Content Too Large" }, { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" }, { 429, "Too Many Requests" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 507, "Insufficient Storage" },
};
/* clang-format on */

static const char security_headers[] = "X-Content-Type-Options: nosniff\r\n"
                                       "X-Frame-Options: DENY\r\n"
                                       "Referrer-Policy: strict-origin-when-cross-origin\r\n"
                                       "Permissions-Policy: geolocation=(), microphone=(), "
                                       "camera=()\r\n";
/* An answer of the API is no page; a file of a job must never become one. */
static const char api_policy[] =
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
static const char stream_policy[] =
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        "X-Accel-Buffering: no\r\n";
static const char user_content_policy[] = "Content-Security-Policy: default-src 'none'; sandbox; "
                                          "frame-ancestors 'none'\r\n";

/* The memory of most answers is kept, that of a rare large one is given back. */
static struct buf recycled(struct buf buf, size_t max)
{
        if (buf.cap > KEPT_MAX)
                buf_done(&buf);
        if (buf.max == 0)
                buf_init(&buf, max);
        buf_reset(&buf);
        return buf;
}

void reply_reset(struct reply *reply)
{
        *reply = (struct reply){
                .status = 200,
                .content_type = "application/json",
                .file_fd = -1,
                .head = recycled(reply->head, HEAD_MAX),
                .body = recycled(reply->body, REPLY_MAX),
        };
}

void reply_done(struct reply *reply)
{
        buf_done(&reply->head);
        buf_done(&reply->body);
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
        if (strpbrk(value, "\r\n"))
                return;
        for (size_t i = 0; i < reply->header_count; i++) {
                if (strcasecmp(reply->headers[i].name, name) == 0) {
                        reply->headers[i].value = value;
                        return;
                }
        }
        if (reply->header_count == REPLY_HEADERS_MAX)
                return;
        reply->headers[reply->header_count++] = (struct reply_header){ name, value };
}

struct jsonw reply_json(struct reply *reply)
{
        struct jsonw json;

        buf_reset(&reply->body);
        json = jsonw_to(&reply->body);
        jsonw_object(&json, NULL);
        return json;
}

enum err reply_json_end(struct ctx *ctx, struct reply *reply, struct jsonw *json)
{
        jsonw_object_end(json);
        if (!buf_ok(&reply->body))
                return ctx_fail(ctx, ERR_INTERNAL, "the answer is too large");
        return OK;
}

void reply_stream(struct reply *reply, const char *content_type, reply_stream_fn *write, void *arg)
{
        reply->content_type = content_type;
        reply->stream = write;
        reply->stream_arg = arg;
}

static void drop_file(struct reply *reply)
{
        close_fdp(&reply->file_fd);
        reply->file_path = reply->remote = NULL;
        remote_get_free(TAKE(reply->remote_get));
}

void reply_error_status(struct ctx *ctx, struct reply *reply, int status, const char *code)
{
        struct jsonw json;

        drop_file(reply);
        reply->stream = NULL;
        reply->status = status;
        reply->content_type = "application/json";
        reply->is_user_content = false;
        json = reply_json(reply);
        jsonw_string(&json, "detail", ctx->detail);
        jsonw_string(&json, "error", code);
        if (ctx->details) {
                jsonw_raw(&json, "details", ctx->details);
        } else if (*ctx->job_id) {
                jsonw_object(&json, "details");
                jsonw_string(&json, "job_id", ctx->job_id);
                jsonw_object_end(&json);
        }
        jsonw_object_end(&json);
}

/* A header less is no reason to fail. */
static void add_retry_after(struct ctx *ctx, struct reply *reply)
{
        const char *seconds =
                arena_printf(ctx->arena, "%u", ctx->retry_after_s ? ctx->retry_after_s : RETRY_S);

        if (seconds)
                reply_header(reply, "Retry-After", seconds);
}

int reply_status_of(enum err rc)
{
        return err_http_status[rc];
}

void reply_error(struct ctx *ctx, struct reply *reply, enum err rc)
{
        int status = err_http_status[rc];

        reply->header_count = 0; /* what was said of an object is not true of an error */
        if (err_is_fault(rc))    /* the true reason is for the log: it may name paths or SQL */
                snprintf(ctx->detail, sizeof(ctx->detail), "%s",
                         rc == ERR_UNAVAILABLE ? "The service cannot do this right now. Try again "
                                                 "later."
                                               : "Internal error. The log has the details under "
                                                 "this answer's X-Correlation-ID.");
        if (status == 503 || ctx->retry_after_s)
                add_retry_after(ctx, reply);
        if (status == 401)
                reply_header(reply, "WWW-Authenticate", "Bearer realm=\"simpletuner-cloud\"");
        reply_error_status(ctx, reply, status, err_code(rc));
}

static const char *reason_of(int status)
{
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
                if (reasons[i].status == status)
                        return reasons[i].reason;
        }
        return "Unknown";
}

/* Front servers decode the path they are given, so whatever is not plain is escaped. */
static void add_sendfile(struct buf *out, const char *path)
{
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

        buf_puts(out, "X-Sendfile: ");
        for (const char *c = path; *c; c++) {
                if (strchr(plain, *c))
                        buf_putc(out, *c);
                else
                        buf_printf(out, "%%%02X", (unsigned char)*c);
        }
        buf_puts(out, "\r\n");
}

static bool has_header(const struct reply *reply, const char *name)
{
        for (size_t i = 0; i < reply->header_count; i++) {
                if (strcasecmp(reply->headers[i].name, name) == 0)
                        return true;
        }
        return false;
}

/* May the front server serve this file by itself? It knows whole files, and cuts single ranges. */
bool reply_can_sendfile(const struct reply *reply, const struct request *request)
{
        const char *root = transport_param(request->transport, "SIMPLETUNER_SENDFILE_ROOT");
        size_t len = root ? strlen(root) : 0;

        while (len > 1 && root[len - 1] == '/')
                len--;
        /* Apache's mod_xsendfile takes Content-Encoding away. */
        return len > 0 && reply->file_path && reply->status == 200 &&
               !has_header(reply, "Content-Encoding") && request->method != METHOD_HEAD &&
               strncmp(reply->file_path, root, len) == 0 && reply->file_path[len] == '/';
}

static void add_header(struct buf *out, const char *name, const char *value)
{
        buf_puts(out, name);
        buf_add(out, ": ", 2);
        buf_puts(out, value);
        buf_add(out, "\r\n", 2);
}

static void add_length(struct buf *out, int64_t length)
{
        buf_puts(out, "Content-Length: ");
        buf_put_int(out, length);
        buf_add(out, "\r\n", 2);
}

/* Who may keep the answer, unless an object says so itself, and what a browser may do with it. */
static void add_policy(struct buf *out, const struct reply *reply)
{
        const char *policy = api_policy, *cache = "no-store";

        if (reply->is_user_content) {
                policy = user_content_policy;
                cache = "private, no-cache";
        } else if (reply->stream) {
                policy = stream_policy;
                cache = "no-cache";
        }
        buf_puts(out, policy);
        if (!has_header(reply, "Cache-Control"))
                add_header(out, "Cache-Control", cache);
}

/* Is the body a file, or like one? */
static bool has_file(const struct reply *reply)
{
        return reply->file_fd >= 0 || reply->remote;
}

static void build_head(const struct ctx *ctx, struct reply *reply, bool sendfile)
{
        int64_t length = reply->stream     ? reply->stream_length
                         : has_file(reply) ? reply->file_size
                                           : (int64_t)reply->body.len;
        struct buf *out = &reply->head;

        /* No Status means 200, RFC 3875 6.3.3, but with a Location it means 302, 6.2.3. */
        if (reply->status != 200 || has_header(reply, "Location"))
                buf_printf(out, "Status: %d %s\r\n", reply->status, reason_of(reply->status));
        if (reply->status != 204 && reply->status != 304)
                add_header(out, "Content-Type", reply->content_type);
        if (sendfile)
                add_sendfile(out, reply->file_path);
        else if (reply->status != 204 && reply->status != 304 &&
                 (!reply->stream || reply->stream_length > 0))
                add_length(out, length);
        for (size_t i = 0; i < reply->header_count; i++)
                add_header(out, reply->headers[i].name, reply->headers[i].value);
        buf_add(out, security_headers, sizeof(security_headers) - 1);
        add_policy(out, reply);
        add_header(out, "X-Correlation-ID", ctx->correlation_id);
        buf_add(out, "\r\n", 2);
}

/* Bytes of the S3 store on their way to the client. */
struct passing {
        struct transport *transport;
        int64_t sent;
};

static bool pass_on(void *arg, const void *bytes, size_t len)
{
        struct passing *passing = arg;

        if (!transport_write(passing->transport, bytes, len))
                return false;
        passing->sent += (int64_t)len;
        return true;
}

/* An answer that has begun can only break off. */
static int64_t send_remote(struct ctx *ctx, const struct reply *reply,
                           const struct request *request, struct file_piece piece)
{
        CLEANUP(remote_get_freep) struct remote_get *own = NULL;
        struct passing passing = { .transport = request->transport };
        const struct http_taker taker = { .write = pass_on, .arg = &passing };
        struct remote_get *get = reply->remote_get;
        enum err rc = OK;

        if (!get) {
                rc = remote_get_begin(ctx, reply->remote, reply->remote_size,
                                      (struct remote_piece){ piece.offset, piece.size }, &own);
                get = own;
        }
        if (rc == OK)
                rc = remote_get_take(ctx, get, &taker);
        if (rc != OK && rc != ERR_CONFLICT)
                log_event(ctx, LOG_WARNING, logger, "An object could not be sent", "reason",
                          ctx->detail);
        return passing.sent;
}

int64_t reply_send_piece(struct ctx *ctx, const struct reply *reply, const struct request *request,
                         struct file_piece piece)
{
        char *chunk = reply->remote ? NULL : arena_alloc(ctx->arena, FILE_CHUNK);
        int64_t sent = 0;

        if (reply->remote)
                return send_remote(ctx, reply, request, piece);
        while (chunk && sent < piece.size) {
                int64_t left = piece.size - sent;
                size_t want = left < (int64_t)FILE_CHUNK ? (size_t)left : FILE_CHUNK;
                ssize_t n = pread(reply->file_fd, chunk, want, piece.offset + sent);

                if (n <= 0 || !transport_write(request->transport, chunk, (size_t)n))
                        break;
                sent += n;
        }
        return sent;
}

int64_t reply_send(struct ctx *ctx, struct reply *reply, const struct request *request)
{
        bool sendfile = reply_can_sendfile(reply, request);
        bool head_only =
                request->method == METHOD_HEAD || reply->status == 204 || reply->status == 304;
        struct transport *transport = request->transport;
        int64_t sent = 0;

        build_head(ctx, reply, sendfile);
        if (buf_ok(&reply->head) && transport_write(transport, reply->head.data, reply->head.len) &&
            !head_only) {
                if (sendfile)
                        sent = reply->file_size;
                else if (reply->stream)
                        sent = reply->stream(ctx, request, reply, reply->stream_arg);
                else if (has_file(reply))
                        sent = reply_send_piece(
                                ctx, reply, request,
                                (struct file_piece){ reply->file_offset, reply->file_size });
                else if (transport_write(transport, buf_str(&reply->body), reply->body.len))
                        sent = (int64_t)reply->body.len;
        }
        drop_file(reply);
        return sent;
}
