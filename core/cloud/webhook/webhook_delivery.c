#include "core/cloud/webhook/webhook_delivery.h"

#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/job/job.h"
#include "core/db/db.h"

static const char *const outcomes[] = { "received", "applied", "unchanged", "ignored", "failed" };

enum err webhook_delivery_get(struct ctx *ctx, const char *delivery_id,
                              struct webhook_delivery *ret, const char **ret_body)
{
        CLEANUP(json_decrefp) json_t *body = NULL;
        struct webhook_delivery delivery;
        struct secret text;
        enum err rc;

        rc = store_webhook_get(ctx, delivery_id, &delivery);
        if (rc == OK)
                rc = webhook_body_open(ctx, &delivery, &text);
        if (rc == OK)
                rc = json_parse_object(ctx, "the stored body", text.bytes, text.len, &body);
        if (rc == OK)
                rc = webhook_body_to_show(ctx, body, ret_body);
        if (rc == OK)
                *ret = delivery;
        return rc;
}

/* Passes on the first limit rows; one more only tells that there are more. */
struct page {
        webhook_row_fn *row;
        void *arg;
        unsigned limit, count;
};

static void page_row(void *arg, const struct webhook_delivery *delivery)
{
        struct page *page = arg;

        if (page->count++ < page->limit)
                page->row(page->arg, delivery);
}

static enum err check_filter(struct ctx *ctx, const struct webhook_filter *filter)
{
        const struct provider *provider;
        size_t i = 0;

        while (filter->outcome && i < ARRAY_SIZE(outcomes) &&
               strcmp(filter->outcome, outcomes[i]) != 0)
                i++;
        if (i == ARRAY_SIZE(outcomes))
                return ctx_fail(ctx, ERR_INVALID,
                                "outcome must be one of received, applied, unchanged, ignored, "
                                "failed");
        if (filter->job_id && !job_id_is_valid(filter->job_id))
                return ctx_fail(ctx, ERR_INVALID, "job_id must be a job id");
        if (filter->before_id && !job_id_is_valid(filter->before_id))
                return ctx_fail(ctx, ERR_INVALID, "before must be a delivery id");
        if (filter->provider && provider_find(ctx, filter->provider, &provider) != OK)
                return ctx_fail(ctx, ERR_INVALID, "provider must be one that the service knows");
        return OK;
}

enum err webhook_delivery_list(struct ctx *ctx, const struct webhook_filter *filter,
                               webhook_row_fn *row, void *arg, bool *ret_more)
{
        struct page page = { .row = row, .arg = arg, .limit = filter->limit };
        struct webhook_filter one_more = *filter;
        enum err rc;

        one_more.limit++;
        rc = check_filter(ctx, filter);
        if (rc == OK)
                rc = store_webhooks_each(ctx, &one_more, page_row, &page);
        if (rc == OK)
                *ret_more = page.count > page.limit;
        return rc;
}

static enum err audit_replay(struct ctx *ctx, const struct webhook_delivery *delivery,
                             const struct webhook_effect *effect)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:s, s:s*}", "provider", delivery->provider, "outcome",
                                    effect->outcome, "job_id", effect->job_id);
        struct audit_entry entry = {
                .event_type = "webhook.replayed",
                .target_type = "webhook_delivery",
                .target_id = delivery->delivery_id,
                .action = "A webhook was applied again",
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* Inside a transaction. That it was applied once stays said. */
static enum err apply_again(struct ctx *ctx, const struct webhook_delivery *delivery,
                            const struct webhook_event *event, struct webhook_effect *ret)
{
        struct webhook_delivery settled = *delivery;
        enum err rc;

        rc = webhook_news_apply(ctx, delivery, event, ret);
        if (rc != OK)
                return rc;
        settled.apply_at_us = 0;
        settled.job_id = ret->job_id;
        settled.reason = ret->reason;
        if (strcmp(settled.outcome, "applied") != 0)
                settled.outcome = ret->outcome;
        rc = store_webhook_settle(ctx, &settled);
        return rc == OK ? audit_replay(ctx, delivery, ret) : rc;
}

enum err webhook_delivery_replay(struct ctx *ctx, const char *delivery_id,
                                 struct webhook_effect *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct webhook_delivery delivery;
        struct webhook_effect effect;
        struct webhook_event event;
        enum err rc;

        rc = store_webhook_get(ctx, delivery_id, &delivery);
        if (rc == OK)
                rc = webhook_news_read(ctx, &delivery, &event);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = apply_again(ctx, &delivery, &event, &effect);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        if (effect.moved) {
                bell_ring(ctx->cloud->bells, BELL_EVENTS);
                bell_ring(ctx->cloud->bells, BELL_ARCHIVE);
        }
        *ret = effect;
        return OK;
}
