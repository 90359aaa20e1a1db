/* Secrets of the process environment and the env file: "api-token" is API_TOKEN there. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/secrets/secret_source.h"

static bool always(struct ctx *ctx)
{
        (void)ctx;
        return true;
}

static enum err get(struct ctx *ctx, const char *name, const char **ret)
{
        char *variable = arena_strdup(ctx->arena, name);
        const char *value;

        if (!variable)
                return ctx_nomem(ctx);
        for (char *c = variable; *c; c++) {
                if (*c == '-' || *c == '.')
                        *c = '_';
                else if (*c >= 'a' && *c <= 'z')
                        *c = (char)(*c - 'a' + 'A');
        }
        value = config_secret(ctx->config, variable);
        return value ? ctx_strdup(ctx, value, ret) : ERR_NOT_FOUND;
}

const struct secret_source secret_env = {
        .name = "environment",
        .configured = always,
        .get = get,
};
