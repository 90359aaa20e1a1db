#include "core/cloud/webhook/webhook_event.h"

#include <string.h>

#include "core/base/json_secrets.h"
#include "core/cloud/provider/replicate_prediction.h"

/* clang-format off */
static const struct { const char *event; enum job_status status; } endings[] = {
        { "completed", JOB_COMPLETED },
        { "failed",    JOB_FAILED },
        { "error",     JOB_FAILED },
        { "canceled",  JOB_CANCELLED },
        { "cancelled", JOB_CANCELLED },
};
static const char *const reports[] = { "lifecycle.stage", "training.status" };
/* clang-format on */

/* What an event name means for the job; events of other names move nothing. */
static void read_status(const char *event, const json_t *body, struct provider_job *news)
{
        const char *status = json_string_at(body, "status");

        for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
                if (strcmp(event, endings[i].event) == 0) {
                        news->status_known = true;
                        news->status = endings[i].status;
                }
        }
        for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
                if (status && strcmp(event, reports[i]) == 0)
                        news->status_known = replicate_status_parse(status, &news->status);
        }
}

static const char *read_output(const json_t *body)
{
        const json_t *output = json_object_get(body, "output");
        const char *url =
                json_is_object(output) ? json_string_at(output, "url") : json_string_value(output);

        return url && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) ? url
                                                                                            : NULL;
}

/* The job an event of the trainer is about; "" names none. */
static const char *read_id(const json_t *body)
{
        const char *id = json_string_at(body, "job_id");

        if (!id || !*id)
                id = json_string_at(body, "prediction_id");
        return id && *id ? id : NULL;
}

static enum err check_types(struct ctx *ctx, const json_t *body)
{
        static const char *const texts[] = { "event_type", "type",   "job_id", "prediction_id",
                                             "id",         "status", "message" };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                const json_t *value = json_object_get(body, texts[i]);

                if (value && !json_is_null(value) && !json_is_string(value))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "Invalid webhook payload: %s must be a string", texts[i]);
        }
        return OK;
}

enum err webhook_event_read(struct ctx *ctx, const struct provider *provider, const json_t *body,
                            struct webhook_event *ret)
{
        const char *event = json_string_at(body, "event_type");
        struct webhook_event out = { .news = { .run_seconds = -1 } };
        enum err rc;

        rc = check_types(ctx, body);
        if (rc != OK)
                return rc;
        if (!event)
                event = json_string_at(body, "type");
        if (!event && provider->parse_webhook(body, &out.news)) {
                out.subject = out.news.external_id;
                *ret = out;
                return OK;
        }
        out.subject = read_id(body);
        if (event)
                read_status(event, body, &out.news);
        if (out.news.status_known && out.news.status == JOB_FAILED) {
                out.news.error = json_string_at(body, "error");
                if (!out.news.error)
                        out.news.error = json_string_at(body, "message");
        }
        out.news.output_url = read_output(body);
        *ret = out;
        return OK;
}

enum err webhook_body_to_show(struct ctx *ctx, const json_t *body, const char **ret)
{
        CLEANUP(json_decrefp) json_t *shown = json_copy((json_t *)(uintptr_t)body);
        const json_t *masked;
        const json_t *env = json_object_get(json_object_get(body, "input"), "env");
        const char *job_id = json_string_at(env, "SIMPLETUNER_JOB_ID");
        enum err rc;

        if (!shown)
                return ctx_nomem(ctx);
        json_object_del(shown, "input");
        if (job_id &&
            json_object_set_new(shown, "input",
                                json_pack("{s:{s:s}}", "env", "SIMPLETUNER_JOB_ID", job_id)) != 0)
                return ctx_nomem(ctx);
        rc = json_without_secrets(ctx, shown, &masked);
        return rc == OK ? json_text(ctx, masked, ret) : rc;
}
