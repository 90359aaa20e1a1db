/* About the audit log: figures, the types of entries, and whether it is what was written. */
#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_types.h"
#include "core/cloud/audit/audit_verify.h"
#include "fcgi/handlers.h"

static void render_type(void *arg, const char *event_type, int64_t entries)
{
        jsonw_int(arg, event_type, entries);
}

static enum err audit_show_stats_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct audit_stats stats;
        enum err rc;

        (void)request;
        jsonw_object(&json, "by_type");
        rc = audit_stats(ctx, render_type, &json, &stats);
        if (rc != OK)
                return rc;
        jsonw_object_end(&json);
        jsonw_int(&json, "total_entries", stats.total);
        jsonw_int(&json, "last_24h", stats.last_24h);
        jsonw_time(&json, "first_entry", stats.first_us);
        jsonw_time(&json, "last_entry", stats.last_us);
        return reply_json_end(ctx, reply, &json);
}

const struct operation audit_show_stats = {
        OPERATION(audit_show_stats),
        .summary = "What is in the audit log",
};

static enum err audit_show_types_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        (void)request;
        jsonw_array(&json, "event_types");
        for (size_t n = 0; audit_type_at(n); n++) {
                jsonw_object(&json, NULL);
                jsonw_string(&json, "value", audit_type_at(n)->value);
                jsonw_string(&json, "name", audit_type_at(n)->name);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation audit_show_types = {
        OPERATION(audit_show_types),
        .summary = "List the types of its entries",
};

static enum err reply_report(struct ctx *ctx, struct reply *reply,
                             const struct audit_report *report)
{
        struct jsonw json = reply_json(reply);

        audit_report_render(&json, report);
        return reply_json_end(ctx, reply, &json);
}

static const struct query verify_query[] = {
        QUERY(NUMBER, "start_id", .min = 1, .max = INT64_MAX),
        QUERY(NUMBER, "end_id", .min = 1, .max = INT64_MAX),
        { 0 },
};

static enum err audit_show_verify_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct audit_range range = { 0 };
        struct audit_report *report = arena_alloc(ctx->arena, sizeof(*report));
        enum err rc;

        if (!report)
                return ctx_nomem(ctx);
        rc = request_query_int(ctx, request, "start_id", &range.start_id);
        if (rc == OK)
                rc = request_query_int(ctx, request, "end_id", &range.end_id);
        if (rc == OK)
                rc = audit_verify(ctx, range, report);
        return rc == OK ? reply_report(ctx, reply, report) : rc;
}

const struct operation audit_show_verify = {
        OPERATION(audit_show_verify),
        .summary = "Is the audit log what was written?",
        .query = verify_query,
};
