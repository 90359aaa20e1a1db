/* simpletuner-cloud secret explain: what every source says of a secret. */
#include <stdio.h>

#include "core/cloud/secrets/secret_change.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cron/command.h"

static void print_json(const struct command_options *options, const struct secret_finding *findings,
                       size_t count)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_string(&out.json, "name", options->operand);
        jsonw_array(&out.json, "sources");
        for (size_t i = 0; i < count; i++) {
                jsonw_object(&out.json, NULL);
                jsonw_string(&out.json, "source", findings[i].source);
                jsonw_string(&out.json, "state", secret_state_name(findings[i].state));
                jsonw_string(&out.json, "detail", findings[i].detail);
                jsonw_object_end(&out.json);
        }
        jsonw_array_end(&out.json);
}

enum err cmd_secret_explain(struct ctx *ctx, const struct command_options *options)
{
        struct secret_finding findings[SECRET_SOURCES_MAX];
        size_t count = 0;
        enum err rc = secret_check_name(ctx, options->operand);

        if (rc == OK)
                rc = secrets_explain(ctx, options->operand, findings, &count);
        if (rc != OK)
                return rc;
        if (options->json) {
                print_json(options, findings, count);
                return OK;
        }
        for (size_t i = 0; i < count; i++)
                printf("%-12s  %-14s  %s\n", findings[i].source,
                       secret_state_name(findings[i].state),
                       findings[i].detail ? findings[i].detail : "");
        return OK;
}
