#include "core/cloud/provider/provider_settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/cloud.h"
#include "core/cloud/provider/provider.h"
#include "core/cloud/secrets/seal.h"
#include "core/cloud/storage/storage_limit.h"
#include "core/db/db.h"
#include "core/store/store_providers.h"

#define SETTINGS_TEXT_MAX 4096
#define PROFILE_MAX       64

static enum err check_amount(struct ctx *ctx, const char *name, const json_t *value)
{
        (void)name;
        if (json_number_value(value) < 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "cost_limit_amount: Cost limit amount must be non-negative");
        return OK;
}

static enum err check_hardware_info(struct ctx *ctx, const char *name, const json_t *value)
{
        const char *id;
        json_t *entry;

        json_object_foreach ((json_t *)(uintptr_t)value, id, entry) {
                const json_t *price = json_object_get(entry, "cost_per_second");
                const json_t *label = json_object_get(entry, "name");

                if (!*id || strlen(id) > PROFILE_MAX)
                        return ctx_fail(ctx, ERR_INVALID, "%s: an id must have 1 to %d characters",
                                        name, PROFILE_MAX);
                if (!json_is_object(entry))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s: Hardware info for '%.64s' must be a dict", name, id);
                if (!price)
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s: Hardware info for '%.64s' must include "
                                        "'cost_per_second'",
                                        name, id);
                if (!json_is_number(price) || !(json_number_value(price) >= 0))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s: cost_per_second for '%.64s' must be a non-negative "
                                        "number",
                                        name, id);
                if (label && !json_is_string(label))
                        return ctx_fail(ctx, ERR_INVALID, "%s: name for '%.64s' must be a string",
                                        name, id);
        }
        return OK;
}

static enum err check_ca_bundle(struct ctx *ctx, const char *name, const json_t *value)
{
        const char *path = json_string_value(value);
        struct stat st;

        if (*path != '/')
                return ctx_fail(ctx, ERR_INVALID, "%s must be an absolute path", name);
        if (stat(path, &st) != 0)
                return ctx_fail(ctx, ERR_INVALID, "%s: CA bundle path does not exist: %s", name,
                                path);
        if (!S_ISREG(st.st_mode))
                return ctx_fail(ctx, ERR_INVALID, "%s: CA bundle path is not a file: %s", name,
                                path);
        return OK;
}

/* http, https or SOCKS, with a host; a user and password may stand before it. */
static enum err check_proxy(struct ctx *ctx, const char *name, const json_t *value)
{
        static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
        const char *url = json_string_value(value);

        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
                const char *host = url + strlen(schemes[i]);
                const char *at;

                if (strncmp(url, schemes[i], strlen(schemes[i])) != 0)
                        continue;
                at = strrchr(host, '@');
                if (at)
                        host = at + 1;
                if (*host && !strpbrk(host, " \t\r\n") && *host != '/' && *host != ':')
                        return OK;
        }
        return ctx_fail(ctx, ERR_INVALID,
                        "%s must be an http, https, socks5 or socks5h URL with a host", name);
}

static enum err check_absolute(struct ctx *ctx, const char *name, const json_t *value)
{
        const char *path = json_string_value(value);

        size_t len = strlen(path);

        if (*path != '/' || strstr(path, "/../") || len > SETTINGS_TEXT_MAX / 2 ||
            (len >= 3 && strcmp(path + len - 3, "/..") == 0))
                return ctx_fail(ctx, ERR_INVALID, "%s must be an absolute path or start with ~/",
                                name);
        return OK;
}

static const char *const periods[] = { "daily", "weekly", "monthly", NULL };
static const char *const actions[] = { "warn", "block", NULL };

