/* Requests for approval: looked at, decided one by one or many at once, taken back. */
#include "core/base/fields.h"
#include "core/cloud/approval/approval.h"
#include "fcgi/handlers.h"
#include "fcgi/param_id.h"
#include "fcgi/render_approval.h"

#define LIST_DEFAULT 50
#define LIST_MAX     200
#define OFFSET_MAX   1000000
#define BULK_MAX     100
#define EXPIRE_BATCH 100

/* ---- looking ---- */

static void render_row(void *arg, const struct approval_request *request)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        render_approval_request(json, request);
        jsonw_object_end(json);
}

static enum err read_filter(struct ctx *ctx, const struct request *request,
                            struct approval_filter *filter)
{
        int64_t limit = LIST_DEFAULT, offset = 0;
        enum approval_status status;
        bool pending_only = false;
        enum err rc = request_query(ctx, request, "status", &filter->status);

        if (rc == OK)
                rc = request_query_bool(ctx, request, "pending_only", &pending_only);
        if (rc == OK)
                rc = request_query_int(ctx, request, "limit", &limit);
        if (rc == OK)
                rc = request_query_int(ctx, request, "offset", &offset);
        if (rc != OK)
                return rc;
        if (filter->status && !approval_status_parse(filter->status, &status))
                return ctx_fail(ctx, ERR_INVALID,
                                "Invalid status: %.64s. Valid statuses: [pending, approved, "
                                "rejected, expired, cancelled]",
                                filter->status);
        if (pending_only)
                filter->status = approval_status_name(APPROVAL_PENDING);
        filter->limit = (unsigned)limit;
        filter->offset = (unsigned)offset;
        return OK;
}

static const struct query list_query[] = {
        QUERY(TEXT, "status"),
        QUERY(BOOL, "pending_only"),
        QUERY(NUMBER, "limit", .min = 1, .max = LIST_MAX),
        QUERY(NUMBER, "offset", .min = 0, .max = OFFSET_MAX),
        { 0 },
};

static enum err approvals_list_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct approval_filter filter = { 0 };
        struct jsonw json = reply_json(reply);
        int64_t pending = 0;
        enum err rc = read_filter(ctx, request, &filter);

        if (rc == OK)
                rc = approval_pending(ctx, &pending);
        if (rc != OK)
                return rc;
        jsonw_array(&json, "requests");
        rc = approval_list(ctx, &filter, render_row, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        jsonw_int(&json, "pending_count", pending);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approvals_list = {
        OPERATION(approvals_list),
        .summary = "List requests for approval",
        .query = list_query,
};

static enum err approvals_mine_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct approval_filter filter = { .owner = ctx_actor_name(ctx) };
        struct jsonw json = reply_json(reply);
        enum err rc = read_filter(ctx, request, &filter);

        if (rc != OK)
                return rc;
        jsonw_array(&json, "requests");
        rc = approval_list(ctx, &filter, render_row, &json);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approvals_mine = {
        OPERATION(approvals_mine),
        .summary = "List the own requests",
        .query = list_query,
};

static enum err approvals_pending_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct jsonw json;
        int64_t pending;
        enum err rc = approval_pending(ctx, &pending);

        (void)request;
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_int(&json, "pending_count", pending);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approvals_pending = {
        OPERATION(approvals_pending),
        .summary = "How many requests wait",
};

static enum err answer(struct ctx *ctx, struct reply *reply, const struct approval_request *row)
{
        struct jsonw json = reply_json(reply);

        render_approval_request(&json, row);
        return reply_json_end(ctx, reply, &json);
}

static enum err approvals_show_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct approval_request row;
        int64_t id;
        enum err rc = param_id(ctx, request, "request_id", "Request", &id);

        if (rc == OK)
                rc = approval_get(ctx, id, &row);
        return rc == OK ? answer(ctx, reply, &row) : rc;
}

const struct operation approvals_show = {
        OPERATION(approvals_show),
        .summary = "Show a request",
};

static enum err approvals_of_job_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct approval_request row;
        enum err rc = approval_of_job(ctx, request_param(request, "job_id"), &row);

        return rc == OK ? answer(ctx, reply, &row) : rc;
}

