#include "core/cloud/http_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"

#define CONNECT_TIMEOUT_MS 10000

struct http_client {
        CURL *curl;
        char *settings; /* what its open connections were made with */
        struct buf answer;
};

static void free_text(char *text)
{
        free(text);
}
DEFINE_CLEANUP(char *, free_text)
typedef struct curl_slist header_list;
DEFINE_CLEANUP(header_list *, curl_slist_free_all)

bool http_client_start(void)
{
        return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void http_client_stop(void)
{
        curl_global_cleanup();
}

struct http_client *http_client_new(void)
{
        struct http_client *client = calloc(1, sizeof(*client));

        if (!client)
                return NULL;
        buf_init(&client->answer, HTTP_ANSWER_MAX);
        client->curl = curl_easy_init();
        if (!client->curl) {
                free(client);
                return NULL;
        }
        return client;
}

void http_client_free(struct http_client *client)
{
        if (!client)
                return;
        curl_easy_cleanup(client->curl);
        free(client->settings);
        buf_done(&client->answer);
        free(client);
}

static size_t on_answer(char *data, size_t size, size_t count, void *arg)
{
        return buf_add(arg, data, size * count) ? size * count : 0;
}

static CURLcode add_ca(CURL *curl, void *ssl_ctx, void *path)
{
        (void)curl;
        return crypto_ssl_ctx_add_ca(ssl_ctx, path) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

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
        return add_header(list, "Expect:") && add_header(list, "Accept: application/json") &&
               add_header(list, arena_printf(arena, "X-Correlation-ID: %s", ctx->correlation_id)) &&
               (!request->bearer || add_header(list, arena_printf(arena, "Authorization: Bearer %s",
                                                                  request->bearer))) &&
               (!request->content_type ||
                add_header(list, arena_printf(arena, "Content-Type: %s", request->content_type)));
}

static void apply_settings(CURL *curl, const struct http_settings *settings)
{
        long timeout_ms = (long)(settings->timeout_s * 1000);

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
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                         timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS);
}

static void apply_request(struct http_client *client, const struct http_request *request,
                          header_list *headers)
{
        CURL *curl = client->curl;

        curl_easy_setopt(curl, CURLOPT_URL, request->url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "SimpleTuner-Cloud/" PACKAGE_VERSION);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &client->answer);
        if (request->content_type || strcmp(request->method, "POST") == 0) {
                curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        }
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
        /* On a kept connection that turns out dead libcurl sends again: only what may be repeated.
         */
        if (strcmp(request->method, "GET") != 0)
                curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
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
                curl_easy_cleanup(client->curl);
                client->curl = curl_easy_init();
        }
        free(client->settings);
        client->settings = TAKE(now);
        return client->curl ? OK : ctx_nomem(ctx);
}

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

static enum err explain(struct ctx *ctx, CURLcode code, const char *reason)
{
        enum err rc =
                surely_not_delivered(ctx->http->curl, code) ? ERR_PROVIDER : ERR_OUTCOME_UNKNOWN;

        if (code == CURLE_WRITE_ERROR)
                return ctx_fail(ctx, rc, "the answer is larger than %zu MiB",
                                HTTP_ANSWER_MAX / MiB);
        return ctx_fail(ctx, rc, "%s", *reason ? reason : curl_easy_strerror(code));
}

enum err http_perform(struct ctx *ctx, const struct http_settings *settings,
                      const struct http_request *request, struct http_answer *ret)
{
        CLEANUP(curl_slist_free_allp) header_list *headers = NULL;
        struct http_client *client = ctx->http;
        char reason[CURL_ERROR_SIZE] = "";
        curl_off_t retry_after_s = 0;
        const char *body;
        CURLcode code;

        if (forget_other_settings(ctx, settings) != OK)
                return ERR_NOMEM;
        curl_easy_reset(client->curl);
        buf_reset(&client->answer);
        if (!make_headers(ctx, request, &headers))
                return ctx_nomem(ctx);
        curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, reason);
        apply_request(client, request, headers);
        apply_settings(client->curl, settings);

        code = curl_easy_perform(client->curl);
        curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);
        if (code != CURLE_OK)
                return explain(ctx, code, reason);

        body = arena_strndup(ctx->arena, buf_str(&client->answer), client->answer.len);
        if (!body)
                return ctx_nomem(ctx);
        ret->body = body;
        ret->body_len = client->answer.len;
        curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &ret->status);
        curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
        ret->retry_after_s = (long)retry_after_s;
        return OK;
}
