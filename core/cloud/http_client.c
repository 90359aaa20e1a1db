#include "core/cloud/http_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/ipnet.h"

#define CONNECT_TIMEOUT_MS 10000
#define WAIT_MS            1000

typedef struct curl_slist header_list;
DEFINE_CLEANUP(header_list *, curl_slist_free_all)

/* One request on its way. */
struct transfer {
        CURL *curl;
        struct buf answer; /* the body, unless it goes to the sink */
        const struct http_sink *sink;
        const struct http_file *file;
        header_list *headers;
        curl_mime *form;
        bool begun;   /* the sink has heard the head */
        bool stopped; /* the sink, or whoever hears of the progress, wants no more */
        bool guarded; /* a forbidden address was refused */
        char reason[CURL_ERROR_SIZE];
};

struct http_client {
        CURLM *multi;           /* keeps the connections of all */
        char *settings;         /* what its open connections were made with */
        struct transfer single; /* what http_perform and http_download reuse */
};

static void free_text(char *text)
{
        free(text);
}
DEFINE_CLEANUP(char *, free_text)

bool http_client_start(void)
{
        return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void http_client_stop(void)
{
        curl_global_cleanup();
}

/* The request is over; memory and handle stay for the next. */
static void transfer_end(struct transfer *transfer)
{
        if (transfer->curl)
                curl_easy_reset(transfer->curl);
        curl_slist_free_all(TAKE(transfer->headers));
        curl_mime_free(TAKE(transfer->form));
}

static void transfer_done(struct transfer *transfer)
{
        transfer_end(transfer);
        curl_easy_cleanup(transfer->curl);
        buf_done(&transfer->answer);
}

struct http_client *http_client_new(void)
{
        CLEANUP(http_client_freep) struct http_client *client = calloc(1, sizeof(*client));

        if (!client)
                return NULL;
        client->multi = curl_multi_init();
        return client->multi ? TAKE(client) : NULL;
}

void http_client_free(struct http_client *client)
{
        if (!client)
                return;
        transfer_done(&client->single);
        curl_multi_cleanup(client->multi);
        free(client->settings);
        free(client);
}

/* ---- what libcurl calls ---- */

static const char *header_of(CURL *curl, const char *name)
{
        struct curl_header *header;

        return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
                       ? header->value
                       : NULL;
}

static bool begin_sink(struct transfer *transfer)
{
        struct http_head head = { .length = -1 };
        curl_off_t length = -1;

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

        if (!transfer->sink)
                return buf_add(&transfer->answer, data, len) ? len : 0;
        if (!transfer->begun && !begin_sink(transfer))
                return 0;
        transfer->stopped = !transfer->sink->write(transfer->sink->arg, data, len);
        return transfer->stopped ? 0 : len;
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

static CURLcode add_ca(CURL *curl, void *ssl_ctx, void *path)
{
        (void)curl;
        return crypto_ssl_ctx_add_ca(ssl_ctx, path) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* ---- setting a transfer up ---- */

/* False: out of memory; the list is as long as it was. */
static bool add_header(header_list **list, const char *line)
{
        header_list *longer = line ? curl_slist_append(*list, line) : NULL;

        if (longer)
                *list = longer;
        return longer != NULL;
}

static bool make_headers(struct ctx *ctx, const struct http_request *request, header_list **list)
{
        struct arena *arena = ctx->arena;

        /* No "Expect: 100-continue": it costs a second with servers that ignore it. */
        return add_header(list, "Expect:") &&
               add_header(list, "Accept: application/json, */*;q=0.1") &&
               add_header(list, arena_printf(arena, "X-Correlation-ID: %s", ctx->correlation_id)) &&
               (!request->bearer || add_header(list, arena_printf(arena, "Authorization: Bearer %s",
                                                                  request->bearer))) &&
               (!request->content_type ||
                add_header(list, arena_printf(arena, "Content-Type: %s", request->content_type))) &&
               (!request->if_range ||
                add_header(list, arena_printf(arena, "If-Range: %s", request->if_range)));
}

static void apply_settings(struct transfer *transfer, const struct http_settings *settings)
{
        long timeout_ms = (long)(settings->timeout_s * 1000);
        CURL *curl = transfer->curl;

        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, settings->ssl_verify ? 1L : 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, settings->ssl_verify ? 2L : 0L);
        if (settings->ca_bundle) {
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, add_ca);
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA,
                                 (void *)(uintptr_t)settings->ca_bundle);
        }
        /* An empty proxy keeps libcurl from reading the environment by itself. */
        curl_easy_setopt(curl, CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
        curl_easy_setopt(curl, CURLOPT_NOPROXY, settings->no_proxy ? settings->no_proxy : "");
        curl_easy_setopt(curl, CURLOPT_PROXYAUTH, CURLAUTH_ANY);
        if (transfer->sink || transfer->file) {
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (timeout_ms + 999) / 1000);
        } else {
                curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
        }
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                         timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS);
        if (settings->public_only) {
                curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_if_public);
                curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
                curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        }
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

