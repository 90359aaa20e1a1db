#include "core/cloud/security_event.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/audit_chain.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define PER_SOURCE_MAX 5
#define ALL_MAX        100
#define WINDOW_US      (60 * US_PER_S)
#define SOURCE_SIZE    (IPADDR_TEXT_SIZE + 4)

static const char *const types[SECURITY_KIND_COUNT] = {
        [SECURITY_WEBHOOK_REJECTED] = "security.webhook_rejected",
        [SECURITY_PERMISSION_DENIED] = "security.permission_denied",
        [SECURITY_SUSPICIOUS] = "security.suspicious",
};

/* An IPv6 client owns its /64: there, the network is the source. */
static void name_source(const struct ipaddr *client, char ret_source[SOURCE_SIZE])
{
        struct ipaddr network = *client;
        char text[IPADDR_TEXT_SIZE];

        if (client->family == 6)
                memset(network.bytes + 8, 0, 8);
        ipaddr_format(&network, text);
        snprintf(ret_source, SOURCE_SIZE, "%s%s", *text ? text : "unknown",
                 client->family == 6 ? "/64" : "");
}

static enum err is_capped(struct ctx *ctx, const char *event_type, const char *source, bool *ret)
{
        const int64_t since_us = clock_wall_us(ctx->clock) - WINDOW_US;
        const struct audit_row by_source = { .event_type = event_type, .actor_ip = source };
        const struct audit_row by_all = { .event_type = event_type };
        int64_t of_source = 0, of_all = 0;
        enum err rc;

        rc = store_audit_recent(ctx, &by_source, since_us, &of_source);
        if (rc == OK)
                rc = store_audit_recent(ctx, &by_all, since_us, &of_all);
        if (rc == OK)
                *ret = of_source >= PER_SOURCE_MAX || of_all >= ALL_MAX;
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
                .event_type = types[event->kind],
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
                rc = db_lock(ctx, types[event->kind]);
        if (rc == OK)
                rc = is_capped(ctx, types[event->kind], source, &capped);
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
        char source[SOURCE_SIZE];
        bool capped = false;
        enum err rc;

        name_source(&event->client, source);
        rc = is_capped(ctx, types[event->kind], source, &capped); /* costs no turn at writing */
        if (rc == OK && !capped)
                rc = write_row(ctx, event, source, &capped);
        if (rc == OK && capped)
                atomic_fetch_add(&ctx->cloud->refusals_unwritten[event->kind], 1);
        return rc;
}
