/* The audit log for other systems: written out, and where it is forwarded to. */
#include <string.h>

#include "core/base/log.h"
#include "core/cloud/audit/audit_export.h"
#include "core/cloud/audit/audit_forward.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "fcgi/audit_query.h"
#include "fcgi/handlers.h"

struct streaming {
        struct audit_export export;
        const struct request *request;
        int64_t sent;
};

static bool write_out(void *arg, const char *text, size_t len)
{
        struct streaming *streaming = arg;
        struct transport *transport = streaming->request->transport;

        if (!transport_write(transport, text, len) || !transport_flush(transport))
                return false;
        streaming->sent += (int64_t)len;
        return true;
}

/* An answer that has begun can only break off; JSON lines then lack their end. */
static int64_t stream_export(struct ctx *ctx, const struct request *request, struct reply *reply,
                             void *arg)
{
        struct streaming *streaming = arg;
        enum err rc;

        (void)reply;
        streaming->request = request;
        rc = audit_export_run(ctx, &streaming->export);
        if (rc != OK && rc != ERR_CONFLICT)
                log_event(ctx, LOG_ERROR, "simpletuner.cloud.audit", "An export broke off",
                          "reason", ctx->detail);
        return streaming->sent;
}

static enum err read_format(struct ctx *ctx, const struct request *request, enum audit_format *ret)
{
        struct audit_target target;
        const char *text;
        enum err rc = request_query(ctx, request, "format", &text);

        if (rc != OK)
                return rc;
        if (text && !audit_format_parse(text, ret))
                return ctx_fail(ctx, ERR_INVALID, "format must be json, csv or cef");
        if (text)
                return OK;
        rc = audit_target_load(ctx, &target);
        if (rc == OK)
                *ret = target.format;
        return rc;
}

static const struct query export_query[] = {
        QUERY(TEXT, "format"),
        QUERY(BOOL, "security_only"),
        QUERY(TIME, "since"),
        QUERY(TIME, "until"),
        { 0 },
};

static enum err audit_show_export_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        static const char *const names[] = { "attachment; filename=\"audit.jsonl\"",
                                             "attachment; filename=\"audit.csv\"",
                                             "attachment; filename=\"audit.cef\"" };
        struct streaming *streaming = arena_alloc(ctx->arena, sizeof(*streaming));
        struct audit_export *export;
        enum err rc;

        if (!streaming)
                return ctx_nomem(ctx);
        export = &streaming->export;
        export->write = write_out;
        export->arg = streaming;
        rc = read_format(ctx, request, &export->format);
        if (rc == OK)
                rc = audit_query_times(ctx, request, &export->since_us, &export->until_us);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "security_only", &export->security_only);
        if (rc != OK)
                return rc;
        reply_header(reply, "Content-Disposition", names[export->format]);
        reply_stream(reply, audit_format_content_type(export->format), stream_export, streaming);
        return OK;
}

const struct operation audit_show_export = {
        OPERATION(audit_show_export),
        .summary = "Write the audit log out",
        .query = export_query,
        .gives = "application/octet-stream",
};

static enum err render_cursor(struct ctx *ctx, struct jsonw *json, const char *target)
{
        struct audit_cursor cursor;
        enum err rc = audit_forward_state(ctx, target, &cursor);

        if (rc == ERR_NOT_FOUND) {
                jsonw_null(json, target);
                return OK;
        }
        if (rc != OK)
                return rc;
        jsonw_object(json, target);
        jsonw_int(json, "last_id", cursor.last_id);
        jsonw_int(json, "pending", cursor.newest_id - cursor.last_id);
        jsonw_int(json, "failures", cursor.failures);
        jsonw_string(json, "last_error", cursor.last_error);
        jsonw_time(json, "next_at", cursor.failures ? cursor.next_at_us : 0);
        jsonw_time(json, "forwarded_at", cursor.forwarded_at_us);
        jsonw_object_end(json);
        return OK;
}

static enum err reply_target(struct ctx *ctx, struct reply *reply,
                             const struct audit_target *target)
{
        struct jsonw json = reply_json(reply);
        enum err rc;

        jsonw_string(&json, "format", audit_format_choices[target->format]);
        jsonw_string(&json, "webhook_url", target->webhook_url);
        jsonw_bool(&json, "has_token", target->sealed_token != NULL);
        jsonw_string(&json, "syslog_url", target->syslog_url);
        jsonw_bool(&json, "security_only", target->security_only);
        jsonw_object(&json, "forwarding");
        rc = render_cursor(ctx, &json, AUDIT_TO_WEBHOOK);
        if (rc == OK)
                rc = render_cursor(ctx, &json, AUDIT_TO_SYSLOG);
        if (rc != OK)
                return rc;
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

static enum err audit_target_show_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct audit_target target;
        enum err rc = audit_target_load(ctx, &target);

        (void)request;
        return rc == OK ? reply_target(ctx, reply, &target) : rc;
}

const struct operation audit_target_show = {
        OPERATION(audit_target_show),
        .summary = "Where the audit log is forwarded to",
};

static enum err audit_target_save_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct audit_target target;
        json_t *body;
        enum err rc = request_json(ctx, request, &body);

        if (rc == OK)
                rc = audit_target_update(ctx, body, &target);
        if (rc != OK)
                return rc;
        bell_ring(ctx->cloud->bells, BELL_AUDIT);
        return reply_target(ctx, reply, &target);
}

const struct operation audit_target_save = {
        OPERATION(audit_target_save),
        .summary = "Say where the audit log is forwarded to",
        .body = &audit_target_fields,
};
