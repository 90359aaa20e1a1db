#include "core/store/store_approvals.h"

#include <string.h>

#include "core/db/db.h"
#include "core/store/store_totals.h"

#define COLUMNS                                                                                    \
        "request_id, job_id, owner, user_id, rule_id, rule_name, required_approver_level, "        \
        "status, reason, provider, config_name, hardware_type, estimated_cost_usd_micros, "        \
        "created_at_us, expires_at_us"
#define REVIEW ", reviewed_by, review_notes, reviewed_at_us"
#define SELECT "SELECT " COLUMNS REVIEW " FROM approval_requests "

static const char *const status_names[APPROVAL_STATUS_COUNT] = {
        [APPROVAL_PENDING] = "pending",     [APPROVAL_APPROVED] = "approved",
        [APPROVAL_REJECTED] = "rejected",   [APPROVAL_EXPIRED] = "expired",
        [APPROVAL_CANCELLED] = "cancelled",
};

const char *approval_status_name(enum approval_status status)
{
        return status_names[status];
}

bool approval_status_parse(const char *name, enum approval_status *ret)
{
        for (unsigned i = 0; i < APPROVAL_STATUS_COUNT; i++) {
                if (strcmp(status_names[i], name) == 0) {
                        *ret = (enum approval_status)i;
                        return true;
                }
        }
        return false;
}

static struct approval_request borrow(struct db_stmt *stmt)
{
        struct approval_request request = {
                .request_id = db_int(stmt, 0),
                .job_id = db_text(stmt, 1),
                .owner = db_text(stmt, 2),
                .user_id = db_int(stmt, 3),
                .rule_id = db_int(stmt, 4),
                .rule_name = db_text(stmt, 5),
                .required_approver_level = db_text(stmt, 6),
                .status = APPROVAL_CANCELLED,
                .reason = db_text(stmt, 8),
                .provider = db_text(stmt, 9),
                .config_name = db_text(stmt, 10),
                .hardware_type = db_text(stmt, 11),
                .estimated_cost_usd_micros = db_int(stmt, 12),
                .created_at_us = db_int(stmt, 13),
                .expires_at_us = db_int(stmt, 14),
                .reviewed_by = db_text(stmt, 15),
                .review_notes = db_text(stmt, 16),
                .reviewed_at_us = db_int(stmt, 17),
        };

        (void)approval_status_parse(db_text(stmt, 7), &request.status);
        return request;
}

static enum err get(struct ctx *ctx, struct db_stmt *stmt, struct approval_request *ret)
{
        struct approval_request request;
        const char **const texts[] = { &request.job_id,      &request.owner,
                                       &request.rule_name,   &request.required_approver_level,
                                       &request.reason,      &request.provider,
                                       &request.config_name, &request.hardware_type,
                                       &request.reviewed_by, &request.review_notes };
        enum err rc = db_step(ctx, stmt);

        if (rc != OK)
                return rc;
        request = borrow(stmt);
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
        if (rc == OK)
                *ret = request;
        return rc;
}

enum err store_approval_next(struct ctx *ctx, int64_t *ret_id)
{
        return db_next(ctx, "approval_request", ret_id);
}

enum err store_approval_insert(struct ctx *ctx, const struct approval_request *request)
{
        static const char sql[] =
                "INSERT INTO approval_requests (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, "
                "$8, $9, $10, $11, $12, $13, $14, $15)";

        return db_run(ctx, NULL, sql, "ittzztttttttiii", request->request_id, request->job_id,
                      request->owner, request->user_id, request->rule_id, request->rule_name,
                      request->required_approver_level, status_names[APPROVAL_PENDING],
                      request->reason, request->provider, request->config_name,
                      request->hardware_type, request->estimated_cost_usd_micros,
                      request->created_at_us, request->expires_at_us);
}

enum err store_approval_get(struct ctx *ctx, int64_t request_id, struct approval_request *ret)
{
        static const char sql[] = SELECT "WHERE request_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "i", request_id);

