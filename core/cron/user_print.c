#include "core/cron/user_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/cron/command.h"

static void print_levels(const struct level *levels)
{
        if (!levels)
                printf("-");
        for (const struct level *level = levels; level; level = level->next)
                printf("%s%s", level == levels ? "" : ",", level->name);
}

void user_print_line(const struct user_view *view)
{
        const struct user *user = &view->user;
        char login[CLOCK_ISO_SIZE] = "never logged in";

        if (user->last_login_at_us)
                clock_format_second(user->last_login_at_us, login);
        printf("%6" PRId64 "  %-11s  %-20s  %s%s  %s  ", user->user_id,
               user->is_active ? "active" : "deactivated", login, user->username,
               view->rights == PERMISSION_SET_ALL ? "*" : "", user->email ? user->email : "-");
        print_levels(view->levels);
        puts("");
}

static void print_text(const char *name, const char *value)
{
        if (value && *value)
                printf("%-13s %s\n", name, value);
}

static void print_time(const char *name, int64_t at_us)
{
        char text[CLOCK_ISO_SIZE];

        if (!at_us)
                return;
        clock_format_iso(at_us, text);
        print_text(name, text);
}

void user_print(const struct user_view *view)
{
        const struct user *user = &view->user;

        printf("%-13s %" PRId64 "\n", "number", user->user_id);
        print_text("name", user->username);
        print_text("state", user->is_active ? "active" : "deactivated");
        print_text("address", user->email);
        print_text("display name", user->display_name);
        print_text("administrator", user->is_admin ? "yes" : "no");
        printf("%-13s ", "levels");
        print_levels(view->levels);
        puts("");
        print_text("granted", user->granted);
        print_text("denied", user->denied);
        print_text("organization", view->org ? view->org->name : NULL);
        for (const struct team *team = view->teams; team; team = team->next)
                print_text("team", team->name);
        print_text("password", user->password_hash ? "set" : "none");
        print_text("kept by", user->auth_provider);
        print_time("made", user->created_at_us);
        print_time("last login", user->last_login_at_us);
}

static void json_levels(struct jsonw *json, const struct level *levels)
{
        jsonw_array(json, "levels");
        for (; levels; levels = levels->next)
                jsonw_string(json, NULL, levels->name);
        jsonw_array_end(json);
}

void user_print_json(struct jsonw *json, const struct user_view *view)
{
        const struct user *user = &view->user;

        jsonw_int(json, "id", user->user_id);
        jsonw_string(json, "username", user->username);
        jsonw_string(json, "email", user->email);
        jsonw_string(json, "display_name", user->display_name);
        jsonw_string(json, "auth_provider", user->auth_provider);
        jsonw_bool(json, "is_active", user->is_active);
        jsonw_bool(json, "is_admin", user->is_admin);
        json_levels(json, view->levels);
        jsonw_time(json, "created_at", user->created_at_us);
        jsonw_time(json, "last_login_at", user->last_login_at_us);
}

enum err user_print_result(struct ctx *ctx, const struct command_options *options, int64_t user_id)
{
        struct user_view view;
        enum err rc = user_view_load(ctx, user_id, &view);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                user_print_json(&out.json, &view);
        } else {
                user_print_line(&view);
        }
        return OK;
}
