/* What is exported to Prometheus: the choice, what there is to choose from, and a look at it. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/metrics/metrics_config.h"
#include "fcgi/handlers.h"

#define ENDPOINT "/api/cloud/metrics/prometheus"

static void render_ids(struct jsonw *json, const char *key, unsigned categories)
{
        jsonw_array(json, key);
        for (unsigned i = 0; i < METRICS_CATEGORY_COUNT; i++) {
                if (categories & METRICS_BIT(i))
                        jsonw_string(json, NULL, metrics_names(i)->id);
        }
        jsonw_array_end(json);
}

static enum err render_config(struct ctx *ctx, struct reply *reply,
                              const struct metrics_config *config)
{
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "prometheus_enabled", config->enabled);
        render_ids(&json, "prometheus_categories", config->categories);
        jsonw_bool(&json, "prometheus_legacy_names", config->legacy);
        jsonw_bool(&json, "tensorboard_enabled", false);
        jsonw_string(&json, "endpoint_url", ENDPOINT);
        return reply_json_end(ctx, reply, &json);
}

static enum err metrics_config_show_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct metrics_config config;
        enum err rc = metrics_config_read(ctx, &config);

        (void)request;
        return rc == OK ? render_config(ctx, reply, &config) : rc;
}

const struct operation metrics_config_show = {
        OPERATION(metrics_config_show),
        .summary = "Show what is exported to Prometheus",
};

static enum err add_all(struct ctx *ctx, const json_t *ids, unsigned *categories)
{
        json_t *id;
        enum err rc = OK;
        size_t i;

        *categories = 0;
        json_array_foreach (ids, i, id) {
                if (!json_is_string(id))
                        return ctx_fail(ctx, ERR_INVALID, "categories must be an array of strings");
                rc = metrics_category_add(ctx, json_string_value(id), categories);
                if (rc != OK)
                        return rc;
        }
        return rc;
}

/* The body of a change. */
struct change {
        bool prometheus_enabled, prometheus_legacy_names;
        json_t *prometheus_categories; /* NULL: as they are */
};
static const struct field change_fields[] = {
        FIELD(struct change, prometheus_enabled, FIELD_BOOL),
        FIELD(struct change, prometheus_legacy_names, FIELD_BOOL),
        FIELD(struct change, prometheus_categories, FIELD_STRING_LIST, .max = 64),
};

static enum err metrics_config_update_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct metrics_config config;
        struct change change;
        json_t *body;
        enum err rc;

        rc = request_json(ctx, request, &body);
        if (rc == OK)
                rc = metrics_config_read(ctx, &config);
        if (rc != OK)
                return rc;
        change = (struct change){ config.enabled, config.legacy, NULL };
        rc = request_fields_of(ctx, request, body, &change);
        if (rc == OK && change.prometheus_categories)
                rc = add_all(ctx, change.prometheus_categories, &config.categories);
        config.enabled = change.prometheus_enabled;
        config.legacy = change.prometheus_legacy_names;
        if (rc == OK)
                rc = metrics_config_set(ctx, &config);
        return rc == OK ? render_config(ctx, reply, &config) : rc;
}

const struct operation metrics_config_update = {
        OPERATION(metrics_config_update),
        .summary = "Change what is exported to Prometheus",
        .body = FIELDS(change_fields),
};

static void render_names(struct jsonw *json, const char *const *names)
{
        for (; *names; names++)
                jsonw_string(json, NULL, *names);
}

