#include "core/cloud/provider/provider_token.h"

#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/secrets/secrets.h"

#define TOKEN_MAX 512
#define BLANKS    " \t\r\n"

enum err provider_token_check(struct ctx *ctx, const struct provider *provider, const char *field,
                              const char *token, struct secret *ret_token)
{
        const char *trimmed = token + strspn(token, BLANKS), *prefix = provider->token_prefix;
        size_t len = strcspn(trimmed, BLANKS);
        const char *copy;

        if (len == 0)
                return ctx_fail(ctx, ERR_INVALID, "%s: Token cannot be empty", field);
        if (trimmed[len + strspn(trimmed + len, BLANKS)] != '\0' || len > TOKEN_MAX)
                return ctx_fail(ctx, ERR_INVALID, "%s must be one word of at most %d characters",
                                field, TOKEN_MAX);
        for (size_t i = 0; i < len; i++) {
                if (trimmed[i] <= ' ' || trimmed[i] > '~')
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s must have printable ASCII characters only", field);
        }
        if (prefix && strncmp(trimmed, prefix, strlen(prefix)) != 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "%s: Invalid token format. %s tokens start with '%s'", field,
                                provider->name, prefix);
        copy = arena_strndup(ctx->arena, trimmed, len);
        if (!copy)
                return ctx_nomem(ctx);
        *ret_token = (struct secret){ .bytes = copy, .len = len };
        return OK;
}

/* The file is no part of the transaction: what it holds is told after it is there. */
static enum err note_change(struct ctx *ctx, const struct provider *provider, const char *action)
{
        CLEANUP(json_decrefp) json_t *details = json_pack("{s:[s]}", "changed", "api_token");
        const struct audit_entry entry = {
                .event_type = "provider.configured",
                .target_type = "provider",
                .target_id = provider->id,
                .action = action,
                .details = details,
        };

        return details ? audit_note(ctx, &entry) : ctx_nomem(ctx);
}

enum err provider_token_save(struct ctx *ctx, const char *id, const char *token,
                             const char **ret_problem)
{
        struct provider_session session;
        struct provider_account account;
        enum err rc;

        rc = provider_open(ctx, id, &session);
        if (rc == OK)
                rc = provider_token_check(ctx, session.provider, "api_token", token,
                                          &session.token);
        if (rc == OK)
                rc = secrets_put(ctx, session.provider->token_name, session.token.bytes);
        if (rc == OK)
                rc = note_change(ctx, session.provider, "Saved the provider's token");
        if (rc != OK)
                return rc;

        session.token_is_owners = false;
        rc = session.provider->validate(ctx, &session, &account);
        if (rc == OK) {
                *ret_problem = NULL;
                return OK;
        }
        *ret_problem =
                arena_printf(ctx->arena, "Token saved but validation failed: %s", ctx->detail);
        return *ret_problem ? OK : ctx_nomem(ctx);
}

enum err provider_token_delete(struct ctx *ctx, const char *id)
{
        const struct provider *provider;
        enum err rc;

        rc = provider_find(ctx, id, &provider);
        if (rc == OK)
                rc = secrets_delete(ctx, provider->token_name);
        if (rc == OK)
                rc = note_change(ctx, provider, "Removed the provider's token");
        return rc;
}