const struct operation approvals_of_job = {
        OPERATION(approvals_of_job),
        .summary = "Show the request of a job",
};

/* ---- deciding ---- */

struct decision {
        const char *notes, *reason;
        json_t *request_ids;
};

static const struct field approve_fields[] = {
        FIELD(struct decision, notes, FIELD_STRING, .max = APPROVAL_TEXT_MAX_BYTES),
};
static const struct field reject_fields[] = {
        FIELD(struct decision, reason, FIELD_STRING, .max = APPROVAL_TEXT_MAX_BYTES),
};
static const struct field bulk_approve_fields[] = {
        FIELD(struct decision, request_ids, FIELD_ARRAY, .max = BULK_MAX, .required = true),
        FIELD(struct decision, notes, FIELD_STRING, .max = APPROVAL_TEXT_MAX_BYTES),
};
static const struct field bulk_reject_fields[] = {
        FIELD(struct decision, request_ids, FIELD_ARRAY, .max = BULK_MAX, .required = true),
        FIELD(struct decision, reason, FIELD_STRING, .max = APPROVAL_TEXT_MAX_BYTES),
};

static enum err answer_decision(struct ctx *ctx, struct reply *reply,
                                const struct approval_request *row)
{
        const bool rejected = row->status == APPROVAL_REJECTED;
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "success", true);
        jsonw_int(&json, "request_id", row->request_id);
        jsonw_string(&json, rejected ? "rejected_by" : "approved_by", row->reviewed_by);
        if (rejected)
                jsonw_string(&json, "reason", row->review_notes);
        jsonw_string(&json, "job_id", row->job_id);
        return reply_json_end(ctx, reply, &json);
}

/* Read the body of a decision about the request whose number is id, and take it. */
static enum err approve(struct ctx *ctx, const struct request *request, int64_t id,
                        struct reply *reply)
{
        struct decision decision = { 0 };
        struct approval_request row;
        enum err rc = request_fields_or_empty(ctx, request, &decision);

        if (rc == OK)
                rc = approval_approve(ctx, id, decision.notes, &row);
        return rc == OK ? answer_decision(ctx, reply, &row) : rc;
}

static enum err reject(struct ctx *ctx, const struct request *request, int64_t id,
                       struct reply *reply)
{
        struct decision decision = { 0 };
        struct approval_request row;
        enum err rc = request_fields_or_empty(ctx, request, &decision);

        if (rc == OK)
                rc = approval_reject(ctx, id, decision.reason, &row);
        return rc == OK ? answer_decision(ctx, reply, &row) : rc;
}

static enum err approvals_approve_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        int64_t id;
        enum err rc = param_id(ctx, request, "request_id", "Request", &id);

        return rc == OK ? approve(ctx, request, id, reply) : rc;
}

const struct operation approvals_approve = {
        OPERATION(approvals_approve),
        .summary = "Approve a request",
        .body = FIELDS(approve_fields),
};

static enum err approvals_reject_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        int64_t id;
        enum err rc = param_id(ctx, request, "request_id", "Request", &id);

        return rc == OK ? reject(ctx, request, id, reply) : rc;
}

const struct operation approvals_reject = {
        OPERATION(approvals_reject),
        .summary = "Reject a request",
        .body = FIELDS(reject_fields),
};

/* The same by the job that waits. */
static enum err request_of_job(struct ctx *ctx, const struct request *request, int64_t *ret_id)
{
        struct approval_request row;
        enum err rc = approval_by_job(ctx, request_param(request, "job_id"), &row);

        if (rc == OK)
                *ret_id = row.request_id;
        return rc;
}

static enum err queue_approve_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        int64_t id;
        enum err rc = request_of_job(ctx, request, &id);

        return rc == OK ? approve(ctx, request, id, reply) : rc;
}

const struct operation queue_approve = {
        OPERATION(queue_approve),
        .summary = "Approve a job that waits",
        .body = FIELDS(approve_fields),
};

static enum err queue_reject_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        int64_t id;
        enum err rc = request_of_job(ctx, request, &id);

        return rc == OK ? reject(ctx, request, id, reply) : rc;
}

const struct operation queue_reject = {
        OPERATION(queue_reject),
        .summary = "Reject a job that waits",
        .body = FIELDS(reject_fields),
};

