#include "core/cloud/audit.h"

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