/* clang-format off */
static const struct field fields[] = {
        FIELD(struct provider_settings, version_override, FIELD_STRING, .max = 512),
        FIELD(struct provider_settings, webhook_url, FIELD_URL, .max = 2048),
        FIELD(struct provider_settings, preferences, FIELD_OBJECT),
        FIELD(struct provider_settings, cost_limit_enabled, FIELD_BOOL),
        FIELD(struct provider_settings, cost_limit_amount, FIELD_NUMBER, .min = -1e12, .max = 1e12, .check = check_amount),
        FIELD(struct provider_settings, cost_limit_period, FIELD_CHOICE, .choices = periods),
        FIELD(struct provider_settings, cost_limit_action, FIELD_CHOICE, .choices = actions),
        FIELD(struct provider_settings, hardware_info, FIELD_OBJECT, .check = check_hardware_info),
        FIELD(struct provider_settings, hardware_profile, FIELD_STRING, .max = PROFILE_MAX),
        FIELD(struct provider_settings, webhook_require_signature, FIELD_BOOL),
        FIELD(struct provider_settings, webhook_allowed_ips, FIELD_CIDR_LIST, .max = 256),
        FIELD(struct provider_settings, ssl_verify, FIELD_BOOL),
        FIELD(struct provider_settings, ssl_ca_bundle, FIELD_STRING, .max = SETTINGS_TEXT_MAX, .check = check_ca_bundle),
        FIELD(struct provider_settings, proxy_url, FIELD_STRING, .max = 2048, .check = check_proxy),
        FIELD(struct provider_settings, http_timeout, FIELD_NUMBER, .min = 0.1, .max = 600),
        FIELD(struct provider_settings, webhook_rate_limit_max, FIELD_INT, .min = 1, .max = 10000),
        FIELD(struct provider_settings, webhook_rate_limit_window, FIELD_INT, .min = 1, .max = 3600),
        FIELD(struct provider_settings, s3_rate_limit_max, FIELD_INT, .min = 1, .max = 10000),
        FIELD(struct provider_settings, s3_rate_limit_window, FIELD_INT, .min = 1, .max = 3600),
        FIELD(struct provider_settings, org_id, FIELD_STRING, .max = 256),
        FIELD(struct provider_settings, api_base_url, FIELD_URL, .max = 2048),
        FIELD(struct provider_settings, status_page_url, FIELD_URL, .max = 2048),
        FIELD(struct provider_settings, max_runtime_minutes, FIELD_INT, .min = 1, .max = 525600),
        FIELD(struct provider_settings, s3_endpoint_enabled, FIELD_BOOL),
        FIELD(struct provider_settings, s3_public_url, FIELD_URL, .max = 2048),
        FIELD(struct provider_settings, s3_output_path, FIELD_STRING, .max = SETTINGS_TEXT_MAX, .check = check_absolute),
};
const struct field_table provider_settings_fields = { fields, ARRAY_SIZE(fields) };
/* clang-format on */

/* "http://user:secret@host" becomes "http://user:***@host". ERR_NOMEM. */
static enum err mask_password(struct ctx *ctx, const char *url, const char **ret)
{
        const char *user = strstr(url, "://");
        const char *at = strrchr(url, '@');
        const char *colon = user ? strchr(user + 3, ':') : NULL;

        *ret = url;
        if (!at || !colon || colon > at)
                return OK;
        *ret = arena_printf(ctx->arena, "%.*s:***%s", (int)(colon - url), url, at);
        return *ret ? OK : ctx_nomem(ctx);
}

/* A proxy_url with a password is sealed where it is stored; one without is as it was given. */
static enum err proxy_place(struct ctx *ctx, const char *provider, const char **ret)
{
        *ret = arena_printf(ctx->arena, "providers.config.proxy_url/%s", provider);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err set_proxy(struct ctx *ctx, json_t *settings, const char *url)
{
        return json_object_set_new(settings, "proxy_url", json_string(url)) == 0 ? OK
                                                                                 : ctx_nomem(ctx);
}

static enum err open_proxy(struct ctx *ctx, const char *provider, json_t *settings)
{
        const char *stored = json_string_at(settings, "proxy_url"), *place;
        struct secret url;
        enum err rc;

        if (!stored || strstr(stored, "://"))
                return OK;
        rc = proxy_place(ctx, provider, &place);
        if (rc == OK)
                rc = seal_open(ctx, place, stored, &url);
        return rc == OK ? set_proxy(ctx, settings, url.bytes) : rc;
}

static enum err seal_proxy(struct ctx *ctx, const char *provider, json_t *settings)
{
        const char *url = json_string_at(settings, "proxy_url"), *place, *masked, *sealed;
        enum err rc = url ? mask_password(ctx, url, &masked) : OK;

        if (rc != OK || !url || masked == url)
                return rc;
        rc = proxy_place(ctx, provider, &place);
        if (rc == OK)
                rc = seal_text(ctx, place, (struct secret){ url, strlen(url) }, &sealed);
        return rc == OK ? set_proxy(ctx, settings, sealed) : rc;
}

static enum err read_sealed(struct ctx *ctx, const char *provider, json_t **ret)
{
        const char *text;
        enum err rc;

