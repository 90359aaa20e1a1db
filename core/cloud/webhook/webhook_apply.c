#include "core/cloud/webhook/webhook_apply.h"

#include <stdlib.h>
#include <string.h>

#include "core/cloud/job/job.h"
#include "core/cloud/job/job_news.h"
#include "core/cloud/secrets/seal.h"

const char *webhook_body_place(struct ctx *ctx, const char *delivery_id)
{
        return arena_printf(ctx->arena, "webhook_deliveries.body/%s", delivery_id);
}

enum err webhook_body_open(struct ctx *ctx, const struct webhook_delivery *delivery,
                           struct secret *ret_body)
{
        const char *place = webhook_body_place(ctx, delivery->delivery_id);

        if (!place)
                return ctx_nomem(ctx);
        if (delivery->body[0] == '{') { /* of before bodies were sealed, without secrets */
                *ret_body = (struct secret){ delivery->body, strlen(delivery->body) };
                return OK;
        }
        return seal_open(ctx, place, delivery->body, ret_body);
}

/* When the sender signed it; our clock bounds a clock that is ahead. */
static enum err read_time(struct ctx *ctx, const struct webhook_delivery *delivery, int64_t *ret)
{
        CLEANUP(json_decrefp) json_t *headers = NULL;
        const char *stamp;
        int64_t at_us;
        enum err rc;

        *ret = delivery->received_at_us;
        if (strcmp(delivery->verdict, "signed") != 0)
                return OK;
        rc = json_parse_object(ctx, "headers", delivery->headers, strlen(delivery->headers),
                               &headers);
        if (rc != OK)
                return rc;
        stamp = json_string_at(headers, "webhook-timestamp");
        at_us = stamp ? strtoll(stamp, NULL, 10) * US_PER_S : 0;
        if (at_us > 0 && at_us < *ret)
                *ret = at_us;
        return OK;
}

enum err webhook_news_read(struct ctx *ctx, const struct webhook_delivery *delivery,
                           struct webhook_event *ret)
{
        const struct provider *provider;
        struct webhook_event event;
        struct secret text;
        json_t *body = NULL;
        int64_t said_at_us;
        enum err rc;

        rc = provider_find(ctx, delivery->provider, &provider);
        if (rc == OK)
                rc = read_time(ctx, delivery, &said_at_us);
        if (rc == OK)
                rc = webhook_body_open(ctx, delivery, &text);
        if (rc == OK)
                rc = json_parse_object(ctx, "body", text.bytes, text.len, &body);
        if (rc == OK)
                rc = json_keep(ctx, body);
        if (rc == OK)
                rc = webhook_event_read(ctx, provider, body, &event);
        if (rc != OK)
                return rc;
        event.news.said_at_us = said_at_us;
        *ret = event;
        return OK;
}

/* Whoever may tell of one job could name another by the provider's id beside it. An id that is of
 * no job here is that of another service, from which this job was adopted. ERR_NOT_FOUND. */
static enum err check_ours(struct ctx *ctx, const struct webhook_event *event,
                           const struct job *job)
{
        const char *ours = event->news.our_job_id;
        struct job named;
        enum err rc;

        if (!ours || !job_id_is_valid(ours) || strcmp(ours, job->job_id) == 0)
                return OK;
        rc = store_job_get(ctx, ours, &named);
        if (rc == ERR_NOT_FOUND)
                return OK;
        return rc == OK ? ERR_NOT_FOUND : rc;
}

/* Our job an event is about: by the provider's id, by ours in the signed body, or by the id in the
 * URL we gave out when the job has no provider's id yet. ERR_NOT_FOUND, *ret_reason says why. */
static enum err find_job(struct ctx *ctx, const struct webhook_delivery *delivery,
                         const struct webhook_event *event, struct job *ret,
                         const char **ret_reason)
{
        const char *const ours[] = { event->subject, event->news.our_job_id, delivery->job_hint };
        enum err rc;

        rc = store_job_by_external_id(ctx, delivery->provider, event->subject, ret);
        if (rc == OK) {
                *ret_reason = "names two jobs";
                return check_ours(ctx, event, ret);
        }
        *ret_reason = "unknown job";
        for (size_t i = 0; rc == ERR_NOT_FOUND && i < ARRAY_SIZE(ours); i++) {
                if (!ours[i] || !job_id_is_valid(ours[i]))
                        continue;
                rc = store_job_get(ctx, ours[i], ret);
                if (rc != OK)
                        continue;
                if (strcmp(ret->provider, delivery->provider) != 0 ||
                    ret->status == JOB_BLOCKED || /* no provider has heard of it */
                    (event->news.external_id && ret->external_id &&
                     strcmp(event->news.external_id, ret->external_id) != 0))
                        rc = ERR_NOT_FOUND;
        }
        return rc;
}

enum err webhook_news_apply(struct ctx *ctx, const struct webhook_delivery *delivery,
                            const struct webhook_event *event, struct webhook_effect *ret)
{
        struct webhook_effect effect = { .status = event->news.status };
        CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
        const char *reason = "no job_id";
        struct job job;
        enum err rc = ERR_NOT_FOUND;

        ctx_topic_keep(ctx, &topic);
        if (event->subject)
                rc = find_job(ctx, delivery, event, &job, &reason);
        if (rc == ERR_NOT_FOUND) {
                *ret = (struct webhook_effect){ .outcome = "ignored", .reason = reason };
                return OK;
        }
        if (rc == OK) {
                job_follow(ctx, &job);
                rc = job_take_news(ctx, &job, &event->news, &effect.moved);
        }
        if (rc != OK)
                return rc;
        effect.job_id = job.job_id;
        effect.outcome = effect.moved ? "applied" : "unchanged";
        *ret = effect;
        return OK;
}