static void apply_request(struct transfer *transfer, const struct http_request *request)
{
        CURL *curl = transfer->curl;

        curl_easy_setopt(curl, CURLOPT_URL, request->url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "SimpleTuner-Cloud/" PACKAGE_VERSION);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->reason);
        curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
        if (request->range_from > 0)
                curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)request->range_from);
        if (!request->file && (request->content_type || strcmp(request->method, "POST") == 0)) {
                curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        }
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
        /* On a kept connection that turns out dead libcurl sends again: only what may be repeated.
         */
        if (strcmp(request->method, "GET") != 0)
                curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
}

/* Make a transfer ready for a request; a zeroed one is fine. ERR_NOMEM. */
static enum err transfer_begin(struct ctx *ctx, struct transfer *transfer,
                               const struct http_settings *settings,
                               const struct http_request *request)
{
        if (!transfer->curl)
                transfer->curl = curl_easy_init();
        if (!transfer->curl)
                return ctx_nomem(ctx);
        if (transfer->answer.max == 0)
                buf_init(&transfer->answer, HTTP_ANSWER_MAX);
        buf_reset(&transfer->answer);
        transfer->file = request->file;
        transfer->begun = transfer->stopped = transfer->guarded = false;
        transfer->reason[0] = '\0';
        if (!make_headers(ctx, request, &transfer->headers) ||
            (request->file && !add_form(transfer, request->file)))
                return ctx_nomem(ctx);
        apply_request(transfer, request);
        apply_settings(transfer, settings);
        return OK;
}

/* Connections and TLS sessions made with other settings must not serve these: libcurl cannot tell,
 * because it does not see what add_ca did. */
static enum err forget_other_settings(struct ctx *ctx, const struct http_settings *settings)
{
        struct http_client *client = ctx->http;
        CLEANUP(free_textp) char *now = NULL;

        if (asprintf(&now, "%d %s %s", settings->ssl_verify,
                     settings->ca_bundle ? settings->ca_bundle : "",
                     settings->proxy ? settings->proxy : "") < 0)
                return ctx_nomem(ctx);
        if (client->settings && strcmp(client->settings, now) != 0) {
                curl_easy_cleanup(TAKE(client->single.curl)); /* has the TLS sessions */
                curl_multi_cleanup(client->multi);
                client->multi = curl_multi_init();
        }
        free(client->settings);
        client->settings = TAKE(now);
        return client->multi ? OK : ctx_nomem(ctx);
}

/* ---- how it ended ---- */

/* Failures that came before the request could have reached the other side. */
static bool surely_not_delivered(CURL *curl, CURLcode code)
{
        curl_off_t connected_us = 0;

        switch (code) {
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_PROXY:
                return true;
        case CURLE_OPERATION_TIMEDOUT:
                /* Nothing is sent before the connection and its TLS stand. */
                curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
                return connected_us == 0;
        default:
                return false;
        }
}

static enum err explain(struct ctx *ctx, const struct transfer *transfer, CURLcode code)
{
        enum err rc =
                surely_not_delivered(transfer->curl, code) ? ERR_PROVIDER : ERR_OUTCOME_UNKNOWN;

        if (transfer->stopped)
                return ERR_CONFLICT;
        if (transfer->guarded)
                return ctx_fail(ctx, ERR_DENIED, "the URL leads to an address that is not public");
        if (code == CURLE_WRITE_ERROR)
                return ctx_fail(ctx, rc, "the answer is larger than %zu MiB",
                                HTTP_ANSWER_MAX / MiB);
        return ctx_fail(ctx, rc, "%s",
                        *transfer->reason ? transfer->reason : curl_easy_strerror(code));
}

static enum err read_answer(struct ctx *ctx, const struct transfer *transfer,
                            struct http_answer *ret)
{
        curl_off_t retry_after_s = 0;
        const char *body =
                arena_strndup(ctx->arena, buf_str(&transfer->answer), transfer->answer.len);

        if (!body)
                return ctx_nomem(ctx);
        ret->body = body;
        ret->body_len = transfer->answer.len;
        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &ret->status);
        curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
        ret->retry_after_s = (long)retry_after_s;
        return OK;
}

/* ---- performing ---- */

/* Wait until a transfer ends, one of those in multi. *ret_transfer: NULL when there is none. */
static CURLcode wait_for_one(CURLM *multi, struct transfer **ret_transfer)
{
        for (;;) {
                int running = 0, left;
                CURLMcode failed = curl_multi_perform(multi, &running);
                const CURLMsg *message = curl_multi_info_read(multi, &left);

                if (message && message->msg == CURLMSG_DONE) {
                        CURLcode code = message->data.result;

                        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, ret_transfer);
                        curl_multi_remove_handle(multi, message->easy_handle);
                        return code;
                }
                *ret_transfer = NULL;
                if (failed != CURLM_OK || running == 0)
                        return CURLE_FAILED_INIT;
                curl_multi_poll(multi, NULL, 0, WAIT_MS, NULL);
        }
}

