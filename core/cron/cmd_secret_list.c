/* simpletuner-cloud secret list: names of secrets, and where each comes from. */
#include <stdio.h>
#include <string.h>

#include "core/cron/command.h"
#include "core/cron/secret_print.h"

static enum err show(struct ctx *ctx, const struct command_options *options, const char *name,
                     struct jsonw *json)
{
        const char *source;
        enum err rc = secret_print_source(ctx, name, &source);

        if (rc == ERR_NOMEM)
                return rc;
        if (!options->json) {
                printf("%-38s  %s\n", name, rc != OK ? "unknown" : source ? source : "-");
                return OK;
        }
        jsonw_object(json, NULL);
        jsonw_string(json, "name", name);
        jsonw_string(json, "source", rc == OK ? source : NULL);
        jsonw_string(json, "error", rc == OK ? NULL : ctx->detail);
        jsonw_object_end(json);
        return OK;
}

static enum err show_all(struct ctx *ctx, const struct command_options *options, struct jsonw *json)
{
        const char *text, *name;
        CLEANUP(json_decrefp) json_t *sorted = NULL;
        const json_t *value;
        json_t *names;
        enum err rc = secrets_names(ctx, &names);

        if (rc == OK)
                rc = json_text(ctx, names, &text); /* sorts them */
        if (rc == OK)
                rc = json_parse_object(ctx, "names", text, strlen(text), &sorted);
        if (rc != OK)
                return rc;
        json_object_foreach (sorted, name, value) {
                if (rc == OK)
                        rc = show(ctx, options, name, json);
        }
        return rc;
}

enum err cmd_secret_list(struct ctx *ctx, const struct command_options *options)
{
        enum err rc;

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_array(&out.json, "secrets");
                rc = show_all(ctx, options, &out.json);
                jsonw_array_end(&out.json);
                return rc;
        }
        return show_all(ctx, options, NULL);
}
