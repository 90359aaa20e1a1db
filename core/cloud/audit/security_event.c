#include "core/cloud/audit/security_event.h"

#include "core/cloud/audit/audit_chain.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define ALL_MAX   100
#define WINDOW_US (60 * US_PER_S)

/* What each kind is called, and how many rows a minute one source can cause. Of limits there is one
 * row for each rule. */
static const struct {
        const char *type;
        int64_t per_source;
} kinds[SECURITY_KIND_COUNT] = {
        [SECURITY_WEBHOOK_REJECTED] = { "security.webhook_rejected", 5 },
        [SECURITY_PERMISSION_DENIED] = { "security.permission_denied", 5 },
        [SECURITY_SUSPICIOUS] = { "security.suspicious", 5 },
        [SECURITY_RATE_LIMITED] = { "security.rate_limited", 20 },
};

static enum err is_capped(struct ctx *ctx, enum security_kind kind, const char *source, bool *ret)
{
        const char *event_type = kinds[kind].type;
        const int64_t since_us = clock_wall_us(ctx->clock) - WINDOW_US;
        const struct audit_row by_source = { .event_type = event_type, .actor_ip = source };
        const struct audit_row by_all = { .event_type = event_type };
        int64_t of_source = 0, of_all = 0;
        enum err rc;

        rc = store_audit_recent(ctx, &by_source, since_us, &of_source);
        if (rc == OK)
                rc = store_audit_recent(ctx, &by_all, since_us, &of_all);
        if (rc == OK)
                *ret = of_source >= kinds[kind].per_source || of_all >= ALL_MAX;
        return rc;
}

/* What the row says beyond what happened. unwritten: how many before it were left out. */
static enum err describe(struct ctx *ctx, const struct security_event *event,
                         unsigned long long unwritten, const char **ret)
{
        CLEANUP(json_decrefp) json_t *details = NULL;
        char client[IPADDR_TEXT_SIZE];

        ipaddr_format(&event->client, client);
        details = json_pack("{s:s}", "client", client);
        if (!details || (event->about && json_object_update(details, (json_t *)event->about)) ||
            (unwritten && json_object_set_new(details, "not_written_before",
                                              json_integer((json_int_t)unwritten))))
                return ctx_nomem(ctx);
        return json_text(ctx, details, ret);
}

/* Inside a transaction. */
static enum err insert(struct ctx *ctx, const struct security_event *event, const char *source,
                       unsigned long long unwritten)
{
        struct audit_row row = {
                .event_type = kinds[event->kind].type,
                .actor = ctx_actor_name(ctx),
                .actor_id = ctx->actor.user_id,
                .actor_ip = source,
                .target_type = event->target_type,
                .target_id = event->target_id,
                .action = event->action,
                .correlation_id = *ctx->correlation_id ? ctx->correlation_id : NULL,
        };
        enum err rc = describe(ctx, event, unwritten, &row.details);

        return rc == OK ? audit_append(ctx, &row) : rc;
}

/* Count and write under one lock, so that callers at once do not pass the bound together. */
static enum err write_row(struct ctx *ctx, const struct security_event *event, const char *source,
                          bool *ret_capped)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        atomic_ullong *unwritten = &ctx->cloud->refusals_unwritten[event->kind];
        unsigned long long before = atomic_load(unwritten);
        bool capped = false;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, kinds[event->kind].type);
        if (rc == OK)
                rc = is_capped(ctx, event->kind, source, &capped);
        if (rc == OK && !capped)
                rc = insert(ctx, event, source, before);
        if (rc == OK && !capped)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        if (!capped)
                atomic_fetch_sub(unwritten, before);
        *ret_capped = capped;
        return OK;
}

enum err security_event_record(struct ctx *ctx, const struct security_event *event)
{
        char source[IPADDR_SOURCE_SIZE];
        bool capped = false;
        enum err rc;

        ipaddr_source(&event->client, source);
        rc = is_capped(ctx, event->kind, source, &capped); /* costs no turn at writing */
        if (rc == OK && !capped)
                rc = write_row(ctx, event, source, &capped);
        if (rc == OK && capped)
                atomic_fetch_add(&ctx->cloud->refusals_unwritten[event->kind], 1);
        return rc;
}
