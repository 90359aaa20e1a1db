/* Webhook deliveries that were stored: list, show, replay. */
#include <string.h>

#include "core/cloud/webhook/webhook_delivery.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500

static void render_delivery(struct jsonw *json, const struct webhook_delivery *delivery)
{
        jsonw_string(json, "delivery_id", delivery->delivery_id);
        jsonw_string(json, "provider", delivery->provider);
        jsonw_string(json, "webhook_id", delivery->webhook_id);
        jsonw_time(json, "received_at", delivery->received_at_us);
        jsonw_string(json, "client", delivery->client);
        jsonw_string(json, "verdict", delivery->verdict);
        jsonw_raw(json, "headers", delivery->headers);
        jsonw_string(json, "outcome", delivery->outcome);
        jsonw_string(json, "reason", delivery->reason);
        jsonw_string(json, "job_id", delivery->job_id);
        jsonw_int(json, "attempts", delivery->attempts);
        jsonw_time(json, "apply_at", delivery->apply_at_us);
        jsonw_time(json, "applied_at", delivery->applied_at_us);
        jsonw_string(json, "correlation_id", delivery->correlation_id);
}

struct list_rendering {
        struct jsonw json;
        char last_id[CTX_ID_SIZE];
};

static void render_list_row(void *arg, const struct webhook_delivery *delivery)
{
        struct list_rendering *list = arg;
        size_t len = strnlen(delivery->delivery_id, CTX_ID_SIZE - 1);

        jsonw_object(&list->json, NULL);
        render_delivery(&list->json, delivery);
        jsonw_object_end(&list->json);
        memcpy(list->last_id, delivery->delivery_id, len);
        list->last_id[len] = '\0';
}

static enum err read_filter(struct ctx *ctx, const struct request *request,
                            struct webhook_filter *filter)
{
        int64_t limit = LIST_DEFAULT;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", &limit);
        if (rc == OK)
                rc = request_query(ctx, request, "provider", &filter->provider);
        if (rc == OK)
                rc = request_query(ctx, request, "job_id", &filter->job_id);
        if (rc == OK)
                rc = request_query(ctx, request, "outcome", &filter->outcome);
        if (rc == OK)
                rc = request_query(ctx, request, "before", &filter->before_id);
        filter->limit = (unsigned)limit;
        return rc;
}

static const struct query list_query[] = {
        QUERY(NUMBER, "limit", .min = 1, .max = LIST_MAX),
        QUERY(TEXT, "provider"),
        QUERY(TEXT, "job_id"),
        QUERY(TEXT, "outcome"),
        QUERY(TEXT, "before"),
        { 0 },
};

static enum err deliveries_list_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct webhook_filter filter = { 0 };
        struct list_rendering list = { 0 };
        bool more = false;
        enum err rc;

        rc = read_filter(ctx, request, &filter);
        if (rc != OK)
                return rc;

        list.json = reply_json(reply);
        jsonw_array(&list.json, "deliveries");
        rc = webhook_delivery_list(ctx, &filter, render_list_row, &list, &more);
        if (rc != OK)
                return rc;
        jsonw_array_end(&list.json);
        jsonw_bool(&list.json, "has_more", more);
        jsonw_string(&list.json, "next_before", more ? list.last_id : NULL);
        return reply_json_end(ctx, reply, &list.json);
}

const struct operation deliveries_list = {
        OPERATION(deliveries_list),
        .summary = "List webhook deliveries, the newest first",
        .query = list_query,
};

static enum err deliveries_show_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct webhook_delivery delivery;
        struct jsonw json;
        const char *body;
        enum err rc;

        rc = webhook_delivery_get(ctx, request_param(request, "delivery_id"), &delivery, &body);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_object(&json, "delivery");
        render_delivery(&json, &delivery);
        jsonw_raw(&json, "body", body);
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation deliveries_show = {
        OPERATION(deliveries_show),
        .summary = "Show a webhook delivery",
};

static enum err deliveries_replay_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        const char *delivery_id = request_param(request, "delivery_id");
        struct webhook_effect effect;
        struct jsonw json;
        enum err rc;

        rc = webhook_delivery_replay(ctx, delivery_id, &effect);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_string(&json, "status", "replayed");
        jsonw_string(&json, "delivery_id", delivery_id);
        jsonw_string(&json, "outcome", effect.outcome);
        jsonw_string(&json, "reason", effect.reason);
        jsonw_string(&json, "job_id", effect.job_id);
        jsonw_object(&json, "updates");
        if (effect.moved)
                jsonw_string(&json, "status", job_status_name(effect.status));
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation deliveries_replay = {
        OPERATION(deliveries_replay),
        .summary = "Apply a webhook delivery again",
};
