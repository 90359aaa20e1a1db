#include "core/cron/user_password.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/auth/password.h"

#define MADE_LENGTH 24 /* of 62 characters: 142 bits */

static enum err read_line(struct ctx *ctx, const char **ret)
{
        char *line = arena_alloc(ctx->arena, PASSWORD_MAX + 3);

        if (!line)
                return ctx_nomem(ctx);
        if (!fgets(line, PASSWORD_MAX + 3, stdin))
                return ctx_fail(ctx, ERR_INVALID, "password: standard input is empty");
        line[strcspn(line, "\r\n")] = '\0';
        *ret = line;
        return OK;
}

static enum err make(struct ctx *ctx, const char **ret)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789";
        char *text = arena_alloc(ctx->arena, MADE_LENGTH + 1);

        if (!text)
                return ctx_nomem(ctx);
        if (!crypto_random_text(alphabet, text, MADE_LENGTH))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness for a password");
        *ret = text;
        return OK;
}

enum err user_password_take(struct ctx *ctx, const struct command_options *options,
                            struct user_password *ret)
{
        struct user_password taken = { 0 };
        const char *password = "";
        enum err rc;

        rc = options->password_stdin ? read_line(ctx, &password) : make(ctx, &password);
        if (rc == OK)
                rc = password_check_rules(ctx, "password", password);
        if (rc == OK)
                rc = password_hash(ctx, (struct secret){ password, strlen(password) }, &taken.hash);
        if (rc != OK)
                return rc;
        taken.made = options->password_stdin ? NULL : password;
        *ret = taken;
        return OK;
}