        rc = store_provider_get(ctx, provider, &text);
        if (rc != OK)
                return rc;
        rc = json_parse_object(ctx, "stored settings", text, strlen(text), ret);
        return rc == ERR_INVALID ? ERR_INTERNAL : rc;
}

static enum err read_stored(struct ctx *ctx, const char *provider, json_t **ret)
{
        CLEANUP(json_decrefp) json_t *settings = NULL;
        enum err rc = read_sealed(ctx, provider, &settings);

        if (rc == OK)
                rc = open_proxy(ctx, provider, settings);
        if (rc == OK)
                *ret = TAKE(settings);
        return rc;
}

/* As it is before a change. When its proxy cannot be opened any more, another may take its place.
 */
static enum err read_to_change(struct ctx *ctx, const char *provider, const json_t *patch,
                               json_t **ret)
{
        CLEANUP(json_decrefp) json_t *settings = NULL;
        enum err rc = read_sealed(ctx, provider, &settings);

        if (rc == OK)
                rc = open_proxy(ctx, provider, settings);
        if (rc == ERR_UNAVAILABLE && settings && json_string_at(patch, "proxy_url")) {
                json_object_del(settings, "proxy_url");
                rc = OK;
        }
        if (rc == OK)
                *ret = TAKE(settings);
        return rc;
}

enum err provider_settings_load(struct ctx *ctx, const char *provider,
                                struct provider_settings *ret)
{
        struct provider_settings settings = {
                .cost_limit_period = "monthly",
                .cost_limit_action = "warn",
                .webhook_require_signature = true,
                .ssl_verify = ctx->config->ssl_verify,
                .s3_endpoint_enabled = true,
        };
        json_t *stored = NULL;
        enum err rc;

        rc = read_stored(ctx, provider, &stored);
        if (rc != OK)
                return rc;
        rc = json_keep(ctx, stored);
        if (rc == OK)
                rc = fields_decode(ctx, fields, ARRAY_SIZE(fields), stored, &settings);
        if (rc == OK)
                *ret = settings;
        return rc == ERR_INVALID ? ERR_INTERNAL : rc;
}

const char *provider_settings_bucket(struct ctx *ctx, const struct provider_settings *settings,
                                     const char *job_id)
{
        const char *root = settings->s3_output_path;

        if (*ctx->config->storage_url)
                return arena_printf(ctx->arena, "%s/%s", ctx->config->storage_url, job_id);
        return root ? arena_printf(ctx->arena, "%s/%s", root, job_id)
                    : arena_printf(ctx->arena, "%s/outputs/%s", ctx->config->home, job_id);
}

enum err provider_settings_view(struct ctx *ctx, const char *provider, json_t **ret)
{
        CLEANUP(json_decrefp) json_t *view = NULL;
        const char *proxy, *masked;
        enum err rc;

        rc = read_stored(ctx, provider, &view);
        if (rc != OK)
                return rc;
        proxy = json_string_at(view, "proxy_url");
        if (proxy) {
                rc = mask_password(ctx, proxy, &masked);
                if (rc != OK)
                        return rc;
                if (json_object_set_new(view, "proxy_url", json_string(masked)) != 0)
                        return ctx_nomem(ctx);
        }
        *ret = TAKE(view);
        return OK;
}

/* The stored form of a given text: trimmed, ~ expanded, no trailing slash. */
static enum err normalise_text(struct ctx *ctx, const char *name, const char *text,
                               const char **ret)
{
        size_t start = strspn(text, " \t\r\n"), len = strlen(text);
        const char *home = "";
        char *value;

        while (len > start && strchr(" \t\r\n", text[len - 1]))
                len--;
        if (strcmp(name, "ssl_ca_bundle") == 0 || strcmp(name, "s3_output_path") == 0) {
                if (strncmp(text + start, "~/", 2) == 0) {
                        home = ctx->config->user_home;
                        start++;
                }
        }
        value = arena_printf(ctx->arena, "%s%.*s", home, (int)(len - start), text + start);
        if (!value)
                return ctx_nomem(ctx);
        if (strcmp(name, "api_base_url") == 0 || strcmp(name, "s3_public_url") == 0 ||
            strcmp(name, "s3_output_path") == 0) {
                for (len = strlen(value); len > 1 && value[len - 1] == '/'; len--)
                        value[len - 1] = '\0';
        }
        *ret = value;
        return OK;
}

/* Put one given field into the merged object; "" and a time-out of 0 or less take it out. */
static enum err merge_field(struct ctx *ctx, json_t *merged, const char *name, json_t *value)
{
        const char *text = json_string_value(value), *masked = NULL;
        const char *old_proxy = json_string_at(merged, "proxy_url");
        enum err rc;

