/* simpletuner-cloud s3-credential add: make one; its secret is shown this one time. */
#include <stdio.h>

#include "core/base/config.h"
#include "core/cloud/s3/s3_credential.h"
#include "core/cron/command.h"

static void print_text(const struct s3_credential_made *made, const char *endpoint)
{
        char at[CLOCK_ISO_SIZE] = "never";

        if (made->expires_at_us)
                clock_format_iso(made->expires_at_us, at);
        printf("%-17s  %s\n", "access key id", made->access_key_id);
        printf("%-17s  %s\n", "secret access key", made->secret_access_key);
        printf("%-17s  %s\n", "expires", at);
        if (endpoint)
                printf("%-17s  %s\n", "endpoint", endpoint);
        puts("The secret is not shown again.");
}

static void print_json(const struct s3_credential_made *made, const char *endpoint)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_string(&out.json, "access_key_id", made->access_key_id);
        jsonw_string(&out.json, "secret_access_key", made->secret_access_key);
        jsonw_string(&out.json, "name", made->name);
        jsonw_time(&out.json, "created_at", made->created_at_us);
        jsonw_time(&out.json, "expires_at", made->expires_at_us);
        jsonw_string(&out.json, "endpoint_url", endpoint);
        jsonw_string(&out.json, "region", S3_REGION);
}

enum err cmd_s3_credential_add(struct ctx *ctx, const struct command_options *options)
{
        const struct s3_credential_given given = {
                .name = options->name,
                .expires_in_days = options->expires_days,
        };
        const char *endpoint = NULL;
        struct s3_credential_made made;
        enum err rc;

        if (*ctx->config->public_url) {
                endpoint = arena_printf(ctx->arena, "%s" S3_ENDPOINT_PATH, ctx->config->public_url);
                if (!endpoint)
                        return ctx_nomem(ctx);
        }
        rc = s3_credential_new(ctx, &given, &made);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&made, endpoint);
        else
                print_text(&made, endpoint);
        return OK;
}
