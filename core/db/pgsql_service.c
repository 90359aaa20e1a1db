#include "core/db/pgsql_service.h"

#include <libpq-fe.h>
#include <string.h>

#include "core/base/buf.h"

#define TEXT_MAX (64 * KiB)

static void free_options(PQconninfoOption **options)
{
        PQconninfoFree(*options);
}

/* What url says of a keyword, else what the environment does; NULL: neither. */
static const char *value_of(const PQconninfoOption *given, const PQconninfoOption *fallback)
{
        for (; given->keyword; given++) {
                if (strcmp(given->keyword, fallback->keyword) == 0 && given->val)
                        return given->val;
        }
        return fallback->val;
}

enum err pgsql_service_text(struct ctx *ctx, const char *url, const char *service, const char **ret)
{
        CLEANUP(free_options) PQconninfoOption *given = PQconninfoParse(url, NULL);
        CLEANUP(free_options) PQconninfoOption *all = PQconndefaults();
        CLEANUP(buf_done) struct buf text = { 0 };
        char *copy;

        buf_init(&text, TEXT_MAX);
        if (!given || !all)
                return ctx_fail(ctx, ERR_INVALID, "the URL of the database is not one");
        buf_printf(&text, "[%s]\n", service);
        for (const PQconninfoOption *option = all; option->keyword; option++) {
                const char *value = value_of(given, option);

                if (!value || !*value || strcmp(option->keyword, "service") == 0)
                        continue;
                if (strchr(value, '\n'))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "the URL of the database has a line break in it");
                buf_printf(&text, "%s=%s\n", option->keyword, value);
        }
        copy = buf_ok(&text) ? arena_strdup(ctx->arena, buf_str(&text)) : NULL;
        *ret = copy;
        return copy ? OK : ctx_nomem(ctx);
}

const char *pgsql_url_for(struct ctx *ctx, const char *url, const char *database)
{
        const char *authority = strstr(url, "://");
        const char *query, *slash;

        if (!authority)
                return NULL;
        authority += strlen("://");
        query = url + strcspn(url, "?");
        slash = memchr(authority, '/', (size_t)(query - authority));
        if (!slash)
                slash = query;
        return arena_printf(ctx->arena, "%.*s/%s%s", (int)(slash - url), url, database, query);
}
