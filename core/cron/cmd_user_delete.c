/* simpletuner-cloud user delete: delete a user for good. */
#include <stdio.h>

#include "core/cloud/auth/user_change.h"
#include "core/cron/command.h"

enum err cmd_user_delete(struct ctx *ctx, const struct command_options *options)
{
        int64_t user_id;
        enum err rc = user_find(ctx, options->operand, &user_id);

        if (rc == OK)
                rc = user_delete(ctx, user_id);
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_string(&out.json, "username", options->operand);
                jsonw_bool(&out.json, "deleted", true);
        } else {
                printf("%s is deleted\n", options->operand);
        }
        return OK;
}
