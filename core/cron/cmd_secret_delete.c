/* simpletuner-cloud secret delete: remove a secret from the file of secrets. */
#include <stdio.h>

#include "core/cloud/secrets/secret_change.h"
#include "core/cron/command.h"
#include "core/cron/secret_print.h"

enum err cmd_secret_delete(struct ctx *ctx, const struct command_options *options)
{
        const char *source = NULL;
        enum err rc = secret_remove(ctx, options->operand);

        if (rc != OK)
                return rc;
        if (secret_print_source(ctx, options->operand, &source) != OK)
                source = NULL;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_string(&out.json, "name", options->operand);
                jsonw_bool(&out.json, "deleted", true);
                jsonw_string(&out.json, "still_in", source);
                return OK;
        }
        printf("%s is deleted.\n", options->operand);
        if (source)
                printf("The source \"%s\" still has it.\n", source);
        return OK;
}
