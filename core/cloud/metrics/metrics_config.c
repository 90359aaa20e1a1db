#include "core/cloud/metrics/metrics_config.h"

#include <string.h>

#include "core/base/json.h"
#include "core/cloud/cloud.h"
#include "core/cloud/preference.h"
#include "core/store/store_preferences.h"

#define SETTING "metrics"

/* What a process remembers, as bits of cloud->metrics_known above those of the categories. */
#define KNOWN   (1u << 31)
#define ENABLED (1u << 30)
#define LEGACY  (1u << 29)

/* clang-format off */
static const struct metrics_template templates[] = {
        { "minimal", "Minimal", "Job metrics only", METRICS_BIT(METRICS_JOBS) },
        { "standard", "Standard (Recommended)", "Jobs, requests and health",
          METRICS_BIT(METRICS_JOBS) | METRICS_BIT(METRICS_HTTP) | METRICS_BIT(METRICS_HEALTH) },
        { "security", "Security", "Who does what, and what is refused",
          METRICS_BIT(METRICS_JOBS) | METRICS_BIT(METRICS_HTTP) | METRICS_BIT(METRICS_RATE_LIMITS) |
          METRICS_BIT(METRICS_AUDIT) | METRICS_BIT(METRICS_APPROVALS) },
        { "full", "Full", "All categories", METRICS_ALL },
};
/* clang-format on */

const struct metrics_template *metrics_template_at(size_t n)
{
        return n < ARRAY_SIZE(templates) ? &templates[n] : NULL;
}

enum err metrics_template_find(struct ctx *ctx, const char *id, const struct metrics_template **ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
                if (strcmp(templates[i].id, id) == 0) {
                        *ret = &templates[i];
                        return OK;
                }
        }
        return ctx_fail(ctx, ERR_NOT_FOUND, "Template not found: %.64s", id);
}

enum err metrics_category_add(struct ctx *ctx, const char *id, unsigned *categories)
{
        for (unsigned i = 0; i < METRICS_CATEGORY_COUNT; i++) {
                if (strcmp(metrics_names(i)->id, id) == 0) {
                        *categories |= METRICS_BIT(i);
                        return OK;
                }
        }
        return ctx_fail(ctx, ERR_INVALID,
                        "There is no category \"%.64s\"; there are jobs, http, rate_limits, "
                        "approvals, audit, health, circuit_breakers and provider",
                        id);
}

/* "on" or "off", a space, "legacy" or "clean", and the ids of the categories, each after a space.
 */
static enum err parse(struct ctx *ctx, const char *value, struct metrics_config *ret)
{
        *ret = (struct metrics_config){ .enabled = strncmp(value, "on ", 3) == 0,
                                        .legacy = strstr(value, " legacy") != NULL };
        for (unsigned i = 0; i < METRICS_CATEGORY_COUNT; i++) {
                const char *word = arena_printf(ctx->arena, " %s ", metrics_names(i)->id);
                const char *text = arena_printf(ctx->arena, "%s ", value);

                if (!word || !text)
                        return ctx_nomem(ctx);
                if (strstr(text, word))
                        ret->categories |= METRICS_BIT(i);
        }
        return OK;
}

static void remember(struct ctx *ctx, const struct metrics_config *config)
{
        atomic_store(&ctx->cloud->metrics_known, KNOWN | (config->enabled ? ENABLED : 0) |
                                                         (config->legacy ? LEGACY : 0) |
                                                         config->categories);
}

enum err metrics_config_read(struct ctx *ctx, struct metrics_config *ret)
{
        struct metrics_config config = {
                .categories = METRICS_BIT(METRICS_JOBS) | METRICS_BIT(METRICS_HTTP),
                .legacy = true,
        };
        const char *value;
        enum err rc = store_preference_get(ctx, SETTING, &value);

        if (rc == OK)
                rc = parse(ctx, value, &config);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        remember(ctx, &config);
        *ret = config;
        return OK;
}

enum err metrics_config_get(struct ctx *ctx, struct metrics_config *ret, bool *ret_known)
{
        unsigned known;
        enum err rc = cloud_check_schema(ctx);

        if (rc == OK)
                rc = metrics_config_read(ctx, ret);
        *ret_known = rc == OK;
        if (rc == OK || rc == ERR_NOMEM)
                return rc;
        known = atomic_load(&ctx->cloud->metrics_known);
        *ret = (struct metrics_config){ .enabled = known & ENABLED,
                                        .legacy = known & LEGACY,
                                        .categories = known & METRICS_ALL };
        if (!(known & KNOWN))
                *ret = (struct metrics_config){ true, METRICS_BIT(METRICS_HEALTH), true };
        return OK;
}

enum err metrics_config_set(struct ctx *ctx, const struct metrics_config *config)
{
        CLEANUP(json_decrefp) json_t *ids = json_array();
        CLEANUP(json_decrefp) json_t *details = NULL;
        struct audit_entry entry = {
                .event_type = "config.changed",
                .target_type = "setting",
                .target_id = SETTING,
                .action = "Changed which metrics are exported",
        };
        const char *value = arena_printf(ctx->arena, "%s %s", config->enabled ? "on" : "off",
                                         config->legacy ? "legacy" : "clean");
        enum err rc;

        for (unsigned i = 0; value && i < METRICS_CATEGORY_COUNT; i++) {
                const char *id = metrics_names(i)->id;

                if (!(config->categories & METRICS_BIT(i)))
                        continue;
                value = arena_printf(ctx->arena, "%s %s", value, id);
                if (json_array_append_new(ids, json_string(id)) != 0)
                        return ctx_nomem(ctx);
        }
        details =
                json_pack("{s:b, s:b, s:O}", "prometheus_enabled", config->enabled,
                          "prometheus_legacy_names", config->legacy, "prometheus_categories", ids);
        if (!value || !details)
                return ctx_nomem(ctx);
        entry.details = details;
        rc = preference_set(ctx, value, &entry);
        if (rc == OK)
                remember(ctx, config);
        return rc;
}
