#include "core/cloud/http/http_transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/ipnet.h"
#include "core/cloud/http/http_failure.h"
#include "core/cloud/http/http_stream.h"

#define CONNECT_TIMEOUT_MS 10000
#define STREAM_BUFFER      (256L * 1024)

/* What a proxy may ask for when it has a user and password. Not Negotiate: where a proxy offers it
 * too, libcurl would take it for the best and fail for want of a ticket. */
#define PROXY_LOGINS (CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM)

void transfer_end(struct transfer *transfer)
{
        if (transfer->curl)
                curl_easy_reset(transfer->curl);
        curl_slist_free_all(TAKE(transfer->headers));
        curl_slist_free_all(TAKE(transfer->connect_to));
        curl_mime_free(TAKE(transfer->form));
        transfer->settings = NULL;
        transfer->feed = NULL;
}

void transfer_done(struct transfer *transfer)
{
        transfer_end(transfer);
        curl_easy_cleanup(transfer->curl);
        buf_done(&transfer->answer);
}

/* ---- what libcurl calls ---- */

static const char *header_of(CURL *curl, const char *name)
{
        struct curl_header *header;

        return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
                       ? header->value
                       : NULL;
}

bool transfer_begin_sink(struct transfer *transfer)
{
        struct http_head head = { .length = -1 };
        curl_off_t length = -1;

        if (transfer->begun)
                return !transfer->stopped;
        transfer->begun = true;
        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &head.status);
        curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        head.length = length;
        head.etag = header_of(transfer->curl, "ETag");
        head.content_type = header_of(transfer->curl, "Content-Type");
        head.content_range = header_of(transfer->curl, "Content-Range");
        transfer->stopped = !transfer->sink->begin(transfer->sink->arg, &head);
        return !transfer->stopped;
}

static size_t on_answer(char *data, size_t size, size_t count, void *arg)
{
        struct transfer *transfer = arg;
        size_t len = size * count;

        transfer->activity++;
        if (!transfer->sink)
                return buf_add(&transfer->answer, data, len) ? len : 0;
        if (!transfer_begin_sink(transfer))
                return 0;
        if (transfer->held)
                return CURL_WRITEFUNC_PAUSE;
        transfer->stopped = !transfer->sink->write(transfer->sink->arg, data, len);
        return transfer->stopped ? 0 : len;
}

static size_t on_feed(char *space, size_t size, size_t count, void *arg)
{
        struct transfer *transfer = arg;
        struct transfer_feed *feed = transfer->feed;
        size_t n = size * count < feed->left ? size * count : feed->left;

        if (n == 0)
                return feed->taken < feed->size ? CURL_READFUNC_PAUSE : 0;
        memcpy(space, feed->at, n);
        feed->at += n;
        feed->left -= n;
        feed->taken += (int64_t)n;
        transfer->activity++;
        return n;
}

/* A kept connection turned out dead: what was sent into it is wanted again. */
static int on_feed_again(void *arg, curl_off_t offset, int origin)
{
        struct transfer *transfer = arg;
        struct transfer_feed *feed = transfer->feed;

        if (offset != 0 || origin != SEEK_SET || feed->pieces > 1)
                return CURL_SEEKFUNC_CANTSEEK;
        feed->at -= feed->taken;
        feed->left += (size_t)feed->taken;
        feed->taken = 0;
        return CURL_SEEKFUNC_OK;
}

/* Keep the words of the last status line: libcurl itself drops those of a proxy. */
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
        struct transfer *transfer = arg;
        size_t len = size * count;
        const char *status =
                len > 5 && memcmp(line, "HTTP/", 5) == 0 ? memchr(line, ' ', len) : NULL;

        if (!status)
                return len;
        snprintf(transfer->status_line, sizeof(transfer->status_line), "%.*s",
                 (int)(line + len - status - 1), status + 1);
        for (char *c = transfer->status_line; *c; c++) {
                if (*c == '\r' || *c == '\n')
                        *c = '\0';
                else if (*c < ' ' || *c > '~')
                        *c = '?';
        }
        return len;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
        struct transfer *transfer = arg;

        (void)down_total;
        (void)down;
        (void)up_total;
        transfer->stopped = !transfer->file->progress(transfer->file->arg, up);
        return transfer->stopped;
}