/* Run ctx->http's single transfer, which has begun. */
static enum err run_single(struct ctx *ctx)
{
        struct http_client *client = ctx->http;
        struct transfer *ended;
        CURLcode code;

        if (curl_multi_add_handle(client->multi, client->single.curl) != CURLM_OK)
                return ctx_nomem(ctx);
        code = wait_for_one(client->multi, &ended);
        if (!ended)
                curl_multi_remove_handle(client->multi, client->single.curl);
        return code == CURLE_OK ? OK : explain(ctx, &client->single, code);
}

enum err http_perform(struct ctx *ctx, const struct http_settings *settings,
                      const struct http_request *request, struct http_answer *ret)
{
        struct transfer *single = &ctx->http->single;
        enum err rc;

        single->sink = NULL;
        rc = forget_other_settings(ctx, settings);
        if (rc == OK)
                rc = transfer_begin(ctx, single, settings, request);
        if (rc == OK)
                rc = run_single(ctx);
        if (rc == OK)
                rc = read_answer(ctx, single, ret);
        transfer_end(single);
        return rc;
}

enum err http_download(struct ctx *ctx, const struct http_settings *settings,
                       const struct http_request *request, const struct http_sink *sink)
{
        struct transfer *single = &ctx->http->single;
        enum err rc;

        single->sink = sink;
        rc = forget_other_settings(ctx, settings);
        if (rc == OK)
                rc = transfer_begin(ctx, single, settings, request);
        if (rc == OK)
                rc = run_single(ctx);
        if (rc == OK && !single->begun && !begin_sink(single))
                rc = ERR_CONFLICT;
        transfer_end(single);
        return rc;
}

/* The transfers that serve the calls: each of them one call after another. */
struct crew {
        struct transfer *transfers;
        struct http_call **serving; /* by each of them; NULL: idle */
        unsigned width, running;
};

/* Give an idle transfer a call. */
static enum err put_to_work(struct ctx *ctx, struct crew *crew,
                            const struct http_settings *settings, struct http_call *call)
{
        unsigned slot = 0;
        enum err rc;

        while (crew->serving[slot])
                slot++;
        rc = transfer_begin(ctx, &crew->transfers[slot], settings, &call->request);
        if (rc != OK)
                return rc;
        if (curl_multi_add_handle(ctx->http->multi, crew->transfers[slot].curl) != CURLM_OK)
                return ctx_nomem(ctx);
        crew->serving[slot] = call;
        crew->running++;
        return OK;
}

/* Wait for a call to end and tell of it. */
static enum err await_one(struct ctx *ctx, struct crew *crew, http_done_fn *done)
{
        struct transfer *ended;
        CURLcode code = wait_for_one(ctx->http->multi, &ended);
        struct http_call *call;

        if (!ended)
                return ctx_fail(ctx, ERR_INTERNAL, "libcurl lost its transfers");
        call = TAKE(crew->serving[ended - crew->transfers]);
        crew->running--;
        call->rc = code == CURLE_OK ? read_answer(ctx, ended, &call->answer)
                                    : explain(ctx, ended, code);
        call->detail = call->rc == OK ? NULL : arena_strdup(ctx->arena, ctx->detail);
        transfer_end(ended);
        done(ctx, call);
        return OK;
}

enum err http_perform_all(struct ctx *ctx, const struct http_settings *settings,
                          const struct http_calls *calls)
{
        struct crew crew = { .width = calls->width };
        size_t next = 0;
        enum err rc;

        rc = forget_other_settings(ctx, settings);
        if (rc != OK)
                return rc;
        crew.transfers = calloc(crew.width, sizeof(*crew.transfers));
        crew.serving = arena_alloc(ctx->arena, crew.width * sizeof(struct http_call *));
        if (!crew.transfers || !crew.serving)
                rc = ctx_nomem(ctx);
        while (rc == OK && (next < calls->count || crew.running > 0)) {
                if (next < calls->count && crew.running < crew.width)
                        rc = put_to_work(ctx, &crew, settings, &calls->calls[next++]);
                else
                        rc = await_one(ctx, &crew, calls->done);
        }
        for (unsigned i = 0; crew.transfers && i < crew.width; i++) {
                if (crew.serving && crew.serving[i])
                        curl_multi_remove_handle(ctx->http->multi, crew.transfers[i].curl);
                transfer_done(&crew.transfers[i]);
        }
        free(crew.transfers);
        return rc;
}