        if (rc == OK)
                rc = get(ctx, stmt, ret);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "Request not found: %lld", (long long)request_id);
        return rc;
}

enum err store_approval_of_job(struct ctx *ctx, const char *job_id, struct approval_request *ret)
{
        static const char sql[] = SELECT "WHERE job_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "t", job_id);

        if (rc == OK)
                rc = get(ctx, stmt, ret);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "No approval request for job: %.64s", job_id);
        return rc;
}

enum err store_approval_move(struct ctx *ctx, int64_t request_id, const struct approval_move *move,
                             bool *ret_moved)
{
        static const char sql[] =
                "UPDATE approval_requests SET status = $2, reviewed_by = $3, review_notes = $4, "
                "reviewed_at_us = $5 WHERE request_id = $1 AND status = 'pending' "
                "AND CASE $2 WHEN 'cancelled' THEN 1 = 1 WHEN 'expired' THEN expires_at_us <= $5 "
                "ELSE expires_at_us > $5 END";
        int64_t changed = 0;
        enum err rc;

        rc = db_run(ctx, &changed, sql, "ittti", request_id, status_names[move->status], move->by,
                    move->notes, clock_wall_us(ctx->clock));
        if (rc == OK && changed > 0)
                rc = store_totals_approval_finished(ctx, move->status);
        if (rc == OK)
                *ret_moved = changed > 0;
        return rc;
}

enum err store_approvals_each(struct ctx *ctx, const struct approval_filter *filter,
                              approval_row_fn *row, void *arg)
{
#define IN_ORDER " ORDER BY request_id DESC LIMIT $1 OFFSET $2"
        static const char *const sql[2][2] = {
                { SELECT IN_ORDER, SELECT "WHERE owner = $3" IN_ORDER },
                { SELECT "WHERE status = $3" IN_ORDER,
                  SELECT "WHERE status = $3 AND owner = $4" IN_ORDER },
        };
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const bool by_status = filter->status, by_owner = filter->owner;
        const char *first = by_status ? filter->status : filter->owner;
        const char *types = by_status && by_owner ? "iitt" : by_status || by_owner ? "iit" : "ii";
        enum err rc;

        rc = db_query(ctx, &stmt, sql[by_status][by_owner], types, (int64_t)filter->limit,
                      (int64_t)filter->offset, first, filter->owner);
        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                struct approval_request request = borrow(stmt);

                row(arg, &request);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_approvals_pending(struct ctx *ctx, int64_t *ret_count)
{
        static const char sql[] = "SELECT COUNT(*) FROM approval_requests WHERE status = 'pending'";

        return db_number(ctx, ret_count, sql, "");
}

enum err store_approvals_due(struct ctx *ctx, unsigned limit, int64_t **ret_ids, size_t *ret_count)
{
        static const char sql[] =
                "SELECT request_id FROM approval_requests WHERE status = 'pending' "
                "AND expires_at_us <= $1 ORDER BY expires_at_us LIMIT $2";
        int64_t *ids = arena_alloc(ctx->arena, (limit + 1) * sizeof(*ids));
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        size_t count = 0;
        enum err rc;

        if (!ids)
                return ctx_nomem(ctx);
        rc = db_query(ctx, &stmt, sql, "ii", clock_wall_us(ctx->clock), (int64_t)limit);
        while (rc == OK && count < limit && (rc = db_step(ctx, stmt)) == OK)
                ids[count++] = db_int(stmt, 0);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_ids = ids;
        *ret_count = count;
        return OK;
}

enum err store_approval_delete(struct ctx *ctx, const char *job_id)
{
        static const char sql[] = "DELETE FROM approval_requests WHERE job_id = $1 "
                                  "RETURNING status";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_first(ctx, &stmt, sql, "t", job_id);

        if (rc == OK && strcmp(db_text(stmt, 0), status_names[APPROVAL_PENDING]) != 0)
                rc = store_totals_approval_deleted(ctx, db_text(stmt, 0));
        return rc == ERR_NOT_FOUND ? OK : rc;
}
