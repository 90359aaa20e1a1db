/* simpletuner-cloud user show: all that is known about a user. */
#include "core/cron/command.h"
#include "core/cron/user_print.h"

enum err cmd_user_show(struct ctx *ctx, const struct command_options *options)
{
        struct user_view view;
        int64_t user_id;
        enum err rc = user_find(ctx, options->operand, &user_id);

        if (rc == OK)
                rc = user_view_load(ctx, user_id, &view);
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                user_print_json(&out.json, &view);
        } else {
                user_print(&view);
        }
        return OK;
}
