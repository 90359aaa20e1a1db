/* simpletuner-cloud s3-credential revoke: end one. */
#include <stdio.h>

#include "core/cloud/s3/s3_credential.h"
#include "core/cron/command.h"

enum err cmd_s3_credential_revoke(struct ctx *ctx, const struct command_options *options)
{
        enum err rc = s3_credential_revoke(ctx, options->operand);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_string(&out.json, "access_key_id", options->operand);
                jsonw_bool(&out.json, "revoked", true);
        } else {
                printf("%s is revoked\n", options->operand);
        }
        return OK;
}
