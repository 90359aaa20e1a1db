#include "core/cloud/audit.h"

#include <string.h>

enum err audit_add(struct ctx *ctx, const struct audit_entry *entry)
{
        struct audit_row row = {
                .event_type = entry->event_type,
                .actor = ctx_actor_name(ctx),
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
        return rc == OK ? store_audit_insert(ctx, &row) : rc;
}

enum err audit_list(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                    void *arg, int64_t *ret_total)
{
        struct audit_filter full = *filter;
        enum err rc;

        if (full.event_type && !strchr(full.event_type, '.')) {
                full.event_type = arena_printf(ctx->arena, "security.%s", full.event_type);
                if (!full.event_type)
                        return ctx_nomem(ctx);
        }
        rc = store_audit_count(ctx, &full, ret_total);
        return rc == OK ? store_audit_each(ctx, &full, row, arg) : rc;
}