/* Asked before each connection: may this address be reached? */
static curl_socket_t open_if_public(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
        struct transfer *transfer = arg;
        struct ipaddr target;

        (void)purpose;
        if (!ipaddr_from_sockaddr(&address->addr, &target) || !ipaddr_is_public(&target)) {
                transfer->guarded = true;
                return CURL_SOCKET_BAD;
        }
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Asked before each handshake, with a proxy too. */
static CURLcode prepare_tls(CURL *curl, void *ssl_ctx, void *arg)
{
        struct transfer *transfer = arg;
        const char *bundle = transfer->settings->ca_bundle;

        (void)curl;
        if (bundle && !crypto_ssl_ctx_add_ca(ssl_ctx, bundle))
                return CURLE_SSL_CACERT_BADFILE;
        crypto_ssl_ctx_watch(ssl_ctx, &transfer->certificate);
        return CURLE_OK;
}

/* ---- setting a transfer up ---- */

/* False: out of memory; the list is as long as it was. */
static bool add_line(struct curl_slist **list, const char *line)
{
        struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;

        if (longer)
                *list = longer;
        return longer != NULL;
}

static bool add_lines(struct curl_slist **list, const char *const *lines)
{
        for (; lines && *lines; lines++) {
                if (!add_line(list, *lines))
                        return false;
        }
        return true;
}

static bool make_headers(struct ctx *ctx, const struct http_request *request,
                         struct curl_slist **list)
{
        struct arena *arena = ctx->arena;

        /* No "Expect: 100-continue": it costs a second with servers that ignore it. S3 stores do
         * not, and libcurl 7.88 would sign the header that it leaves out. */
        return (request->sign || add_line(list, "Expect:")) &&
               add_line(list, "Accept: application/json, */*;q=0.1") &&
               add_line(list, arena_printf(arena, "X-Correlation-ID: %s", ctx->correlation_id)) &&
               add_lines(list, request->headers) &&
               (!request->bearer ||
                add_line(list, arena_printf(arena, "Authorization: Bearer %s", request->bearer))) &&
               (!request->content_type ||
                add_line(list, arena_printf(arena, "Content-Type: %s", request->content_type))) &&
               /* Said by ourselves: libcurl takes an answer with the whole file for a failure. */
               (request->range_from == 0 ||
                add_line(list,
                         arena_printf(arena, "Range: bytes=%" PRId64 "-", request->range_from))) &&
               (!request->if_range ||
                add_line(list, arena_printf(arena, "If-Range: %s", request->if_range)));
}

static void apply_tls(struct transfer *transfer, const struct http_settings *settings)
{
        CURL *curl = transfer->curl;

        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, settings->ssl_verify ? 1L : 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, settings->ssl_verify ? 2L : 0L);
        curl_easy_setopt(curl, CURLOPT_PROXY_SSL_VERIFYPEER, settings->ssl_verify ? 1L : 0L);
        curl_easy_setopt(curl, CURLOPT_PROXY_SSL_VERIFYHOST, settings->ssl_verify ? 2L : 0L);
        if (settings->ssl_verify) {
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, transfer);
        }
}

/* False: out of memory. */
static bool apply_route(struct transfer *transfer, const struct http_settings *settings)
{
        const struct http_route *route = &transfer->route;
        CURL *curl = transfer->curl;

        /* Empty texts keep libcurl from reading the environment by itself. */
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
        curl_easy_setopt(curl, CURLOPT_PROXY, route->proxy ? route->proxy : "");
        if (route->user) {
                curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, route->user);
                curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD,
                                 route->password ? route->password : "");
                curl_easy_setopt(curl, CURLOPT_PROXYAUTH, PROXY_LOGINS);
        }
        if (route->pinned) {
                if (!add_line(&transfer->connect_to, route->pinned))
                        return false;
                curl_easy_setopt(curl, CURLOPT_CONNECT_TO, transfer->connect_to);
                curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
        } else if (settings->public_only) {
                curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_if_public);
                curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
                curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        }
        return true;
}

static void apply_timeout(struct transfer *transfer, const struct http_settings *settings)
{
        long timeout_ms = (long)(settings->timeout_s * 1000 + 0.5);
        CURL *curl = transfer->curl;

        if (transfer->streamed) {
                /* Its time is not libcurl's: it also stands still while the caller does. */
        } else if (transfer->sink || transfer->file) {
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (timeout_ms + 999) / 1000);
        } else {
                curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
        }
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                         timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS);
}