static enum err approvals_cancel_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct approval_request row;
        struct jsonw json;
        int64_t id;
        enum err rc = param_id(ctx, request, "request_id", "Request", &id);

        if (rc == OK)
                rc = approval_cancel(ctx, id, &row);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_int(&json, "request_id", row.request_id);
        jsonw_string(&json, "job_id", row.job_id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approvals_cancel = {
        OPERATION(approvals_cancel),
        .summary = "Take a request back",
};

/* ---- many at once: each in a transaction of its own, so that one that fails stops no other ----
 */

typedef enum err decide_fn(struct ctx *ctx, int64_t request_id, const char *text,
                           struct approval_request *ret);

static enum err check_ids(struct ctx *ctx, const json_t *ids)
{
        bool good = json_array_size(ids) > 0;

        for (size_t i = 0; good && i < json_array_size(ids); i++) {
                const json_t *id = json_array_get(ids, i);

                good = json_is_integer(id) && json_integer_value(id) > 0;
        }
        return good ? OK
                    : ctx_fail(ctx, ERR_INVALID, "request_ids must be 1 to %d numbers of requests",
                               BULK_MAX);
}

static enum err decide_one(struct ctx *ctx, struct jsonw *json, int64_t id, decide_fn *decide,
                           const char *text)
{
        struct approval_request row;
        enum err rc = decide(ctx, id, text, &row);

        jsonw_object(json, NULL);
        jsonw_int(json, "request_id", id);
        jsonw_bool(json, "success", rc == OK);
        jsonw_string(json, "error", rc == OK ? NULL : ctx_shown_detail(ctx, rc));
        jsonw_object_end(json);
        return rc;
}

static enum err decide_all(struct ctx *ctx, struct reply *reply, const json_t *ids,
                           decide_fn *decide, const char *text)
{
        const size_t total = json_array_size(ids);
        struct jsonw json = reply_json(reply);
        int64_t succeeded = 0;

        jsonw_int(&json, "total", (int64_t)total);
        jsonw_array(&json, "results");
        for (size_t i = 0; i < total; i++) {
                const int64_t id = json_integer_value(json_array_get(ids, i));

                succeeded += decide_one(ctx, &json, id, decide, text) == OK;
        }
        jsonw_array_end(&json);
        jsonw_int(&json, "succeeded", succeeded);
        jsonw_int(&json, "failed", (int64_t)total - succeeded);
        return reply_json_end(ctx, reply, &json);
}

static enum err approvals_bulk_approve_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        struct decision decision = { 0 };
        enum err rc = request_fields(ctx, request, &decision);

        if (rc == OK)
                rc = check_ids(ctx, decision.request_ids);
        return rc == OK ? decide_all(ctx, reply, decision.request_ids, approval_approve,
                                     decision.notes)
                        : rc;
}

const struct operation approvals_bulk_approve = {
        OPERATION(approvals_bulk_approve),
        .summary = "Approve several requests",
        .body = FIELDS(bulk_approve_fields),
};

static enum err approvals_bulk_reject_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct decision decision = { 0 };
        enum err rc = request_fields(ctx, request, &decision);

        if (rc == OK)
                rc = check_ids(ctx, decision.request_ids);
        if (rc == OK)
                rc = approval_check_reason(ctx, decision.reason);
        return rc == OK ? decide_all(ctx, reply, decision.request_ids, approval_reject,
                                     decision.reason)
                        : rc;
}

const struct operation approvals_bulk_reject = {
        OPERATION(approvals_bulk_reject),
        .summary = "Reject several requests",
        .body = FIELDS(bulk_reject_fields),
};

static enum err approvals_expire_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct jsonw json;
        unsigned expired = 0, batch;
        enum err rc;

        (void)request;
        do {
                batch = 0;
                rc = approval_expire(ctx, EXPIRE_BATCH, &batch);
                expired += batch;
        } while (rc == OK && batch == EXPIRE_BATCH);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_int(&json, "expired", expired);
        return reply_json_end(ctx, reply, &json);
}

const struct operation approvals_expire = {
        OPERATION(approvals_expire),
        .summary = "End the requests whose time is over",
};
