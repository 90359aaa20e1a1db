#include "fcgi/event_stream.h"

#include <stdio.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event/event_feed.h"
#include "fcgi/gate.h"
#include "fcgi/sse.h"

#define RETRY_MS  3000        /* clients wait so long before they come again */
#define LOOK_MS   1000        /* how often to see whether the client is still there */
#define PIECE_MAX (256 * KiB) /* bytes to gather before they are written */

struct stream {
        struct ctx *ctx; /* of the request: lives as long as the stream */
        struct ctx look; /* the same with an arena that each look at the database empties */
        const struct request *request;
        struct event_feed *feed;
        struct buf *out; /* what is written next */
        int64_t sent;    /* bytes */
        int64_t beat_at_us, end_at_us;
        unsigned bell_seen;
        bool open;  /* the client is there and may listen */
        bool stale; /* there may be news */
        bool woken; /* for news, or for a look whether the client is there */
};

static int64_t now_us(const struct stream *stream)
{
        return clock_mono_us(stream->ctx->clock);
}

static bool is_draining(const struct stream *stream)
{
        return atomic_load(&stream->ctx->cloud->draining);
}

static void send_out(struct stream *stream)
{
        struct transport *transport = stream->request->transport;
        struct buf *out = stream->out;

        stream->open = buf_ok(out) && transport_write(transport, buf_str(out), out->len) &&
                       transport_flush(transport) && stream->open;
        stream->sent += (int64_t)out->len;
        buf_reset(out);
}

static void add_frame(struct stream *stream, const char *event, const char *data)
{
        struct sse_frame frame = { .id = stream->feed->position, .event = event, .data = data };

        sse_add(stream->out, &frame);
}

static void greet(struct stream *stream)
{
        sse_add_retry(stream->out, RETRY_MS);
        add_frame(stream, "connection",
                  "{\"type\":\"connected\",\"message\":\"Connected to SimpleTuner\"}");
        send_out(stream);
}

static bool add_event(void *arg, const struct event *event)
{
        struct stream *stream = arg;
        struct sse_frame frame = { event->event_id, event->event, event->data };

        if (stream->out->len > PIECE_MAX)
                return false;
        sse_add(stream->out, &frame);
        return true;
}

/* Nothing is written while the database is being read: a slow client would hold up others there.
 * While the database is away the stream waits; the hub says so in the log. */
static void send_news(struct stream *stream)
{
        enum event_feed_state state = FEED_MORE;

        stream->stale = false;
        while (state != FEED_CURRENT && stream->open && !is_draining(stream)) {
                enum err rc;

                arena_reset(stream->look.arena);
                rc = event_feed_read(&stream->look, stream->feed, add_event, stream, &state);
                if (rc != OK) {
                        stream->stale = true;
                        stream->open = rc == ERR_UNAVAILABLE;
                        state = FEED_CURRENT;
                } else if (state == FEED_LOST) {
                        add_frame(stream, "reset",
                                  "{\"type\":\"reset\",\"message\":\"The events since then are no "
                                  "longer kept. Load everything anew.\"}");
                }
                if (stream->out->len > 0)
                        send_out(stream);
        }
}

static void add_heartbeat(struct stream *stream)
{
        double time_s = (double)clock_wall_us(stream->ctx->clock) / (double)US_PER_S;
        char data[64];

        snprintf(data, sizeof(data), "{\"type\":\"heartbeat\",\"timestamp\":%.3f}", time_s);
        add_frame(stream, "heartbeat", data);
}

/* May the client still listen, with what it presented at the start? While the database is away that
 * cannot be known, and there is nothing to hear either. */
static void beat(struct stream *stream)
{
        struct request request = *stream->request;
        enum err rc = gate_admit(stream->ctx, &request);

        if (rc == OK)
                stream->look.actor = stream->ctx->actor;
        if (rc == OK || rc == ERR_UNAVAILABLE) {
                add_heartbeat(stream);
                send_out(stream);
        } else {
                add_frame(stream, "auth",
                          "{\"type\":\"session_invalidated\",\"reason\":\"The login of this stream "
                          "does not hold any more.\"}");
                send_out(stream);
                stream->open = false;
        }
        stream->beat_at_us =
                now_us(stream) + (int64_t)stream->ctx->config->event_heartbeat_s * US_PER_S;
}

static bool is_beat_due(const struct stream *stream)
{
        return now_us(stream) >= stream->beat_at_us;
}

/* Whoever is woken writes something, if only an empty comment: that shows whether the client is
 * there. Those who are refused a seat wake everybody for it, and the database is not asked then. */
static void look(struct stream *stream)
{
        int64_t sent = stream->sent;

        if (stream->stale || is_beat_due(stream))
                send_news(stream);
        if (stream->open && is_beat_due(stream)) {
                beat(stream);
        } else if (stream->open && stream->sent == sent) {
                sse_add_comment(stream->out, "");
                send_out(stream);
        }
}

static void wait_for_news(struct stream *stream)
{
        int64_t left_ms = (stream->beat_at_us - now_us(stream)) / US_PER_MS + 1;
        unsigned seen = stream->bell_seen;

        left_ms = left_ms < 1 ? 1 : left_ms > LOOK_MS ? LOOK_MS : left_ms;
        bell_wait(stream->ctx->cloud->bells, BELL_EVENTS, &stream->bell_seen, (unsigned)left_ms);
        stream->woken = stream->bell_seen != seen;
        stream->stale |= stream->woken &&
                         atomic_load(&stream->ctx->cloud->newest_event) > stream->feed->position;
        stream->open = transport_is_open(stream->request->transport);
}

static void serve(struct stream *stream)
{
        greet(stream);
        while (stream->open && !is_draining(stream) && now_us(stream) < stream->end_at_us) {
                if (stream->stale || stream->woken || is_beat_due(stream))
                        look(stream);
                if (stream->open)
                        wait_for_news(stream);
        }
        if (stream->open) {
                sse_add_comment(stream->out, "this stream ends here, connect again to go on");
                send_out(stream);
        }
}

int64_t event_stream_run(struct ctx *ctx, const struct request *request, struct reply *reply,
                         void *arg)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        const struct config *config = ctx->config;
        struct stream stream = {
                .ctx = ctx,
                .look = *ctx,
                .request = request,
                .feed = arg,
                .out = &reply->body,
                .open = true,
                .stale = true,
        };

        if (!arena) {
                log_event(ctx, LOG_ERROR, "simpletuner.cloud.http", "No memory for a stream");
                return 0;
        }
        stream.look.arena = arena;
        stream.beat_at_us = now_us(&stream) + (int64_t)config->event_heartbeat_s * US_PER_S;
        stream.end_at_us = now_us(&stream) + (int64_t)config->event_stream_s * US_PER_S;
        serve(&stream);
        return stream.sent;
}
