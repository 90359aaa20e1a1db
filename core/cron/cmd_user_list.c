/* simpletuner-cloud user list: a line for each user. */
#include "core/cron/command.h"
#include "core/cron/user_print.h"

#define PAGE 500

static void print_row(void *arg, const struct user_view *view)
{
        struct jsonw *json = arg;

        if (!json) {
                user_print_line(view);
                return;
        }
        jsonw_object(json, NULL);
        user_print_json(json, view);
        jsonw_object_end(json);
}

static enum err print_all(struct ctx *ctx, bool all, struct jsonw *json)
{
        struct user_filter filter = { .limit = PAGE, .include_inactive = all };
        int64_t total = 1;
        enum err rc = OK;

        for (; rc == OK && filter.offset < total; filter.offset += PAGE)
                rc = user_list(ctx, &filter, print_row, json, &total);
        return rc;
}

enum err cmd_user_list(struct ctx *ctx, const struct command_options *options)
{
        enum err rc;

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_array(&out.json, "users");
                rc = print_all(ctx, options->all, &out.json);
                jsonw_array_end(&out.json);
                return rc;
        }
        return print_all(ctx, options->all, NULL);
}
