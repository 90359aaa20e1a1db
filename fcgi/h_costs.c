/* Costs: what a job is expected to come to, what may be spent, and what was. */
#include <inttypes.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/job/cost.h"
#include "core/cloud/job/job_stats.h"
#include "fcgi/handlers.h"

static double usd(int64_t micros)
{
        return (double)micros / 1e6;
}

struct estimate_body {
        const char *provider, *hardware_profile;
        const json_t *dataloader_config;
        int64_t max_runtime_minutes;
};

static const struct field estimate_fields[] = {
        FIELD(struct estimate_body, provider, FIELD_STRING, .min = 1, .max = 64),
        FIELD(struct estimate_body, hardware_profile, FIELD_STRING, .min = 1, .max = 64),
        FIELD(struct estimate_body, dataloader_config, FIELD_ARRAY, .max = 1000),
        FIELD(struct estimate_body, max_runtime_minutes, FIELD_INT, .min = 1, .max = 525600),
};

/* An object with these fields, or the data sets alone. */
static enum err read_estimate(struct ctx *ctx, const struct request *request,
                              struct cost_query *ret)
{
        struct estimate_body body = { .provider = ctx->config->default_provider };
        json_t *tree;
        enum err rc;

        rc = request_json_value(ctx, request, &tree);
        if (rc == OK && json_is_object(tree))
                rc = request_fields_of(ctx, request, tree, &body);
        else if (rc == OK && !json_is_array(tree))
                rc = ctx_fail(ctx, ERR_INVALID, "body must be an array of data sets or an object");
        *ret = (struct cost_query){
                .provider = body.provider,
                .hardware_profile = body.hardware_profile,
                .max_runtime_minutes = body.max_runtime_minutes,
        };
        return rc;
}

static const char *explain_estimate(struct ctx *ctx, const struct cost_answer *answer)
{
        if (answer->estimate.has_history)
                return arena_printf(ctx->arena,
                                    "The mean of your completed jobs on %s in the last 90 days",
                                    answer->hardware.label);
        return arena_printf(ctx->arena,
                            "Not enough completed jobs to estimate cost. Run a few jobs first. "
                            "Until then this is the most it can be: %" PRId64 " minutes on %s.",
                            (answer->estimate.run_s + 59) / 60, answer->hardware.label);
}

static enum err costs_estimate_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct cost_query query;
        struct cost_answer answer;
        struct jsonw json;
        enum err rc;

        rc = read_estimate(ctx, request, &query);
        if (rc == OK)
                rc = cost_ask(ctx, &query, &answer);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "has_estimate", answer.estimate.has_history);
        jsonw_number(&json, "estimated_cost_usd", usd(answer.estimate.usd_micros), 6);
        if (answer.estimate.has_history)
                jsonw_int(&json, "avg_duration_seconds", answer.estimate.run_s);
        else
                jsonw_null(&json, "avg_duration_seconds");
        jsonw_number(&json, "hardware_cost_per_hour",
                     (double)answer.price_usd_nanos_per_s * 3600 / 1e9, 4);
        jsonw_string(&json, "hardware_profile", answer.hardware.profile);
        jsonw_null(&json, "data_size_mb");
        jsonw_string(&json, "message", explain_estimate(ctx, &answer));
        return reply_json_end(ctx, reply, &json);
}

const struct operation costs_estimate = {
        OPERATION(costs_estimate),
        .summary = "What a job would cost",
        .body = FIELDS(estimate_fields),
};

static const struct query limit_query[] = {
        QUERY(TEXT, "provider"),
        { 0 },
};

