/* simpletuner-cloud user add: make a user. */
#include <stdio.h>
#include <string.h>

#include "core/cron/user_password.h"
#include "core/cron/user_print.h"

#define LEVELS_MAX 50

/* Names between commas. */
static enum err read_levels(struct ctx *ctx, const struct command_options *options,
                            const char *const **ret)
{
        const char *list = options->level   ? options->level
                           : options->admin ? "admin"
                                            : USER_LEVEL_DEFAULT;
        const char **names = arena_alloc(ctx->arena, (LEVELS_MAX + 1) * sizeof(*names));
        size_t count = 0;

        if (!names)
                return ctx_nomem(ctx);
        while (*list && count < LEVELS_MAX) {
                const size_t len = strcspn(list, ",");

                names[count] = arena_strndup(ctx->arena, list, len);
                if (!names[count++])
                        return ctx_nomem(ctx);
                list += len + (list[len] == ',');
        }
        *ret = names;
        return OK;
}

static enum err print(struct ctx *ctx, const struct command_options *options, int64_t user_id,
                      const char *password)
{
        struct user_view view;
        enum err rc = user_view_load(ctx, user_id, &view);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                user_print_json(&out.json, &view);
                jsonw_string(&out.json, "password", password);
                return OK;
        }
        user_print_line(&view);
        if (password)
                printf("password  %s\nThe password is not shown again.\n", password);
        return OK;
}

enum err cmd_user_add(struct ctx *ctx, const struct command_options *options)
{
        struct user_given given = { .username = options->operand,
                                    .email = options->email,
                                    .display_name = options->display_name,
                                    .is_admin = options->admin };
        struct user_password password = { 0 };
        int64_t user_id;
        enum err rc = user_given_check(ctx, &given);

        if (rc == OK && options->no_password && options->password_stdin)
                return ctx_fail(ctx, ERR_INVALID,
                                "--no-password and --password-stdin cannot be given together");
        if (rc == OK)
                rc = read_levels(ctx, options, &given.level_names);
        if (rc == OK && !options->no_password)
                rc = user_password_take(ctx, options, &password);
        given.password_hash = password.hash;
        if (rc == OK)
                rc = user_create(ctx, &given, &user_id);
        return rc == OK ? print(ctx, options, user_id, password.made) : rc;
}
