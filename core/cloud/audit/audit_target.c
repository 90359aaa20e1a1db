#include "core/cloud/audit/audit_target.h"

#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/syslog_client.h"
#include "core/cloud/secrets/seal.h"
#include "core/db/db.h"
#include "core/store/store_audit_forward.h"
#include "core/store/store_preferences.h"

#define PREFERENCE  "audit.export"
#define TOKEN_PLACE "preferences.audit.export/auth_token"
#define URL_MAX     2048
#define TOKEN_MAX   4096

struct patch {
        const char *format, *webhook_url, *auth_token, *syslog_url;
        bool security_only;
};

static enum err check_webhook(struct ctx *ctx, const char *name, const json_t *value)
{
        const char *url = json_string_value(value);

        if (*url && !fields_is_url(url))
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must be an http or https URL without user and password", name);
        return OK;
}

static enum err check_syslog(struct ctx *ctx, const char *name, const json_t *value)
{
        const char *url = json_string_value(value);

        if (*url && !syslog_url_is_good(url))
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must be udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH",
                                name);
        return OK;
}

static enum err check_token(struct ctx *ctx, const char *name, const json_t *value)
{
        for (const char *c = json_string_value(value); *c; c++) {
                if (*c < ' ' || *c > '~')
                        return ctx_fail(ctx, ERR_INVALID, "%s must be printable ASCII", name);
        }
        return OK;
}

static const struct field fields[] = {
        FIELD(struct patch, format, FIELD_CHOICE, .choices = audit_format_choices),
        FIELD(struct patch, webhook_url, FIELD_STRING, .max = URL_MAX, .check = check_webhook),
        FIELD(struct patch, auth_token, FIELD_STRING, .max = TOKEN_MAX, .check = check_token),
        FIELD(struct patch, syslog_url, FIELD_STRING, .max = URL_MAX, .check = check_syslog),
        FIELD(struct patch, security_only, FIELD_BOOL),
};
const struct field_table audit_target_fields = { fields, ARRAY_SIZE(fields) };

static const char *or_null(const char *text)
{
        return text && *text ? text : NULL;
}

enum err audit_target_load(struct ctx *ctx, struct audit_target *ret)
{
        const char *text = NULL;
        json_t *stored = NULL;
        enum err rc = store_preference_get(ctx, PREFERENCE, &text);

        *ret = (struct audit_target){ .format = AUDIT_JSON };
        if (rc == ERR_NOT_FOUND)
                return OK;
        if (rc == OK)
                rc = json_parse_object(ctx, PREFERENCE, text, strlen(text), &stored);
        if (rc == OK)
                rc = json_keep(ctx, stored);
        if (rc != OK)
                return rc == ERR_INVALID ? ERR_INTERNAL : rc;
        if (!audit_format_parse(json_string_at(stored, "format"), &ret->format))
                ret->format = AUDIT_JSON;
        ret->webhook_url = or_null(json_string_at(stored, "webhook_url"));
        ret->sealed_token = or_null(json_string_at(stored, "auth_token"));
        ret->syslog_url = or_null(json_string_at(stored, "syslog_url"));
        ret->security_only = json_is_true(json_object_get(stored, "security_only"));
        return OK;
}

enum err audit_target_authorization(struct ctx *ctx, const struct audit_target *target,
                                    const char **ret)
{
        struct secret token;
        const char *scheme = "ApiKey ";
        enum err rc;

        *ret = NULL;
        if (!target->sealed_token)
                return OK;
        rc = seal_open(ctx, TOKEN_PLACE, target->sealed_token, &token);
        if (rc != OK)
                return rc;
        if (strncmp(token.bytes, "ApiKey ", 7) == 0 || strncmp(token.bytes, "Bearer ", 7) == 0)
                scheme = "";
        *ret = arena_printf(ctx->arena, "%s%s", scheme, token.bytes);
        return *ret ? OK : ctx_nomem(ctx);
}

static bool differs(const char *a, const char *b)
{
        return strcmp(a ? a : "", b ? b : "") != 0;
}

