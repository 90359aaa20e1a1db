/* simpletuner-cloud secret get: where a secret comes from, and with --reveal what it is. */
#include <stdio.h>

#include "core/cloud/secrets/secret_change.h"
#include "core/cron/command.h"
#include "core/cron/secret_print.h"

static void print_json(const struct command_options *options, const char *source,
                       struct secret value, const char *mask)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_string(&out.json, "name", options->operand);
        jsonw_string(&out.json, "source", source);
        if (options->reveal)
                jsonw_string(&out.json, "value", value.bytes);
        else
                jsonw_string(&out.json, "masked", mask);
        jsonw_int(&out.json, "length", (int64_t)value.len);
}

enum err cmd_secret_get(struct ctx *ctx, const struct command_options *options)
{
        char mask[SECRET_MASK_SIZE];
        struct secret value;
        const char *source;
        enum err rc = secret_check_name(ctx, options->operand);

        if (rc == OK)
                rc = secrets_get(ctx, options->operand, &value);
        if (rc == OK)
                rc = secret_print_source(ctx, options->operand, &source);
        if (rc != OK)
                return rc;
        secret_print_mask(value, mask);
        if (options->json)
                print_json(options, source, value, mask);
        else if (options->reveal)
                printf("%s\n", value.bytes);
        else
                printf("%s  %s  %zu bytes, from %s\n", options->operand, mask, value.len, source);
        return OK;
}