        if (strcmp(name, "http_timeout") == 0 && json_is_number(value) &&
            json_number_value(value) <= 0) {
                json_object_del(merged, name);
                return OK;
        }
        if (!text)
                return json_object_set(merged, name, value) == 0 ? OK : ctx_nomem(ctx);
        rc = normalise_text(ctx, name, text, &text);
        if (rc != OK)
                return rc;
        if (!*text) {
                json_object_del(merged, name);
                return OK;
        }
        if (strcmp(name, "proxy_url") == 0 && old_proxy) {
                rc = mask_password(ctx, old_proxy, &masked);
                if (rc != OK || strcmp(masked, text) == 0)
                        return rc; /* our own masked form sent back: leave the password alone */
        }
        return json_object_set_new(merged, name, json_string(text)) == 0 ? OK : ctx_nomem(ctx);
}

/* The patch with its texts in stored form, checked against the table; removals are left out. */
static enum err check_patch(struct ctx *ctx, const json_t *patch)
{
        CLEANUP(json_decrefp) json_t *given = json_object();
        const char *name;
        json_t *value;

        if (!given)
                return ctx_nomem(ctx);
        json_object_foreach ((json_t *)(uintptr_t)patch, name, value) {
                bool known = false;
                enum err rc;

                for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                        known = known || strcmp(fields[i].name, name) == 0;
                rc = known ? merge_field(ctx, given, name, value)
                     : json_object_set(given, name, value) == 0 ? OK
                                                                : ctx_nomem(ctx);
                if (rc != OK)
                        return rc;
        }
        return fields_check(ctx, fields, ARRAY_SIZE(fields), given);
}

/* The profile must be one the provider has, and is stored under its own id. */
static enum err settle_profile(struct ctx *ctx, const struct provider *provider, json_t *merged)
{
        const char *name = json_string_at(merged, "hardware_profile");
        struct hardware hardware;
        enum err rc;

        if (!name)
                return OK;
        rc = provider->hardware_find(ctx, json_object_get(merged, "hardware_info"), name,
                                     &hardware);
        if (rc != OK)
                return rc;
        return json_object_set_new(merged, "hardware_profile", json_string(hardware.profile)) == 0
                       ? OK
                       : ctx_nomem(ctx);
}

static enum err merge(struct ctx *ctx, const struct provider *provider, const json_t *patch,
                      json_t *merged)
{
        const char *name;
        json_t *value;

        json_object_foreach ((json_t *)(uintptr_t)patch, name, value) {
                enum err rc = json_is_null(value) ? OK : merge_field(ctx, merged, name, value);

                if (rc != OK)
                        return rc;
        }
        return settle_profile(ctx, provider, merged);
}

/* Which fields were given; their values may be secret. */
static enum err note_change(struct ctx *ctx, const char *provider, const json_t *patch)
{
        CLEANUP(json_decrefp) json_t *details = json_pack("{s:[]}", "changed");
        const struct audit_entry entry = {
                .event_type = "provider.configured",
                .target_type = "provider",
                .target_id = provider,
                .action = "Changed the provider's settings",
                .details = details,
        };
        const char *name;
        json_t *value;

        json_object_foreach ((json_t *)(uintptr_t)patch, name, value) {
                if (!json_is_null(value) &&
                    json_array_append_new(json_object_get(details, "changed"), json_string(name)) !=
                            0)
                        return ctx_nomem(ctx);
        }
        if (!details)
                return ctx_nomem(ctx);
        return json_array_size(json_object_get(details, "changed")) > 0 ? audit_add(ctx, &entry)
                                                                        : OK;
}

enum err provider_settings_update(struct ctx *ctx, const char *provider_id, const json_t *patch)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(json_decrefp) json_t *merged = NULL;
        const struct provider *provider;
        const char *text;
        enum err rc;

        rc = provider_find(ctx, provider_id, &provider);
        if (rc == OK)
                rc = check_patch(ctx, patch);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, provider->id);
        if (rc == OK)
                rc = read_to_change(ctx, provider->id, patch, &merged);
        if (rc == OK)
                rc = merge(ctx, provider, patch, merged);
        if (rc == OK)
                rc = seal_proxy(ctx, provider->id, merged);
        if (rc == OK)
                rc = json_text(ctx, merged, &text);
        if (rc == OK)
                rc = store_provider_put(ctx, provider->id, text);
        if (rc == OK)
                rc = note_change(ctx, provider->id, patch);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && ctx->cloud && ctx->cloud->storage_limits)
                storage_limits_forget(ctx->cloud->storage_limits);
        return rc;
}
