/* simpletuner-cloud user level: give a user a level, or take one away. */
#include "core/cloud/auth/user_change.h"
#include "core/cron/command.h"
#include "core/cron/user_print.h"

enum err cmd_user_level(struct ctx *ctx, const struct command_options *options)
{
        int64_t user_id;
        enum err rc;

        if (!options->add && !options->remove)
                return ctx_fail(ctx, ERR_INVALID, "--add LEVEL or --remove LEVEL must be given");
        rc = user_find(ctx, options->operand, &user_id);
        if (rc == OK && options->add)
                rc = user_add_level(ctx, user_id, options->add);
        if (rc == OK && options->remove)
                rc = user_remove_level(ctx, user_id, options->remove);
        return rc == OK ? user_print_result(ctx, options, user_id) : rc;
}