static enum err metrics_categories_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        (void)request;
        jsonw_array(&json, "categories");
        for (unsigned i = 0; i < METRICS_CATEGORY_COUNT; i++) {
                const struct metrics_names *names = metrics_names(i);

                jsonw_object(&json, NULL);
                jsonw_string(&json, "id", names->id);
                jsonw_string(&json, "name", names->name);
                jsonw_string(&json, "description", names->description);
                jsonw_array(&json, "metrics");
                render_names(&json, names->legacy);
                render_names(&json, names->families);
                jsonw_array_end(&json);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation metrics_categories = {
        OPERATION(metrics_categories),
        .summary = "List the categories of metrics",
};

static enum err metrics_templates_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct jsonw json = reply_json(reply);

        (void)request;
        jsonw_array(&json, "templates");
        for (size_t i = 0; metrics_template_at(i); i++) {
                const struct metrics_template *template = metrics_template_at(i);

                jsonw_object(&json, NULL);
                jsonw_string(&json, "id", template->id);
                jsonw_string(&json, "name", template->name);
                jsonw_string(&json, "description", template->description);
                render_ids(&json, "categories", template->categories);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation metrics_templates = {
        OPERATION(metrics_templates),
        .summary = "List the templates of categories",
};

static enum err metrics_template_apply_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        const struct metrics_template *template;
        struct metrics_config config;
        enum err rc;

        rc = metrics_template_find(ctx, request_param(request, "template_id"), &template);
        if (rc == OK)
                rc = metrics_config_read(ctx, &config);
        if (rc != OK)
                return rc;
        config.enabled = true;
        config.categories = template->categories;
        rc = metrics_config_set(ctx, &config);
        return rc == OK ? render_config(ctx, reply, &config) : rc;
}

const struct operation metrics_template_apply = {
        OPERATION(metrics_template_apply),
        .summary = "Export the categories of a template",
};

/* As a scrape would be if these were set, whether export is on or not. */
static enum err preview(struct ctx *ctx, struct reply *reply, unsigned categories, bool legacy)
{
        const struct metrics_wish wish = { categories, legacy, false };
        CLEANUP(buf_done) struct buf text;
        struct jsonw json;
        size_t samples = 0;
        enum err rc = OK;

        buf_init(&text, REPLY_MAX / 4);
        if (categories)
                rc = metrics_write(ctx, &wish, &text, &samples);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_string(&json, "content", categories ? buf_str(&text) : "# No metrics available\n");
        jsonw_int(&json, "metric_count", (int64_t)samples);
        render_ids(&json, "categories_used", categories);
        return reply_json_end(ctx, reply, &json);
}

static const struct query preview_query[] = {
        QUERY(TEXT, "categories", .many = true),
        QUERY(BOOL, "legacy"),
        { 0 },
};

static enum err metrics_preview_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct metrics_config config;
        const char *const *ids;
        bool legacy = true;
        size_t count;
        enum err rc;

        rc = request_query_all(ctx, request, "categories", &ids, &count);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "legacy", &legacy);
        if (rc == OK)
                rc = metrics_config_read(ctx, &config);
        if (rc == OK && count > 0)
                config.categories = 0;
        for (size_t i = 0; rc == OK && i < count; i++)
                rc = metrics_category_add(ctx, ids[i], &config.categories);
        return rc == OK ? preview(ctx, reply, config.categories, legacy && config.legacy) : rc;
}

const struct operation metrics_preview = {
        OPERATION(metrics_preview),
        .summary = "Show what a scrape would give",
        .query = preview_query,
        .gives = "text/plain",
};

/* The same with the categories as a JSON array in the body. */
static enum err metrics_preview_posted_run(struct ctx *ctx, const struct request *request,
                                           struct reply *reply)
{
        struct metrics_config config;
        json_t *ids = NULL;
        enum err rc;

        if (request->content_length == 0)
                return metrics_preview_run(ctx, request, reply);
        rc = request_json_value(ctx, request, &ids);
        if (rc == OK && !json_is_array(ids))
                return ctx_fail(ctx, ERR_INVALID, "The body must be an array of categories");
        if (rc == OK)
                rc = metrics_config_read(ctx, &config);
        if (rc == OK)
                rc = add_all(ctx, ids, &config.categories);
        return rc == OK ? preview(ctx, reply, config.categories, config.legacy) : rc;
}

const struct operation metrics_preview_posted = {
        OPERATION(metrics_preview_posted),
        .summary = "Show what a scrape of the categories given would give",
        .query = preview_query,
        .gives = "text/plain",
};
