/* The audit log, to be read: all of it, what concerns security, and what concerns a user. */
#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_format.h"
#include "core/cloud/audit/audit_types.h"
#include "fcgi/audit_query.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500
#define OFFSET_MAX   INT32_MAX

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
        jsonw_string(json, "actor_username", row->actor);
        if (row->actor_id)
                jsonw_int(json, "actor_id", row->actor_id);
        else
                jsonw_null(json, "actor_id");
        jsonw_string(json, "actor_ip", row->actor_ip);
        jsonw_string(json, "target_type", row->target_type);
        jsonw_string(json, "target_id", row->target_id);
        jsonw_string(json, "action", row->action);
        audit_format_details(json, row->details);
        jsonw_string(json, "correlation_id", row->correlation_id);
        jsonw_object_end(json);
        list->last_id = row->audit_id;
}

static enum err read_page(struct ctx *ctx, const struct request *request,
                          struct audit_filter *filter)
{
        int64_t limit = LIST_DEFAULT, offset = 0;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", &limit);
        if (rc == OK)
                rc = request_query_int(ctx, request, "offset", &offset);
        if (rc == OK)
                rc = request_query_int(ctx, request, "before", &filter->before_id);
        filter->limit = (unsigned)limit + 1; /* one more tells that there are more */
        filter->offset = (unsigned)offset;
        return rc;
}

static void begin_list(struct reply *reply, const struct audit_filter *filter,
                       struct list_rendering *ret)
{
        *ret = (struct list_rendering){ .limit = filter->limit - 1, .json = reply_json(reply) };
        jsonw_array(&ret->json, "entries");
}

static enum err end_list(struct ctx *ctx, struct reply *reply, struct list_rendering *list,
                         int64_t total)
{
        bool more = list->count > list->limit;

        jsonw_array_end(&list->json);
        jsonw_int(&list->json, "total", total);
        jsonw_bool(&list->json, "has_more", more);
        if (more)
                jsonw_int(&list->json, "next_before", list->last_id);
        else
                jsonw_null(&list->json, "next_before");
        return reply_json_end(ctx, reply, &list->json);
}

static enum err reply_list(struct ctx *ctx, struct reply *reply, const struct audit_filter *filter)
{
        struct list_rendering list;
        int64_t total = 0;
        enum err rc;

        begin_list(reply, filter, &list);
        rc = audit_list(ctx, filter, render_row, &list, &total);
        return rc == OK ? end_list(ctx, reply, &list, total) : rc;
}

#define PAGE_QUERY                                                                                 \
        QUERY(NUMBER, "limit", .min = 1, .max = LIST_MAX),                                         \
                QUERY(NUMBER, "offset", .min = 0, .max = OFFSET_MAX),                              \
                QUERY(NUMBER, "before", .min = 1, .max = INT64_MAX)

static const struct query list_query[] = {
        AUDIT_FILTER_QUERY,
        PAGE_QUERY,
        { 0 },
};

static enum err audit_show_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct audit_filter filter = { 0 };
        enum err rc = audit_query_read(ctx, request, &filter);

        if (rc == OK)
                rc = read_page(ctx, request, &filter);
        return rc == OK ? reply_list(ctx, reply, &filter) : rc;
}

const struct operation audit_show = {
        OPERATION(audit_show),
        .summary = "List entries of the audit log, the newest first",
        .query = list_query,
};

static const struct query page_query[] = {
        PAGE_QUERY,
        { 0 },
};

static enum err audit_show_security_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct audit_filter filter = { 0 };
        enum err rc = read_page(ctx, request, &filter);

        audit_types_security(&filter);
        return rc == OK ? reply_list(ctx, reply, &filter) : rc;
}

const struct operation audit_show_security = {
        OPERATION(audit_show_security),
        .summary = "List its entries about security",
        .query = page_query,
};

static enum err audit_show_user_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct audit_filter filter = { 0 };
        struct list_rendering list;
        int64_t total = 0;
        enum err rc;

        rc = audit_query_number(ctx, "user id", request_param(request, "user_id"),
                                &filter.actor_id);
        if (rc == OK)
                rc = read_page(ctx, request, &filter);
        if (rc != OK)
                return rc;
        begin_list(reply, &filter, &list);
        rc = audit_list_user(ctx, &filter, render_row, &list, &total);
        return rc == OK ? end_list(ctx, reply, &list, total) : rc;
}

const struct operation audit_show_user = {
        OPERATION(audit_show_user),
        .summary = "List its entries by and about a user",
        .query = page_query,
};
