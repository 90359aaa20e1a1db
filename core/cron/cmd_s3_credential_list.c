/* simpletuner-cloud s3-credential list: all that are not revoked, without their secrets. */
#include <stdio.h>

#include "core/cloud/s3/s3_credential.h"
#include "core/cron/command.h"

struct listing {
        const struct ctx *ctx;
        struct jsonw *json; /* NULL: for people */
};

static void print_line(const struct listing *listing, const struct s3_credential *row)
{
        char created[CLOCK_ISO_SIZE], used[CLOCK_ISO_SIZE] = "never used";

        clock_format_second(row->created_at_us, created);
        if (row->last_used_at_us)
                clock_format_second(row->last_used_at_us, used);
        printf("%s  %-7s  %s  %-20s  %s  %s\n", row->access_key_id,
               s3_credential_state(listing->ctx, row), created, used, row->owner,
               *row->name ? row->name : "-");
}

static void print_row(void *arg, const struct s3_credential *row)
{
        const struct listing *listing = arg;

        if (listing->json)
                s3_credential_render(listing->ctx, listing->json, row);
        else
                print_line(listing, row);
}

enum err cmd_s3_credential_list(struct ctx *ctx, const struct command_options *options)
{
        struct listing listing = { .ctx = ctx };
        enum err rc;

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                listing.json = &out.json;
                jsonw_array(&out.json, "credentials");
                rc = s3_credential_list(ctx, true, print_row, &listing);
                jsonw_array_end(&out.json);
                return rc;
        }
        return s3_credential_list(ctx, true, print_row, &listing);
}
