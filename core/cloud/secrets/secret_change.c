#include "core/cloud/secrets/secret_change.h"

#include <string.h>

#include "core/base/utf8.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/cloud.h"
#include "core/cloud/secrets/secret_file.h"
#include "core/cloud/secrets/secrets.h"
#include "core/db/db.h"

enum err secret_check_name(struct ctx *ctx, const char *name)
{
        static const char allowed[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
        const size_t len = strlen(name);

        if (len > 0 && len <= SECRET_NAME_MAX && strspn(name, allowed) == len && *name != '.')
                return OK;
        return ctx_fail(ctx, ERR_INVALID,
                        "NAME must be 1 to %d letters, digits and _ . - and not begin with a dot",
                        SECRET_NAME_MAX);
}

static enum err check_value(struct ctx *ctx, const char *value)
{
        if (!*value || strlen(value) > SECRET_VALUE_MAX || !utf8_is_valid(value))
                return ctx_fail(ctx, ERR_INVALID,
                                "the value must be text in UTF-8 of 1 to %zu bytes",
                                SECRET_VALUE_MAX);
        return OK;
}

/* The entry is in the log when the file has changed: a crash in between may lose both, or the entry
 * of what can be done again. */
static enum err change(struct ctx *ctx, const char *name, const char *value)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = value ? "secret.set" : "secret.deleted",
                .target_type = "secret",
                .target_id = name,
                .action = value ? "Saved a secret" : "Deleted a secret",
        };
        bool was = false;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = audit_add(ctx, &entry);
        if (rc == OK)
                rc = secret_store_put(ctx, secrets_store(ctx->cloud->secrets), name, value, &was);
        if (rc == OK && !value && !was)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s is not in %s", name,
                                secrets_path(ctx->cloud->secrets));
        return rc == OK ? db_commit(&tx) : rc;
}

enum err secret_set(struct ctx *ctx, const char *name, const char *value)
{
        enum err rc = secret_check_name(ctx, name);

        if (rc == OK)
                rc = check_value(ctx, value);
        return rc == OK ? change(ctx, name, value) : rc;
}

enum err secret_remove(struct ctx *ctx, const char *name)
{
        enum err rc = secret_check_name(ctx, name);

        return rc == OK ? change(ctx, name, NULL) : rc;
}