static enum err costs_limit_status_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct provider_session session;
        const char *provider, *message;
        struct cost_limit limit;
        struct cost_share shown;
        struct jsonw json;
        double percent;
        enum err rc;

        rc = request_query(ctx, request, "provider", &provider);
        if (rc == OK)
                rc = provider_open(ctx, provider ? provider : ctx->config->default_provider,
                                   &session);
        if (rc == OK)
                rc = cost_limit_status(ctx, session.provider->id, &session.settings, &limit);
        if (rc == OK)
                rc = cost_limit_shown(ctx, session.provider->id, &limit, &shown);
        if (rc == OK)
                rc = cost_limit_message(ctx, &limit, &message);
        if (rc != OK)
                return rc;

        percent = cost_limit_percent(&limit, limit.spent_usd_micros);
        json = reply_json(reply);
        jsonw_string(&json, "provider", session.provider->id);
        jsonw_bool(&json, "enabled", session.settings.cost_limit_enabled);
        jsonw_number(&json, "limit_amount", session.settings.cost_limit_amount, 2);
        jsonw_string(&json, "period", limit.period);
        jsonw_string(&json, "action", limit.action);
        jsonw_number(&json, "current_spend", usd(shown.spent_usd_micros), 6);
        jsonw_number(&json, "running_estimate", usd(shown.running_usd_micros), 6);
        jsonw_number(&json, "percent_used", cost_limit_percent(&limit, shown.spent_usd_micros), 1);
        jsonw_bool(&json, "is_exceeded", percent >= 100);
        jsonw_bool(&json, "is_warning", percent >= 80 && percent < 100);
        jsonw_string(&json, "message", message);
        return reply_json_end(ctx, reply, &json);
}

const struct operation costs_limit_status = {
        OPERATION(costs_limit_status),
        .summary = "How much of the cost limit is used",
        .query = limit_query,
};

static void render_day(struct jsonw *json, const struct job_day *day)
{
        char date[CLOCK_ISO_SIZE];

        clock_format_iso(day->day * US_PER_DAY, date);
        date[sizeof("2024-01-15") - 1] = '\0';
        jsonw_object(json, NULL);
        jsonw_string(json, "date", date);
        jsonw_int(json, "total_jobs", day->jobs);
        jsonw_int(json, "completed", day->completed);
        jsonw_int(json, "failed", day->failed);
        jsonw_int(json, "cancelled", day->cancelled);
        jsonw_int(json, "local_jobs", 0);
        jsonw_int(json, "cloud_jobs", day->jobs);
        jsonw_number(json, "total_cost_usd", usd(day->cost_usd_micros), 6);
        jsonw_object_end(json);
}

static const struct query metrics_query[] = {
        QUERY(NUMBER, "days", .min = 1, .max = JOB_STATS_DAYS_MAX),
        { 0 },
};

static enum err costs_metrics_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        struct job_stats stats;
        struct jsonw json;
        int64_t days = 30;
        enum err rc;

        rc = request_query_int(ctx, request, "days", &days);
        if (rc == OK)
                rc = job_stats(ctx, (unsigned)days, &stats);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_null(&json, "credit_balance");
        jsonw_null(&json, "estimated_jobs_remaining");
        jsonw_number(&json, "total_cost", usd(stats.cost_usd_micros), 6);
        jsonw_int(&json, "job_count", stats.jobs);
        if (stats.completed)
                jsonw_number(&json, "avg_job_duration_seconds",
                             usd(stats.run_us) / (double)stats.completed, 1);
        else
                jsonw_null(&json, "avg_job_duration_seconds");
        jsonw_object(&json, "jobs_by_status");
        for (int status = 0; status < JOB_STATUS_COUNT; status++)
                jsonw_int(&json, job_status_name((enum job_status)status), stats.by_status[status]);
        jsonw_object_end(&json);
        jsonw_array(&json, "cost_by_day");
        for (size_t i = 0; i < stats.day_count; i++)
                render_day(&json, &stats.days[i]);
        jsonw_array_end(&json);
        jsonw_int(&json, "period_days", days);
        return reply_json_end(ctx, reply, &json);
}

const struct operation costs_metrics = {
        OPERATION(costs_metrics),
        .summary = "Jobs and costs of the last days",
        .query = metrics_query,
};
