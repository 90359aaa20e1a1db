#include "core/cloud/http/http_stream.h"

#include <stdlib.h>

#include "core/cloud/http/http_transfer.h"

#define WAIT_MS 1000

struct http_stream {
        struct http_stream *next;   /* idle ones */
        struct http_client *client; /* borrowed */
        CURLM *multi;               /* has nothing but this; keeps its connection */
        struct transfer transfer;
        struct transfer_feed feed;
        struct http_settings settings;
        struct http_sink sink;
        struct http_taker taker; /* where the body goes once it may come */
        long status;             /* of the head, 0: not yet */
        int64_t length;
        bool ended;
        CURLcode code; /* how */
};

void http_stream_free(struct http_stream *stream)
{
        while (stream) {
                struct http_stream *next = stream->next;

                transfer_done(&stream->transfer);
                curl_multi_cleanup(stream->multi);
                free(stream);
                stream = next;
        }
}

/* An idle one with its connection, or a new one. */
static struct http_stream *find_stream(struct http_client *client)
{
        struct http_stream **idle = http_client_idle(client), *stream = *idle;

        if (stream) {
                *idle = stream->next;
                return stream;
        }
        stream = calloc(1, sizeof(*stream));
        if (!stream)
                return NULL;
        stream->client = client;
        stream->multi = curl_multi_init();
        if (stream->multi)
                return stream;
        free(stream);
        return NULL;
}

static bool is_success(long status)
{
        return status >= 200 && status < 300;
}

static bool on_head(void *arg, const struct http_head *head)
{
        struct http_stream *stream = arg;

        stream->status = head->status;
        stream->length = head->length;
        stream->transfer.held = is_success(head->status) && !stream->taker.write;
        return true;
}

static bool on_body(void *arg, const void *bytes, size_t len)
{
        struct http_stream *stream = arg;

        if (!is_success(stream->status))
                return buf_add(&stream->transfer.answer, bytes, len);
        return stream->taker.write(stream->taker.arg, bytes, len);
}

enum err http_stream_open(struct ctx *ctx, const struct http_settings *settings,
                          const struct http_request *request, int64_t size,
                          struct http_stream **ret)
{
        CLEANUP(http_stream_closep) struct http_stream *stream = find_stream(ctx->http);
        enum err rc;

        if (!stream)
                return ctx_nomem(ctx);
        stream->settings = *settings;
        stream->feed = (struct transfer_feed){ .size = size };
        stream->sink = (struct http_sink){ .begin = on_head, .write = on_body, .arg = stream };
        stream->taker = (struct http_taker){ 0 };
        stream->status = 0;
        stream->length = -1;
        stream->ended = false;
        stream->transfer.streamed = true;
        stream->transfer.held = false;
        stream->transfer.feed = size >= 0 ? &stream->feed : NULL;
        stream->transfer.sink = size >= 0 ? NULL : &stream->sink;
        rc = transfer_begin(ctx, &stream->transfer, &stream->settings, request);
        if (rc == OK && curl_multi_add_handle(stream->multi, stream->transfer.curl) != CURLM_OK)
                rc = ctx_nomem(ctx);
        if (rc == OK)
                *ret = TAKE(stream);
        return rc;
}

void http_stream_close(struct http_stream *stream)
{
        struct http_stream **idle;

        if (!stream)
                return;
        idle = http_client_idle(stream->client);
        if (stream->transfer.curl)
                curl_multi_remove_handle(stream->multi, stream->transfer.curl);
        transfer_end(&stream->transfer);
        stream->next = *idle;
        *idle = stream;
}

static void end(struct http_stream *stream, CURLcode code)
{
        stream->ended = true;
        stream->code = code;
}

/* Let libcurl do what it can now. */
static void step(struct http_stream *stream)
{
        const CURLMsg *message;
        int running = 0, left;

        if (curl_multi_perform(stream->multi, &running) != CURLM_OK) {
                end(stream, CURLE_FAILED_INIT);
                return;
        }
        message = curl_multi_info_read(stream->multi, &left);
        if (message && message->msg == CURLMSG_DONE)
                end(stream, message->data.result);
}

static bool is_fed(const struct http_stream *stream)
{
        return stream->feed.left == 0;
}

static bool has_head(const struct http_stream *stream)
{
        return stream->status != 0 && is_success(stream->status);
}

/* Until enough says so, or it ends; NULL: until it ends. It may stand still for the time-out. */
static void run(struct ctx *ctx, struct http_stream *stream,
                bool (*enough)(const struct http_stream *stream))
{
        const int64_t patience_us = (int64_t)(stream->settings.timeout_s * (double)US_PER_S);
        int64_t until_us = clock_mono_us(ctx->clock) + patience_us;

        while (!stream->ended && !(enough && enough(stream))) {
                unsigned before = stream->transfer.activity;
                int64_t left_ms;

                step(stream);
                if (stream->ended || (enough && enough(stream)))
                        break;
                if (stream->transfer.activity != before)
                        until_us = clock_mono_us(ctx->clock) + patience_us;
                left_ms = (until_us - clock_mono_us(ctx->clock)) / US_PER_MS;
                if (left_ms <= 0)
                        end(stream, CURLE_OPERATION_TIMEDOUT);
                else if (stream->transfer.activity == before)
                        curl_multi_poll(stream->multi, NULL, 0,
                                        left_ms < WAIT_MS ? (int)left_ms : WAIT_MS, NULL);
        }
}

enum err http_stream_send(struct ctx *ctx, struct http_stream *stream, const void *bytes,
                          size_t len)
{
        struct http_answer unused;

        stream->feed.at = bytes;
        stream->feed.left = len;
        stream->feed.pieces++;
        curl_easy_pause(stream->transfer.curl, CURLPAUSE_CONT);
        run(ctx, stream, is_fed);
        stream->feed.left = 0;
        if (!stream->ended || stream->code == CURLE_OK)
                return OK;
        return transfer_result(ctx, &stream->transfer, stream->code, &unused);
}

enum err http_stream_answer(struct ctx *ctx, struct http_stream *stream, struct http_answer *ret)
{
        run(ctx, stream, NULL);
        return transfer_result(ctx, &stream->transfer, stream->code, ret);
}

enum err http_stream_head(struct ctx *ctx, struct http_stream *stream, struct http_answer *ret,
                          int64_t *ret_length)
{
        struct http_answer answer = { 0 };
        enum err rc = OK;

        run(ctx, stream, has_head);
        if (stream->ended) {
                rc = transfer_result(ctx, &stream->transfer, stream->code, &answer);
                if (rc == OK && !transfer_begin_sink(&stream->transfer))
                        rc = ERR_CONFLICT;
        }
        if (rc != OK) {
                ret->permanent = answer.permanent;
                return rc;
        }
        answer.status = stream->status;
        *ret = answer;
        *ret_length = stream->length;
        return OK;
}

enum err http_stream_take(struct ctx *ctx, struct http_stream *stream,
                          const struct http_taker *taker)
{
        struct http_answer unused;

        stream->taker = *taker;
        stream->transfer.held = false;
        if (!stream->ended) {
                curl_easy_pause(stream->transfer.curl, CURLPAUSE_CONT); /* may write already */
                if (stream->transfer.stopped)
                        end(stream, CURLE_WRITE_ERROR);
        }
        run(ctx, stream, NULL);
        return transfer_result(ctx, &stream->transfer, stream->code, &unused);
}
