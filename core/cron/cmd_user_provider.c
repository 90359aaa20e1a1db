/* simpletuner-cloud user remote, user local: leave a user to the front server, or take one back. */
#include "core/cloud/auth/user_provider.h"
#include "core/cron/command.h"
#include "core/cron/user_print.h"

static enum err set_provider(struct ctx *ctx, const struct command_options *options,
                             const char *provider)
{
        int64_t user_id;
        enum err rc = user_find(ctx, options->operand, &user_id);

        if (rc == OK)
                rc = user_set_provider(ctx, user_id, provider);
        return rc == OK ? user_print_result(ctx, options, user_id) : rc;
}

enum err cmd_user_remote(struct ctx *ctx, const struct command_options *options)
{
        return set_provider(ctx, options, USER_REMOTE);
}

enum err cmd_user_local(struct ctx *ctx, const struct command_options *options)
{
        return set_provider(ctx, options, USER_LOCAL);
}
