/* /api/events: what happens, as it happens, and what happened last. */
#include <errno.h>
#include <stdlib.h>

#include "core/cloud/event/event_feed.h"
#include "core/cloud/event/event_seats.h"
#include "fcgi/event_stream.h"
#include "fcgi/handlers.h"

#define RECENT_DEFAULT 50
#define RECENT_MAX     200
#define RETRY_S        "3"

/* What EventSource sends by itself, else the same as a parameter; EVENT_FROM_NOW without either. */
static enum err read_last_id(struct ctx *ctx, const struct request *request, int64_t *ret)
{
        const char *text = request_header(request, "Last-Event-ID");
        int64_t last_id = EVENT_FROM_NOW;
        char *end;

        if (!text || !*text) {
                enum err rc = request_query_int(ctx, request, "last_event_id", &last_id);

                *ret = last_id;
                return rc;
        }
        errno = 0;
        last_id = strtoll(text, &end, 10);
        if (*end || errno || last_id < 0)
                return ctx_fail(ctx, ERR_INVALID, "Last-Event-ID must be the id of an event");
        *ret = last_id;
        return OK;
}

static enum err refuse_for_now(struct ctx *ctx, struct reply *reply)
{
        reply_header(reply, "Retry-After", RETRY_S);
        reply_error_status(ctx, reply, 503, "connection_limit");
        return OK;
}

static const struct query stream_query[] = {
        QUERY(NUMBER, "last_event_id", .min = 0, .max = INT64_MAX),
        QUERY(TEXT, "job_id"),
        { 0 },
};

static enum err events_stream_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct event_feed *feed = arena_alloc(ctx->arena, sizeof(*feed));
        const char *job_id;
        int64_t last_id = 0;
        enum err rc;

        if (!feed)
                return ctx_nomem(ctx);
        rc = read_last_id(ctx, request, &last_id);
        if (rc == OK)
                rc = request_query(ctx, request, "job_id", &job_id);
        if (rc == OK)
                rc = event_seats_take(ctx, &request->client);
        if (rc == ERR_LIMITED)
                return refuse_for_now(ctx, reply);
        if (rc == OK)
                rc = event_feed_open(ctx, last_id, job_id, feed);
        if (rc != OK)
                return rc;
        reply_stream(reply, "text/event-stream", event_stream_run, feed);
        return OK;
}

const struct operation events_stream = {
        OPERATION(events_stream),
        .summary = "Listen to events",
        .query = stream_query,
        .gives = "text/event-stream",
};

static bool render_event(void *arg, const struct event *event)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        jsonw_int(json, "id", event->event_id);
        jsonw_string(json, "event", event->event);
        jsonw_time(json, "created_at", event->created_at_us);
        jsonw_string(json, "job_id", event->job_id);
        jsonw_raw(json, "data", event->data);
        jsonw_object_end(json);
        return true;
}

static const struct query recent_query[] = {
        QUERY(NUMBER, "limit", .min = 1, .max = RECENT_MAX),
        { 0 },
};

static enum err events_recent_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        int64_t limit = RECENT_DEFAULT, newest;
        struct jsonw json;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", &limit);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_array(&json, "events");
        rc = event_recent(ctx, (unsigned)limit, render_event, &json, &newest);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        jsonw_int(&json, "last_event_id", newest);
        return reply_json_end(ctx, reply, &json);
}

const struct operation events_recent = {
        OPERATION(events_recent),
        .summary = "List the last events",
        .query = recent_query,
};
