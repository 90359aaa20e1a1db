/* Where the audit log is forwarded to, as an administrator has set it. Kept as one preference; the
 * token is sealed and never given out. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_TARGET_H
#define CORE_CLOUD_AUDIT_AUDIT_TARGET_H

#include <stdbool.h>

#include "core/base/fields.h"
#include "core/cloud/audit/audit_format.h"

/* Their names in the table of cursors. */
#define AUDIT_TO_WEBHOOK "webhook"
#define AUDIT_TO_SYSLOG  "syslog"

struct audit_target {
        enum audit_format format; /* of exports that name none, and of syslog messages */
        const char *webhook_url;  /* NULL: none */
        const char *sealed_token; /* NULL: none */
        const char *syslog_url;   /* NULL: none */
        bool security_only;       /* forward only what concerns security */
};

/* In the arena; the defaults when nothing was set. Faults. */
NODISCARD enum err audit_target_load(struct ctx *ctx, struct audit_target *ret);

/* The value of Authorization for the webhook, in the arena: the token as it is when it begins with
 * "ApiKey " or "Bearer ", else after "ApiKey ". NULL: there is no token. Faults. */
NODISCARD enum err audit_target_authorization(struct ctx *ctx, const struct audit_target *target,
                                              const char **ret);

/* What a body may have. */
extern const struct field_table audit_target_fields;

/* Change what patch names: format, webhook_url, auth_token, syslog_url, security_only; null leaves
 * a setting, "" removes it. Another webhook_url forgets the token unless one comes with it. With
 * the audit row, in one transaction; forwarding begins with what is written from then on.
 * ERR_INVALID names the field. */
NODISCARD enum err audit_target_update(struct ctx *ctx, const json_t *patch,
                                       struct audit_target *ret);

#endif
