#include "core/cloud/auth/identity_audit.h"

#include "core/cloud/audit/audit.h"

enum err identity_audit(struct ctx *ctx, const struct identity_event *event, json_t *details)
{
        CLEANUP(json_decrefp) json_t *owned = details;
        const struct audit_entry entry = {
                .event_type = event->type,
                .target_type = event->target_type,
                .target_id = arena_printf(ctx->arena, "%lld", (long long)event->target_id),
                .action = event->action,
                .details = owned,
        };

        return owned && entry.target_id ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

enum err identity_audit_change(struct ctx *ctx, const struct identity_event *event, json_t *before,
                               json_t *after)
{
        return identity_audit(ctx, event,
                              json_pack("{s:o, s:o}", "before", before, "after", after));
}
