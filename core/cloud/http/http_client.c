#include "core/cloud/http/http_client.h"

#include <stdlib.h>
#include <string.h>

#include "core/cloud/http/http_transfer.h"

#define WAIT_MS          1000
#define KEPT_CONNECTIONS 64L

struct http_client {
        CURLM *multi;           /* keeps the connections of all */
        char *settings;         /* what its open connections were made with */
        struct transfer single; /* what http_perform and http_download reuse */
        bool has_failed; /* the last call of single: the next one trusts no kept connection */
        struct http_stream *idle;
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

/* By itself libcurl keeps fewer connections the fewer calls are under way, and a round of many
 * calls would make its connections anew for each batch. */
static CURLM *new_multi(void)
{
        CURLM *multi = curl_multi_init();

        if (multi)
                curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
        return multi;
}

struct http_client *http_client_new(void)
{
        CLEANUP(http_client_freep) struct http_client *client = calloc(1, sizeof(*client));

        if (!client)
                return NULL;
        client->multi = new_multi();
        return client->multi ? TAKE(client) : NULL;
}

void http_client_free(struct http_client *client)
{
        if (!client)
                return;
        http_stream_free(client->idle);
        transfer_done(&client->single);
        curl_multi_cleanup(client->multi);
        free(client->settings);
        free(client);
}

struct http_stream **http_client_idle(struct http_client *client)
{
        return &client->idle;
}

/* Connections and TLS sessions made with other settings must not serve these: libcurl cannot tell,
 * because it does not see what prepare_tls did. */
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
                client->multi = new_multi();
        }
        free(client->settings);
        client->settings = TAKE(now);
        return client->multi ? OK : ctx_nomem(ctx);
}

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

/* Run ctx->http's single transfer. */
static enum err run_single(struct ctx *ctx, const struct http_settings *settings,
                           const struct http_request *request, struct http_answer *ret)
{
        struct http_client *client = ctx->http;
        struct transfer *ended;
        CURLcode code;
        enum err rc;

        ret->permanent = true; /* what fails before it starts fails again */
        rc = forget_other_settings(ctx, settings);
        if (rc == OK)
                rc = transfer_begin(ctx, &client->single, settings, request);
        if (rc != OK)
                return rc;
        if (client->has_failed) /* libcurl would try one kept connection after the other */
                curl_easy_setopt(client->single.curl, CURLOPT_FRESH_CONNECT, 1L);
        if (curl_multi_add_handle(client->multi, client->single.curl) != CURLM_OK)
                return ctx_nomem(ctx);
        code = wait_for_one(client->multi, &ended);
        client->has_failed = code != CURLE_OK;
        if (!ended)
                curl_multi_remove_handle(client->multi, client->single.curl);
        return transfer_result(ctx, &client->single, code, ret);
}

enum err http_perform(struct ctx *ctx, const struct http_settings *settings,
                      const struct http_request *request, struct http_answer *ret)
{
        struct transfer *single = &ctx->http->single;
        enum err rc;

        single->sink = NULL;
        rc = run_single(ctx, settings, request, ret);
        transfer_end(single);
        return rc;
}

enum err http_download(struct ctx *ctx, const struct http_settings *settings,
                       const struct http_request *request, const struct http_sink *sink)
{
        struct transfer *single = &ctx->http->single;
        struct http_answer unused;
        enum err rc;

        single->sink = sink;
        rc = run_single(ctx, settings, request, &unused);
        if (rc == OK && !transfer_begin_sink(single))
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

/* The call has ended: tell of it. */
static void conclude(struct ctx *ctx, const struct http_calls *calls, struct http_call *call,
                     enum err rc)
{
        call->rc = rc;
        call->detail = rc == OK ? NULL : arena_strdup(ctx->arena, ctx->detail);
        calls->done(ctx, call);
}

/* Give an idle transfer a call. A call that cannot even begin ends here. */
static enum err put_to_work(struct ctx *ctx, struct crew *crew,
                            const struct http_settings *settings, const struct http_calls *calls,
                            struct http_call *call)
{
        unsigned slot = 0;
        enum err rc = calls->begin ? calls->begin(ctx, call) : OK;

        if (rc != OK) {
                conclude(ctx, calls, call, rc);
                return OK;
        }
        while (crew->serving[slot])
                slot++;
        call->answer.permanent = true;
        rc = transfer_begin(ctx, &crew->transfers[slot], settings, &call->request);
        if (rc == OK && curl_multi_add_handle(ctx->http->multi, crew->transfers[slot].curl) != 0)
                rc = ctx_nomem(ctx);
        if (rc == OK) {
                crew->serving[slot] = call;
                crew->running++;
                return OK;
        }
        transfer_end(&crew->transfers[slot]);
        conclude(ctx, calls, call, rc);
        return rc == ERR_NOMEM ? rc : OK;
}

/* Wait for a call to end and tell of it. */
static enum err await_one(struct ctx *ctx, struct crew *crew, const struct http_calls *calls)
{
        struct transfer *ended;
        CURLcode code = wait_for_one(ctx->http->multi, &ended);
        struct http_call *call;
        enum err rc;

        if (!ended)
                return ctx_fail(ctx, ERR_INTERNAL, "libcurl lost its transfers");
        call = TAKE(crew->serving[ended - crew->transfers]);
        crew->running--;
        rc = transfer_result(ctx, ended, code, &call->answer);
        transfer_end(ended);
        conclude(ctx, calls, call, rc);
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
                        rc = put_to_work(ctx, &crew, settings, calls, &calls->calls[next++]);
                else
                        rc = await_one(ctx, &crew, calls);
        }
        for (unsigned i = 0; crew.transfers && i < crew.width; i++) {
                if (crew.serving && crew.serving[i])
                        curl_multi_remove_handle(ctx->http->multi, crew.transfers[i].curl);
                transfer_done(&crew.transfers[i]);
        }
        free(crew.transfers);
        return rc;
}
