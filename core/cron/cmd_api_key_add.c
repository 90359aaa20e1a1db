/* simpletuner-cloud api-key add: make an API key for a user; it is shown this one time. */
#include <stdio.h>
#include <string.h>

#include "core/cloud/auth/api_key.h"
#include "core/cloud/auth/user.h"
#include "core/cron/command.h"

static void print_text(const struct api_key_made *made)
{
        char at[CLOCK_ISO_SIZE] = "never";

        if (made->row.expires_at_us)
                clock_format_iso(made->row.expires_at_us, at);
        printf("%-7s  %lld\n", "number", (long long)made->row.key_id);
        printf("%-7s  %s\n", "user", made->row.username);
        printf("%-7s  %s\n", "key", made->key);
        printf("%-7s  %s\n", "expires", at);
        puts("The key is not shown again.");
}

static void print_json(const struct api_key_made *made)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_int(&out.json, "id", made->row.key_id);
        jsonw_string(&out.json, "username", made->row.username);
        jsonw_string(&out.json, "name", made->row.name);
        jsonw_string(&out.json, "key", made->key);
        jsonw_time(&out.json, "created_at", made->row.created_at_us);
        jsonw_time(&out.json, "expires_at", made->row.expires_at_us);
        jsonw_string(&out.json, "scopes", made->row.scopes);
}

/* Names between commas. */
static enum err read_scopes(struct ctx *ctx, const char *list, permission_set *ret)
{
        permission_set set = 0;

        while (*list) {
                const size_t len = strcspn(list, ",");
                const char *word = arena_strndup(ctx->arena, list, len);
                enum permission permission;

                if (!word)
                        return ctx_nomem(ctx);
                if (!permission_parse(word, &permission) || permission < PERM_FIRST)
                        return ctx_fail(ctx, ERR_INVALID, "scopes: there is no permission '%.64s'",
                                        word);
                set |= permission_set_parse(word);
                list += len + (list[len] == ',');
        }
        *ret = set;
        return OK;
}

enum err cmd_api_key_add(struct ctx *ctx, const struct command_options *options)
{
        struct api_key_given given = { .name = options->name ? options->name : "cron",
                                       .expires_days = options->expires_days,
                                       .is_scoped = options->scopes != NULL };
        struct api_key_made made;
        int64_t user_id;
        enum err rc;

        if (!options->user)
                return ctx_fail(ctx, ERR_INVALID, "--user NAME must be given");
        rc = user_find(ctx, options->user, &user_id);
        if (rc == OK && options->scopes)
                rc = read_scopes(ctx, options->scopes, &given.scopes);
        if (rc == OK)
                rc = api_key_new(ctx, user_id, &given, &made);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&made);
        else
                print_text(&made);
        return OK;
}