/* False: out of memory. */
static bool add_form(struct transfer *transfer, const struct http_file *file)
{
        curl_mimepart *part;

        transfer->form = curl_mime_init(transfer->curl);
        part = transfer->form ? curl_mime_addpart(transfer->form) : NULL;
        if (!part || curl_mime_name(part, file->field) != CURLE_OK ||
            curl_mime_filedata(part, file->path) != CURLE_OK ||
            curl_mime_filename(part, file->name) != CURLE_OK ||
            curl_mime_type(part, file->content_type) != CURLE_OK)
                return false;
        curl_easy_setopt(transfer->curl, CURLOPT_MIMEPOST, transfer->form);
        if (file->progress) {
                curl_easy_setopt(transfer->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
                curl_easy_setopt(transfer->curl, CURLOPT_XFERINFODATA, transfer);
                curl_easy_setopt(transfer->curl, CURLOPT_NOPROGRESS, 0L);
        }
        return true;
}

static void apply_feed(struct transfer *transfer)
{
        CURL *curl = transfer->curl;

        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->feed->size);
        curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, STREAM_BUFFER);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_feed);
        curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_feed_again);
        curl_easy_setopt(curl, CURLOPT_SEEKDATA, transfer);
}

/* Path and query are signed as they are sent. False: out of memory. */
static bool apply_signature(struct ctx *ctx, struct transfer *transfer,
                            const struct http_signature *sign)
{
        const char *scope = arena_printf(ctx->arena, "aws:amz:%s:s3", sign->region);
        CURL *curl = transfer->curl;

        curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
        return scope && curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, scope) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_USERNAME, sign->access_key_id) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PASSWORD, sign->secret.bytes) == CURLE_OK;
}

static void apply_request(struct transfer *transfer, const struct http_request *request)
{
        CURL *curl = transfer->curl;

        curl_easy_setopt(curl, CURLOPT_URL, request->url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "SimpleTuner-Cloud/" PACKAGE_VERSION);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->reason);
        curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
        if (!request->file && (request->content_type || strcmp(request->method, "POST") == 0)) {
                curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        }
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
        if (transfer->feed)
                apply_feed(transfer);
        if (transfer->streamed)
                curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, STREAM_BUFFER);
        /* On a kept connection that turns out dead libcurl sends again: only what may be repeated.
         */
        if (strcmp(request->method, "GET") != 0 && !request->sign)
                curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
}

enum err transfer_begin(struct ctx *ctx, struct transfer *transfer,
                        const struct http_settings *settings, const struct http_request *request)
{
        enum err rc;

        if (!transfer->curl)
                transfer->curl = curl_easy_init();
        if (!transfer->curl)
                return ctx_nomem(ctx);
        if (transfer->answer.max == 0)
                buf_init(&transfer->answer, HTTP_ANSWER_MAX);
        buf_reset(&transfer->answer);
        transfer->file = request->file;
        transfer->settings = settings;
        transfer->begun = transfer->stopped = transfer->guarded = false;
        transfer->reason[0] = transfer->status_line[0] = '\0';
        transfer->certificate = (struct crypto_certificate){ 0 };
        rc = http_route_find(ctx, settings, request->url, &transfer->route);
        if (rc != OK)
                return rc;
        apply_request(transfer, request);
        apply_tls(transfer, settings);
        apply_timeout(transfer, settings);
        if (!apply_route(transfer, settings) || !make_headers(ctx, request, &transfer->headers) ||
            (request->file && !add_form(transfer, request->file)) ||
            (request->sign && !apply_signature(ctx, transfer, request->sign)))
                return ctx_nomem(ctx);
        curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers);
        return OK;
}

/* ---- how it ended ---- */

static enum err read_answer(struct ctx *ctx, const struct transfer *transfer,
                            struct http_answer *ret)
{
        struct http_answer answer = { .body_len = transfer->answer.len };
        const char *etag;
        curl_off_t retry_after_s = 0;
        enum err rc;

        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer.status);
        rc = http_failure_of_proxy(ctx, transfer, answer.status);
        if (rc != OK) {
                ret->permanent = true;
                return rc;
        }
        answer.body = arena_strndup(ctx->arena, buf_str(&transfer->answer), transfer->answer.len);
        if (!answer.body)
                return ctx_nomem(ctx);
        curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
        answer.retry_after_s = (long)retry_after_s;
        etag = header_of(transfer->curl, "ETag");
        answer.etag = etag ? arena_strdup(ctx->arena, etag) : NULL;
        if (etag && !answer.etag)
                return ctx_nomem(ctx);
        *ret = answer;
        return OK;
}

enum err transfer_result(struct ctx *ctx, struct transfer *transfer, CURLcode code,
                         struct http_answer *ret)
{
        if (code != CURLE_OK)
                return http_failure_explain(ctx, transfer, code, &ret->permanent);
        return read_answer(ctx, transfer, ret);
}
