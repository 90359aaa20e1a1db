#include "core/cloud/audit/audit.h"

#include "core/cloud/audit/audit_chain.h"
#include "core/db/db.h"

enum err audit_add(struct ctx *ctx, const struct audit_entry *entry)
{
        struct audit_row row = {
                .event_type = entry->event_type,
                .actor = ctx_actor_name(ctx),
                .actor_id = ctx->actor.user_id,
                .actor_ip = *ctx->client ? ctx->client : NULL,
                .target_type = entry->target_type,
                .target_id = entry->target_id,
                .action = entry->action,
                .details = "{}",
                .correlation_id = *ctx->correlation_id ? ctx->correlation_id : NULL,
        };
        enum err rc = OK;

        if (entry->details)
                rc = json_text(ctx, entry->details, &row.details);
        return rc == OK ? audit_append(ctx, &row) : rc;
}

enum err audit_note(struct ctx *ctx, const struct audit_entry *entry)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = audit_add(ctx, entry);
        return rc == OK ? db_commit(&tx) : rc;
}

enum err audit_list(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                    void *arg, int64_t *ret_total)
{
        enum err rc = store_audit_count(ctx, filter, ret_total);

        return rc == OK ? store_audit_each(ctx, filter, row, arg) : rc;
}

enum err audit_list_user(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                         void *arg, int64_t *ret_total)
{
        enum err rc = store_audit_user_count(ctx, filter->actor_id, ret_total);

        return rc == OK ? store_audit_user_each(ctx, filter, row, arg) : rc;
}

int64_t audit_until(int64_t until_us)
{
        return until_us % US_PER_MS == 0 ? until_us + US_PER_MS - 1 : until_us;
}

/* Adds up while it passes on. */
struct sum {
        audit_type_fn *type;
        void *arg;
        int64_t total;
};

static void add_type(void *arg, const char *event_type, int64_t entries)
{
        struct sum *sum = arg;

        sum->total += entries;
        sum->type(sum->arg, event_type, entries);
}

enum err audit_stats(struct ctx *ctx, audit_type_fn *type, void *arg, struct audit_stats *ret)
{
        struct audit_filter last_24h = { .since_us = clock_wall_us(ctx->clock) - US_PER_DAY };
        struct sum sum = { .type = type, .arg = arg };
        struct audit_stats stats = { 0 };
        enum err rc;

        rc = store_audit_types_each(ctx, add_type, &sum);
        if (rc == OK)
                rc = store_audit_count(ctx, &last_24h, &stats.last_24h);
        if (rc == OK)
                rc = store_audit_span(ctx, &stats.first_us, &stats.last_us);
        if (rc != OK)
                return rc;
        stats.total = sum.total;
        *ret = stats;
        return OK;
}
