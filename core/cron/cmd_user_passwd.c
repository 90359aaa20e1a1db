/* simpletuner-cloud user passwd: set the password of a user. */
#include <stdio.h>

#include "core/cloud/auth/user_change.h"
#include "core/cron/user_password.h"

static void print(const struct command_options *options, const char *made)
{
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_string(&out.json, "username", options->operand);
                jsonw_bool(&out.json, "changed", true);
                jsonw_string(&out.json, "password", made);
                return;
        }
        printf("The password of %s is changed.\n", options->operand);
        if (made)
                printf("password  %s\nThe password is not shown again.\n", made);
}

enum err cmd_user_passwd(struct ctx *ctx, const struct command_options *options)
{
        struct user_password password;
        struct user_patch patch = { 0 };
        int64_t user_id;
        enum err rc = user_find(ctx, options->operand, &user_id);

        if (rc == OK)
                rc = user_password_take(ctx, options, &password);
        if (rc != OK)
                return rc;
        patch.password_hash = password.hash;
        rc = user_update(ctx, user_id, &patch);
        if (rc == OK)
                print(options, password.made);
        return rc;
}
