#include "core/cloud/auth/user_text.h"

#include <string.h>
#include <strings.h>

#include "core/base/utf8.h"
#include "core/cloud/auth/user.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* What owners and the audit log call those who are no users. */
static const char *const reserved[] = { "local", "service", "anonymous", "job", "user", "cron" };

static enum err check_reserved(struct ctx *ctx, const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
                if (strcasecmp(name, reserved[i]) == 0)
                        return ctx_fail(ctx, ERR_INVALID,
                                        "username must be another: '%s' means something of the "
                                        "service's own",
                                        reserved[i]);
        }
        return OK;
}

enum err user_text_name(struct ctx *ctx, const char *name)
{
        const size_t len = strlen(name);

        if (len < USER_NAME_MIN || len > USER_NAME_MAX || strspn(name, NAME_CHARACTERS) != len)
                return ctx_fail(ctx, ERR_INVALID,
                                "username must be %d to %d letters, digits, underscores and "
                                "hyphens",
                                USER_NAME_MIN, USER_NAME_MAX);
        return check_reserved(ctx, name);
}

enum err user_text_remote_name(struct ctx *ctx, const char *name)
{
        const size_t len = strlen(name);

        if (len == 0 || len > USER_REMOTE_NAME_MAX || strspn(name, NAME_CHARACTERS ".@") != len)
                return ctx_fail(ctx, ERR_INVALID,
                                "username must be 1 to %d letters, digits, dots, underscores, "
                                "hyphens and @",
                                USER_REMOTE_NAME_MAX);
        return check_reserved(ctx, name);
}

static bool has_control(const char *text, const char *allowed)
{
        for (const char *c = text; *c; c++) {
                if (((unsigned char)*c < ' ' && !strchr(allowed, *c)) || *c == 0x7f)
                        return true;
        }
        return false;
}

enum err user_text_email(struct ctx *ctx, const char *email)
{
        const char *at = strchr(email, '@');

        if (strlen(email) > USER_EMAIL_MAX || !at || at == email || at[1] == '\0' ||
            strchr(at + 1, '@') || strchr(email, ' ') || has_control(email, "") ||
            !utf8_is_valid(email))
                return ctx_fail(ctx, ERR_INVALID,
                                "email must be an address like name@example.com of at most %d "
                                "bytes",
                                USER_EMAIL_MAX);
        return OK;
}

enum err user_text_line(struct ctx *ctx, const char *field, const char *text, struct text_size size)
{
        const size_t len = strlen(text);

        if (len < size.min || len > size.max || has_control(text, "") || !utf8_is_valid(text))
                return ctx_fail(ctx, ERR_INVALID, "%s must be a line of text of %zu to %zu bytes",
                                field, size.min, size.max);
        return OK;
}

enum err user_text_prose(struct ctx *ctx, const char *field, const char *text,
                         struct text_size size)
{
        const size_t len = strlen(text);

        if (len < size.min || len > size.max || has_control(text, "\n\t") || !utf8_is_valid(text))
                return ctx_fail(ctx, ERR_INVALID, "%s must be text of %zu to %zu bytes", field,
                                size.min, size.max);
        return OK;
}
