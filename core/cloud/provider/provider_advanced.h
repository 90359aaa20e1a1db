/* The network part of a provider's settings, as the panel "Advanced Configuration" shows it: six
 * fields, five of them settings under their own names, and the switch of the allowlist. */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_ADVANCED_H
#define CORE_CLOUD_PROVIDER_PROVIDER_ADVANCED_H

#include "core/base/fields.h"
#include "core/cloud/provider/provider_settings.h"

/* What a body may have. */
extern const struct field_table provider_advanced_fields;

/* Change them, by the rules of provider_settings_update. webhook_ip_allowlist_enabled: false
 * empties the allowlist, true wants one that is not empty. ERR_INVALID names the field. */
NODISCARD enum err provider_advanced_update(struct ctx *ctx, const char *provider,
                                            const json_t *patch);

#endif
