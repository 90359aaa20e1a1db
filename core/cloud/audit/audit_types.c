#include "core/cloud/audit/audit_types.h"

#include <string.h>

#define SECURITY     "security."
#define LOGIN_FAILED "auth.login.failed"

/* clang-format off */
static const struct audit_type types[] = {
        { "auth.login.success",            "Login" },
        { LOGIN_FAILED,                    "Login refused" },
        { "auth.logout",                   "Logout" },
        { "auth.session.expired",          "Session expired" },
        { "auth.api_key.used",             "API key used" },
        { "user.created",                  "User created" },
        { "user.updated",                  "User updated" },
        { "user.deleted",                  "User deleted" },
        { "user.password.changed",         "Password changed" },
        { "user.provider.changed",         "Login of a user changed" },
        { "user.level.changed",            "User level changed" },
        { "user.permission.changed",       "User permission changed" },
        { "level.created",                 "Level created" },
        { "level.updated",                 "Level updated" },
        { "level.deleted",                 "Level deleted" },
        { "resource_rule.created",         "Resource rule created" },
        { "resource_rule.updated",         "Resource rule updated" },
        { "resource_rule.deleted",         "Resource rule deleted" },
        { "resource_rule.level.changed",   "Resource rule of a level changed" },
        { "org.created",                   "Organization created" },
        { "org.updated",                   "Organization updated" },
        { "org.deleted",                   "Organization deleted" },
        { "org.member.added",              "Member added to an organization" },
        { "org.member.removed",            "Member removed from an organization" },
        { "team.created",                  "Team created" },
        { "team.updated",                  "Team updated" },
        { "team.deleted",                  "Team deleted" },
        { "team.member.added",             "Member added to a team" },
        { "team.member.removed",           "Member removed from a team" },
        { "api_key.created",               "API key created" },
        { "api_key.revoked",               "API key revoked" },
        { "credential.created",            "Credential saved" },
        { "credential.deleted",            "Credential deleted" },
        { "credential.used",               "Credential used" },
        { "s3_credential.created",         "S3 credential created" },
        { "s3_credential.revoked",         "S3 credential revoked" },
        { "secret.set",                    "Secret saved" },
        { "secret.deleted",                "Secret deleted" },
        { "key.rotated",                   "Key of secrets rotated" },
        { "job.submitted",                 "Job submitted" },
        { "job.cancelled",                 "Job cancelled" },
        { "job.deleted",                   "Job deleted" },
        { "job.approved",                  "Job approved" },
        { "job.rejected",                  "Job rejected" },
        { "job.approval_expired",          "Approval expired" },
        { "approval.rule_created",         "Approval rule created" },
        { "approval.rule_updated",         "Approval rule updated" },
        { "approval.rule_deleted",         "Approval rule deleted" },
        { "quota.exceeded",                "Quota exceeded" },
        { "quota.changed",                 "Quota changed" },
        { "config.changed",                "Configuration changed" },
        { "config.polling_changed",        "Polling switched" },
        { "config.data_consent_changed",   "Data consent changed" },
        { "database.migrated",             "Database migrated" },
        { "database.vacuumed",             "Database vacuumed" },
        { "provider.configured",           "Provider configured" },
        { "provider.breaker_reset",        "Circuit breaker reset" },
        { "storage.bucket_created",        "Bucket created" },
        { "storage.bucket_deleted",        "Bucket deleted" },
        { "webhook.replayed",              "Webhook applied again" },
        { "backup.created",                "Backup created" },
        { "backup.restored",               "Backup restored" },
        { "backup.deleted",                "Backup deleted" },
        { "audit.restarted",               "Audit log restarted" },
        { "security.permission_denied",    "Permission denied" },
        { "security.rate_limited",         "Rate limited" },
        { "security.suspicious",           "Suspicious" },
        { "security.webhook_rejected",     "Webhook rejected" },
};
/* clang-format on */

const struct audit_type *audit_type_at(size_t n)
{
        return n < ARRAY_SIZE(types) ? &types[n] : NULL;
}

bool audit_type_is_known(const char *value)
{
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                if (strcmp(types[i].value, value) == 0)
                        return true;
        }
        return false;
}

bool audit_type_is_security(const char *value)
{
        return value && (strcmp(value, LOGIN_FAILED) == 0 ||
                         strncmp(value, SECURITY, strlen(SECURITY)) == 0);
}

static enum err add_type(struct ctx *ctx, const char *name, size_t len, struct audit_filter *filter)
{
        unsigned n = 0;
        bool is_short = !memchr(name, '.', len);

        while (n < AUDIT_TYPES_MAX && filter->types[n])
                n++;
        if (len == 0 || n == AUDIT_TYPES_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "event_type must be 1 to %d types, separated by commas",
                                AUDIT_TYPES_MAX);
        filter->types[n] =
                arena_printf(ctx->arena, "%s%.*s", is_short ? SECURITY : "", (int)len, name);
        return filter->types[n] ? OK : ctx_nomem(ctx);
}

enum err audit_types_parse(struct ctx *ctx, const char *text, struct audit_filter *filter)
{
        enum err rc;

        for (;;) {
                size_t len = strcspn(text, ",");

                rc = add_type(ctx, text, len, filter);
                if (rc != OK || !text[len])
                        return rc;
                text += len + 1;
        }
}

void audit_types_security(struct audit_filter *filter)
{
        unsigned n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(types) && n < AUDIT_TYPES_MAX; i++) {
                if (audit_type_is_security(types[i].value))
                        filter->types[n++] = types[i].value;
        }
}
