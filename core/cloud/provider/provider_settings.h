/* A provider's settings: the fields an administrator may set, their rules, and how they are kept.
 * Stored as one JSON object per provider that holds only what was set. Fields and rules: operations
 * guide ("Webhook IP allowlist", "Proxy configuration", "Storage endpoint configuration"). */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_SETTINGS_H
#define CORE_CLOUD_PROVIDER_PROVIDER_SETTINGS_H

#include "core/base/fields.h"

struct provider_settings {
        const char *version_override, *webhook_url, *hardware_profile, *org_id, *api_base_url,
                *status_page_url;
        const json_t *preferences, *hardware_info;
        bool cost_limit_enabled;
        double cost_limit_amount;
        const char *cost_limit_period, *cost_limit_action;
        bool webhook_require_signature;
        const json_t *webhook_allowed_ips; /* NULL or empty: every address */
        bool ssl_verify;
        const char *ssl_ca_bundle, *proxy_url;
        double http_timeout; /* seconds; 0: not set */
        int64_t webhook_rate_limit_max, webhook_rate_limit_window;
        int64_t s3_rate_limit_max, s3_rate_limit_window;
        int64_t max_runtime_minutes; /* 0: not set */
        bool s3_endpoint_enabled;
        const char *s3_public_url;  /* without trailing slash; NULL: the service's own */
        const char *s3_output_path; /* absolute; NULL: $SIMPLETUNER_HOME/outputs */
};

/* What a body may have. */
extern const struct field_table provider_settings_fields;

/* The settings with their defaults filled in; everything lives in the arena. Faults. */
NODISCARD enum err provider_settings_load(struct ctx *ctx, const char *provider,
                                          struct provider_settings *ret);

/* Where a new bucket lives: {s3_output_path}/{job_id}, or {SIMPLETUNER_STORAGE_URL}/{job_id}. NULL:
 * out of memory. */
const char *provider_settings_bucket(struct ctx *ctx, const struct provider_settings *settings,
                                     const char *job_id);

/* The stored object as an administrator may see it: passwords in proxy_url masked. *ret is a new
 * reference. Faults. */
NODISCARD enum err provider_settings_view(struct ctx *ctx, const char *provider, json_t **ret);

/* Merge patch into the stored settings in one transaction, with the audit row: a missing or null
 * field is left alone, "" removes a setting. ERR_INVALID: the first bad field, nothing stored. */
NODISCARD enum err provider_settings_update(struct ctx *ctx, const char *provider,
                                            const json_t *patch);

#endif
