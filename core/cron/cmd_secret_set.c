/* simpletuner-cloud secret set: save a secret, read from standard input, in the file of secrets. */
#include <stdio.h>
#include <string.h>

#include "core/cloud/cloud.h"
#include "core/cloud/secrets/secret_change.h"
#include "core/cron/command.h"
#include "core/cron/secret_print.h"

static enum err read_value(struct ctx *ctx, char **ret, size_t *ret_len)
{
        char *text = arena_alloc(ctx->arena, SECRET_VALUE_MAX + 3);
        size_t len;

        if (!text)
                return ctx_nomem(ctx);
        len = fread(text, 1, SECRET_VALUE_MAX + 2, stdin);
        if (len > 0 && text[len - 1] == '\n')
                len--;
        if (len > 0 && text[len - 1] == '\r')
                len--;
        text[len] = '\0';
        if (strlen(text) != len)
                return ctx_fail(ctx, ERR_INVALID, "the value must not have NUL in it");
        *ret = text;
        *ret_len = len;
        return OK;
}

static void print(const struct ctx *ctx, const struct command_options *options, const char *source)
{
        const char *path = secrets_path(ctx->cloud->secrets);
        const bool is_used = source && strcmp(source, "file") == 0;

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_string(&out.json, "name", options->operand);
                jsonw_string(&out.json, "file", path);
                jsonw_string(&out.json, "shadowed_by", is_used ? NULL : source);
                return;
        }
        printf("%s is saved in %s.\n", options->operand, path);
        if (!is_used && source)
                printf("It is not used: the source \"%s\" goes before it.\n", source);
}

enum err cmd_secret_set(struct ctx *ctx, const struct command_options *options)
{
        const char *source = NULL;
        char *value = NULL;
        size_t len = 0;
        enum err rc = secret_check_name(ctx, options->operand);

        if (rc == OK)
                rc = read_value(ctx, &value, &len);
        if (rc != OK)
                return rc;
        rc = secret_set(ctx, options->operand, value);
        secret_wipe(value, len);
        if (rc != OK)
                return rc;
        if (secret_print_source(ctx, options->operand, &source) != OK)
                source = NULL;
        print(ctx, options, source);
        return OK;
}