/* What patch names goes into target, and its name into changed if that makes a difference. */
static enum err apply(struct ctx *ctx, const struct patch *patch, struct audit_target *target,
                      json_t *changed)
{
        enum err rc = OK;

        if (patch->webhook_url && differs(patch->webhook_url, target->webhook_url)) {
                target->webhook_url = or_null(patch->webhook_url);
                target->sealed_token = NULL; /* it was for the other */
                json_array_append_new(changed, json_string("webhook_url"));
        }
        if (patch->auth_token) {
                target->sealed_token = NULL;
                json_array_append_new(changed, json_string("auth_token"));
        }
        if (patch->auth_token && *patch->auth_token)
                rc = seal_text(ctx, TOKEN_PLACE,
                               (struct secret){ patch->auth_token, strlen(patch->auth_token) },
                               &target->sealed_token);
        if (patch->syslog_url && differs(patch->syslog_url, target->syslog_url)) {
                target->syslog_url = or_null(patch->syslog_url);
                json_array_append_new(changed, json_string("syslog_url"));
        }
        if (patch->format && differs(patch->format, audit_format_choices[target->format])) {
                (void)audit_format_parse(patch->format, &target->format);
                json_array_append_new(changed, json_string("format"));
        }
        if (patch->security_only != target->security_only) {
                target->security_only = patch->security_only;
                json_array_append_new(changed, json_string("security_only"));
        }
        return rc;
}

static enum err store(struct ctx *ctx, const struct audit_target *target)
{
        CLEANUP(json_decrefp)
        json_t *stored = json_pack(
                "{s:s, s:s?, s:s?, s:s?, s:b}", "format", audit_format_choices[target->format],
                "webhook_url", target->webhook_url, "auth_token", target->sealed_token,
                "syslog_url", target->syslog_url, "security_only", target->security_only);
        const char *text;
        enum err rc;

        if (!stored)
                return ctx_nomem(ctx);
        rc = json_text(ctx, stored, &text);
        return rc == OK ? store_preference_put(ctx, PREFERENCE, text) : rc;
}

static enum err set_cursor(struct ctx *ctx, const char *name, bool wanted)
{
        return wanted ? store_audit_cursor_begin(ctx, name) : store_audit_cursor_end(ctx, name);
}

/* With the cursors and the audit row, inside a transaction. */
static enum err write_change(struct ctx *ctx, const struct audit_target *target, json_t *changed)
{
        CLEANUP(json_decrefp) json_t *details = json_pack("{s:O}", "changed", changed);
        const struct audit_entry entry = {
                .event_type = "config.changed",
                .target_type = "preference",
                .target_id = PREFERENCE,
                .action = "Where the audit log is forwarded to was changed",
                .details = details,
        };
        enum err rc;

        if (!details)
                return ctx_nomem(ctx);
        rc = store(ctx, target);
        if (rc == OK)
                rc = set_cursor(ctx, AUDIT_TO_WEBHOOK, target->webhook_url);
        if (rc == OK)
                rc = set_cursor(ctx, AUDIT_TO_SYSLOG, target->syslog_url);
        return rc == OK ? audit_add(ctx, &entry) : rc;
}

static enum err change(struct ctx *ctx, const json_t *body, struct audit_target *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        CLEANUP(json_decrefp) json_t *changed = json_array();
        struct audit_target target;
        struct patch patch = { 0 };
        enum err rc;

        if (!changed)
                return ctx_nomem(ctx);
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, PREFERENCE);
        if (rc == OK)
                rc = audit_target_load(ctx, &target);
        if (rc != OK)
                return rc;
        patch.security_only = target.security_only;
        rc = fields_decode(ctx, fields, ARRAY_SIZE(fields), body, &patch);
        if (rc == OK)
                rc = apply(ctx, &patch, &target, changed);
        if (rc == OK && json_array_size(changed) > 0)
                rc = write_change(ctx, &target, changed);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = target;
        return rc;
}

enum err audit_target_update(struct ctx *ctx, const json_t *patch, struct audit_target *ret)
{
        enum err rc = fields_check(ctx, fields, ARRAY_SIZE(fields), patch);

        return rc == OK ? change(ctx, patch, ret) : rc;
}
