#include "core/cloud/webhook_refusal.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/cloud/audit_chain.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define PER_SOURCE_MAX 5
#define ALL_MAX        100
#define WINDOW_US      (60 * US_PER_S)
#define SOURCE_SIZE    (IPADDR_TEXT_SIZE + 4)

static const char event_type[] = "security.webhook_rejected";

static const char *const reasons[WEBHOOK_VERDICT_COUNT] = {
        [WEBHOOK_GOOD] = "good",
        [WEBHOOK_IP_DENIED] = "ip_denied",
        [WEBHOOK_MISSING_HEADER] = "missing_header",
        [WEBHOOK_BAD_SECRET_FORMAT] = "bad_secret_format",
        [WEBHOOK_NO_MATCH] = "no_match",
        [WEBHOOK_STALE] = "stale",
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

static enum err is_capped(struct ctx *ctx, const char *source, bool *ret)
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

/* The row; unwritten is how many before it were left out. Inside a transaction. */
static enum err insert(struct ctx *ctx, const struct webhook_refusal *refusal, const char *source,
                       unsigned long long unwritten)
{
        CLEANUP(json_decrefp) json_t *details = NULL;
        char client[IPADDR_TEXT_SIZE];
        struct audit_row row = {
                .event_type = event_type,
                .actor = "anonymous",
                .actor_ip = source,
                .target_type = "provider",
                .target_id = refusal->provider_id,
                .action = "A webhook was refused",
                .correlation_id = *ctx->correlation_id ? ctx->correlation_id : NULL,
        };
        enum err rc;

        ipaddr_format(&refusal->client, client);
        details = json_pack("{s:s, s:s}", "reason", reasons[refusal->verdict], "client", client);
        if (!details || (unwritten && json_object_set_new(details, "not_written_before",
                                                          json_integer((json_int_t)unwritten))))
                return ctx_nomem(ctx);
        rc = json_text(ctx, details, &row.details);
        return rc == OK ? audit_append(ctx, &row) : rc;
}

/* Count and write under one lock, so that callers at once do not pass the bound together. */
static enum err write_row(struct ctx *ctx, const struct webhook_refusal *refusal,
                          const char *source, bool *ret_capped)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        atomic_ullong *unwritten = &ctx->cloud->refusals_unwritten;
        unsigned long long before = atomic_load(unwritten);
        bool capped = false;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, event_type);
        if (rc == OK)
                rc = is_capped(ctx, source, &capped);
        if (rc == OK && !capped)
                rc = insert(ctx, refusal, source, before);
        if (rc == OK && !capped)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        if (!capped)
                atomic_fetch_sub(unwritten, before);
        *ret_capped = capped;
        return OK;
}

enum err webhook_refusal_record(struct ctx *ctx, const struct webhook_refusal *refusal)
{
        char source[SOURCE_SIZE];
        bool capped = false;
        enum err rc;

        name_source(&refusal->client, source);
        log_event(ctx, LOG_WARNING, "simpletuner.cloud.webhooks", "Webhook rejected", "provider",
                  refusal->provider_id, "client", source, "reason", reasons[refusal->verdict]);
        rc = is_capped(ctx, source, &capped); /* a look costs no turn at writing */
        if (rc == OK && !capped)
                rc = write_row(ctx, refusal, source, &capped);
        if (rc == OK && capped)
                atomic_fetch_add(&ctx->cloud->refusals_unwritten, 1);
        return rc;
}
