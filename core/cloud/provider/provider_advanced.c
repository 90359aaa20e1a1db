#include "core/cloud/provider/provider_advanced.h"

#include <string.h>

#include "core/base/fields.h"

#define SWITCH "webhook_ip_allowlist_enabled"
#define LIST   "webhook_allowed_ips"

static const struct field fields[] = {
        { .name = "ssl_verify", .type = FIELD_BOOL },
        { .name = "ssl_ca_bundle", .type = FIELD_STRING },
        { .name = "proxy_url", .type = FIELD_STRING },
        { .name = "http_timeout", .type = FIELD_NUMBER, .min = 0.1, .max = 600 },
        { .name = SWITCH, .type = FIELD_BOOL },
        { .name = LIST, .type = FIELD_CIDR_LIST },
};
const struct field_table provider_advanced_fields = { fields, ARRAY_SIZE(fields) };

static enum err check_names(struct ctx *ctx, const json_t *patch)
{
        const char *name;
        json_t *value;

        json_object_foreach ((json_t *)(uintptr_t)patch, name, value) {
                bool known = false;

                for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                        known = known || strcmp(fields[i].name, name) == 0;
                if (!known)
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%.64s is none of the advanced settings: ssl_verify, "
                                        "ssl_ca_bundle, proxy_url, http_timeout, " SWITCH ", " LIST,
                                        name);
        }
        return OK;
}

/* Turn the switch into what it means for the list. */
static enum err apply_switch(struct ctx *ctx, const char *provider, bool on, json_t *patch)
{
        const json_t *list = json_object_get(patch, LIST);
        struct provider_settings stored;
        enum err rc;

        if (!on)
                return json_object_set_new(patch, LIST, json_array()) == 0 ? OK : ctx_nomem(ctx);
        rc = provider_settings_load(ctx, provider, &stored);
        if (rc != OK)
                return rc;
        if (!list || json_is_null(list))
                list = stored.webhook_allowed_ips;
        if (json_is_array(list) && json_array_size(list) == 0)
                list = NULL;
        return list ? OK : ctx_fail(ctx, ERR_INVALID, SWITCH " needs addresses in " LIST);
}

enum err provider_advanced_update(struct ctx *ctx, const char *provider, const json_t *patch)
{
        CLEANUP(json_decrefp) json_t *settings = json_copy((json_t *)(uintptr_t)patch);
        const json_t *given = json_object_get(patch, SWITCH);
        enum err rc;

        if (!settings)
                return ctx_nomem(ctx);
        rc = check_names(ctx, patch);
        if (rc == OK && given && !json_is_null(given)) {
                if (!json_is_boolean(given))
                        return ctx_fail(ctx, ERR_INVALID, SWITCH " must be true or false");
                rc = apply_switch(ctx, provider, json_is_true(given), settings);
        }
        if (rc != OK)
                return rc;
        json_object_del(settings, SWITCH);
        return provider_settings_update(ctx, provider, settings);
}
