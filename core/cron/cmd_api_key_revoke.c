/* simpletuner-cloud api-key revoke: end one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/auth/api_key.h"
#include "core/cron/command.h"

enum err cmd_api_key_revoke(struct ctx *ctx, const struct command_options *options)
{
        const char *text = options->operand;
        const size_t len = strlen(text);
        enum err rc;

        if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
                return ctx_fail(ctx, ERR_NOT_FOUND, "API key %.64s not found: ID is a number",
                                text);
        rc = api_key_revoke(ctx, strtoll(text, NULL, 10));
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_string(&out.json, "id", text);
                jsonw_bool(&out.json, "revoked", true);
        } else {
                printf("API key %s is revoked\n", text);
        }
        return OK;
}
