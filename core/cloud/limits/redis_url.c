#include "core/cloud/limits/redis_url.h"

#include <string.h>

#include "core/base/service_url.h"

#define PORT 6379

static bool is_number(const char *text)
{
        size_t len = strspn(text, "0123456789");

        return len > 0 && len <= 5 && text[len] == '\0';
}

/* The number of the database: of the URL, else of the settings. False: it is none. */
static bool read_database(struct arena *arena, const struct config *config,
                          const struct service_url *url, struct redis_place *place)
{
        static const char *const options[] = { "db", NULL };
        const char *database = service_url_option(arena, url, "db");

        if (!service_url_has_only(url, options) || (*url->query && !database))
                return false;
        if (!database && !place->target.path && strlen(url->path) > 1)
                database = url->path + 1;
        if (!database)
                database = arena_printf(arena, "%u", (unsigned)config->state_redis_database);
        place->database = database;
        return database && is_number(database);
}

static bool read_url(struct arena *arena, const struct config *config, struct redis_place *place)
{
        struct service_url url;
        bool is_unix, is_tls;

        if (!service_url_parse(arena, config->state_url, &url))
                return false;
        is_unix = strcmp(url.scheme, "unix") == 0 || strcmp(url.scheme, "redis+unix") == 0;
        is_tls = strcmp(url.scheme, "rediss") == 0;
        if (!is_unix && !is_tls && strcmp(url.scheme, "redis") != 0)
                return false;
        if (is_unix ? *url.host || strlen(url.path) < 2 : !*url.host)
                return false;
        place->user = url.password ? url.user : NULL;
        place->password = url.password ? url.password : url.user;
        place->target = (struct http_socket_target){
                .host = url.host,
                .port = url.port ? url.port : PORT,
                .path = is_unix ? url.path : NULL,
                .tls = is_tls || (config->state_redis_tls && !is_unix),
                .ssl_verify = config->ssl_verify,
                .ca_bundle = config->ca_bundle,
        };
        return read_database(arena, config, &url, place);
}

enum err redis_url_read(struct ctx *ctx, struct arena *arena, struct redis_place *ret)
{
        if (read_url(arena, ctx->config, ret))
                return OK;
        return ctx_fail(ctx, ERR_INVALID,
                        "STATE_BACKEND_URL must be redis://[user:password@]host[:port][/db], "
                        "rediss://... or unix:///path[?db=number] for STATE_BACKEND=redis");
}
