/* simpletuner-cloud user activate, user deactivate: let a user in again, or keep one out. */
#include "core/cloud/auth/user_change.h"
#include "core/cron/command.h"
#include "core/cron/user_print.h"

static enum err set_active(struct ctx *ctx, const struct command_options *options, bool active)
{
        const struct user_patch patch = { .is_active = &active };
        int64_t user_id;
        enum err rc = user_find(ctx, options->operand, &user_id);

        if (rc == OK)
                rc = user_update(ctx, user_id, &patch);
        return rc == OK ? user_print_result(ctx, options, user_id) : rc;
}

enum err cmd_user_activate(struct ctx *ctx, const struct command_options *options)
{
        return set_active(ctx, options, true);
}

enum err cmd_user_deactivate(struct ctx *ctx, const struct command_options *options)
{
        return set_active(ctx, options, false);
}
