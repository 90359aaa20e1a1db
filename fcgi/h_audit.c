/* The audit log, to be read. */
#include "core/cloud/audit.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500
#define OFFSET_MAX   INT32_MAX

static enum err read_time(struct ctx *ctx, const struct request *request, const char *name,
                          int64_t *ret_us)
{
        const char *text;
        enum err rc = request_query(ctx, request, name, &text);

        if (rc == OK && text && !clock_parse_iso(text, ret_us))
                return ctx_fail(ctx, ERR_INVALID, "%s must be a time like 2024-01-15T10:30:00Z",
                                name);
        return rc;
}

static enum err read_texts(struct ctx *ctx, const struct request *request,
                           struct audit_filter *filter)
{
        const struct {
                const char *name;
                const char **value;
        } texts[] = {
                { "event_type", &filter->event_type },
                { "actor", &filter->actor },
                { "target_type", &filter->target_type },
                { "target_id", &filter->target_id },
        };
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = request_query(ctx, request, texts[i].name, texts[i].value);
        return rc;
}

static enum err read_filter(struct ctx *ctx, const struct request *request,
                            struct audit_filter *filter)
{
        int64_t limit = LIST_DEFAULT, offset = 0;
        enum err rc;

        rc = read_texts(ctx, request, filter);
        if (rc == OK)
                rc = read_time(ctx, request, "since", &filter->since_us);
        if (rc == OK)
                rc = read_time(ctx, request, "until", &filter->until_us);
        if (rc == OK)
                rc = request_query_int(ctx, request, "limit", (struct int_range){ 1, LIST_MAX },
                                       &limit);
        if (rc == OK)
                rc = request_query_int(ctx, request, "offset", (struct int_range){ 0, OFFSET_MAX },
                                       &offset);
        if (rc == OK)
                rc = request_query_int(ctx, request, "before", (struct int_range){ 1, INT64_MAX },
                                       &filter->before_id);
        filter->limit = (unsigned)limit + 1; /* one more tells that there are more */
        filter->offset = (unsigned)offset;
        return rc;
}

struct list_rendering {
        struct jsonw json;
        unsigned limit, count;
        int64_t last_id;
};

static void render_row(void *arg, const struct audit_row *row)
{
        struct list_rendering *list = arg;
        struct jsonw *json = &list->json;

        if (list->count++ == list->limit)
                return;
        jsonw_object(json, NULL);
        jsonw_int(json, "id", row->audit_id);
        jsonw_time(json, "timestamp", row->created_at_us);
        jsonw_string(json, "event_type", row->event_type);
        jsonw_string(json, "actor", row->actor);
        jsonw_string(json, "actor_ip", row->actor_ip);
        jsonw_string(json, "target_type", row->target_type);
        jsonw_string(json, "target_id", row->target_id);
        jsonw_string(json, "action", row->action);
        jsonw_raw(json, "details", row->details);
        jsonw_string(json, "correlation_id", row->correlation_id);
        jsonw_object_end(json);
        list->last_id = row->audit_id;
}

enum err audit_show(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct audit_filter filter = { 0 };
        struct list_rendering list = { 0 };
        int64_t total = 0;
        bool more;
        enum err rc;

        rc = read_filter(ctx, request, &filter);
        if (rc != OK)
                return rc;

        list.limit = filter.limit - 1;
        list.json = reply_json(reply);
        jsonw_array(&list.json, "entries");
        rc = audit_list(ctx, &filter, render_row, &list, &total);
        if (rc != OK)
                return rc;
        more = list.count > list.limit;
        jsonw_array_end(&list.json);
        jsonw_int(&list.json, "total", total);
        jsonw_bool(&list.json, "has_more", more);
        if (more)
                jsonw_int(&list.json, "next_before", list.last_id);
        else
                jsonw_null(&list.json, "next_before");
        return reply_json_end(ctx, reply, &list.json);
}
