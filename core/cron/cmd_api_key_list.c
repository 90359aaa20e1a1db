/* simpletuner-cloud api-key list: all that are not revoked. */
#include <stdio.h>

#include "core/cloud/auth/api_key.h"
#include "core/cloud/auth/user.h"
#include "core/cron/command.h"

struct listing {
        const struct ctx *ctx;
        struct jsonw *json; /* NULL: for people */
};

static void print_line(const struct listing *listing, const struct api_key *row)
{
        char created[CLOCK_ISO_SIZE], used[CLOCK_ISO_SIZE] = "never used";

        clock_format_second(row->created_at_us, created);
        if (row->last_used_at_us)
                clock_format_second(row->last_used_at_us, used);
        printf("%6lld  %s  %-7s  %s  %-20s  %s  %s\n", (long long)row->key_id, row->prefix,
               api_key_state(listing->ctx, row), created, used, row->username, row->name);
}

static void print_json(const struct listing *listing, const struct api_key *row)
{
        struct jsonw *json = listing->json;

        jsonw_object(json, NULL);
        jsonw_int(json, "id", row->key_id);
        jsonw_string(json, "username", row->username);
        jsonw_string(json, "name", row->name);
        jsonw_string(json, "key_prefix", row->prefix);
        jsonw_string(json, "status", api_key_state(listing->ctx, row));
        jsonw_string(json, "scopes", row->scopes);
        jsonw_time(json, "created_at", row->created_at_us);
        jsonw_time(json, "expires_at", row->expires_at_us);
        jsonw_time(json, "last_used_at", row->last_used_at_us);
        jsonw_object_end(json);
}

static void print_row(void *arg, const struct api_key *row)
{
        const struct listing *listing = arg;

        if (listing->json)
                print_json(listing, row);
        else
                print_line(listing, row);
}

enum err cmd_api_key_list(struct ctx *ctx, const struct command_options *options)
{
        struct listing listing = { .ctx = ctx };
        int64_t user_id = 0;
        enum err rc = options->user ? user_find(ctx, options->user, &user_id) : OK;

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                listing.json = &out.json;
                jsonw_array(&out.json, "api_keys");
                rc = api_key_list(ctx, user_id, print_row, &listing);
                jsonw_array_end(&out.json);
                return rc;
        }
        return api_key_list(ctx, user_id, print_row, &listing);
}
