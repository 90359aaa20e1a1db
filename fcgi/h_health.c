/* Health: liveness, readiness and the state of every part. */
#include <string.h>

#include "core/cloud/auth/auth.h"
#include "core/cloud/health/health.h"
#include "fcgi/handlers.h"

static enum err render_status(struct ctx *ctx, struct reply *reply, const char *status)
{
        struct jsonw json = reply_json(reply);

        jsonw_string(&json, "status", status);
        return reply_json_end(ctx, reply, &json);
}

static enum err health_plain_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        (void)request;
        return render_status(ctx, reply, "healthy");
}

const struct operation health_plain = {
        OPERATION(health_plain),
        .summary = "Is the service alive?",
};

static enum err health_live_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        (void)request;
        return render_status(ctx, reply, "ok");
}

const struct operation health_live = {
        OPERATION(health_live),
        .summary = "Liveness probe",
};

static enum err health_is_ready_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        enum err rc;

        (void)request;
        rc = health_ready(ctx);
        if (rc != OK)
                return rc;
        return render_status(ctx, reply, "ready");
}

const struct operation health_is_ready = {
        OPERATION(health_is_ready),
        .summary = "Readiness probe",
};

static void render_component(struct jsonw *json, const struct health_component *component)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "name", component->name);
        jsonw_string(json, "status", health_status_name(component->status));
        if (component->latency_ms >= 0)
                jsonw_number(json, "latency_ms", component->latency_ms, 2);
        jsonw_string(json, "message", component->message);
        jsonw_object_end(json);
}

static bool is_true(const char *value)
{
        return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static const struct query health_query[] = {
        QUERY(TEXT, "include_providers"),
        QUERY(TEXT, "include_replicate"),
        { 0 },
};

/* The parts are for those who may administrate; a stranger learns whether the whole is well. */
static enum err health_full_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        bool known = auth_may(ctx, PERM_ADMIN_CONFIG);
        const char *providers, *replicate;
        struct health health;
        struct jsonw json;
        enum err rc;

        rc = request_query(ctx, request, "include_providers", &providers);
        if (rc == OK)
                rc = request_query(ctx, request, "include_replicate", &replicate);
        if (rc != OK)
                return rc;
        rc = health_check(ctx, known && (is_true(providers) || is_true(replicate)), &health);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_string(&json, "status", health_status_name(health.status));
        jsonw_time(&json, "timestamp", clock_wall_us(ctx->clock));
        if (known) {
                jsonw_string(&json, "version", PACKAGE_VERSION);
                jsonw_number(&json, "uptime_seconds", health.uptime_s, 2);
                jsonw_array(&json, "components");
                for (size_t i = 0; i < health.count; i++)
                        render_component(&json, &health.components[i]);
                jsonw_array_end(&json);
        }
        return reply_json_end(ctx, reply, &json);
}

const struct operation health_full = {
        OPERATION(health_full),
        .summary = "Health of every component",
        .query = health_query,
};
