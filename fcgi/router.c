#include "fcgi/router.h"

#include <stdio.h>
#include <string.h>

struct capture {
        const char *name, *value; /* both raw, in the template and in the path */
        size_t name_len, value_len;
};

struct match {
        struct capture captures[REQUEST_PARAMS_MAX];
        size_t count;
};

static void take(struct match *match, const char *name, size_t name_len, const char *value,
                 size_t value_len)
{
        if (match->count < REQUEST_PARAMS_MAX)
                match->captures[match->count++] =
                        (struct capture){ name, value, name_len, value_len };
}

/* Walk template and path in step. {name} takes up to the next slash and at least one byte. What
 * follows "?" is the query's matter. */
static bool path_matches(const char *template, const char *path, struct match *match)
{
        match->count = 0;
        for (;;) {
                if (*template == '{') {
                        const char *name = template + 1;
                        size_t name_len = strcspn(name, ".}");
                        bool rest = name[name_len] == '.';
                        size_t len = rest ? strlen(path) : strcspn(path, "/");

                        if (len == 0)
                                return false;
                        take(match, name, name_len, path, len);
                        template = strchr(template, '}') + 1;
                        path += len;
                } else if (*template == '\0' || *template == '?') {
                        return *path == '\0' || (path[0] == '/' && path[1] == '\0');
                } else if (*template ++ != *path++) {
                        return false;
                }
        }
}

static bool query_matches(const struct route *route, const struct request *request)
{
        const char *mark = strchr(route->path, '?');

        return !mark || request_has_query(request, mark + 1);
}

static enum err decode_params(struct ctx *ctx, struct request *request, const struct match *match)
{
        for (size_t i = 0; i < match->count; i++) {
                const struct capture *capture = &match->captures[i];
                struct request_param *param = &request->params[i];
                enum err rc;

                param->name = capture->name;
                param->name_len = capture->name_len;
                rc = request_decode(ctx, "The path", capture->value, capture->value_len,
                                    &param->value);
                if (rc != OK)
                        return rc;
        }
        request->param_count = match->count;
        return OK;
}

static void add_allowed(char allow[ROUTER_ALLOW_SIZE], enum method method)
{
        size_t len = strlen(allow);

        if (strstr(allow, method_name(method)))
                return;
        snprintf(allow + len, ROUTER_ALLOW_SIZE - len, "%s%s%s", len ? ", " : "",
                 method_name(method), method == METHOD_GET ? ", HEAD" : "");
}

enum err router_match(struct ctx *ctx, struct request *request, enum router_result *ret_result,
                      char ret_allow[ROUTER_ALLOW_SIZE])
{
        enum method wanted = request->method == METHOD_HEAD ? METHOD_GET : request->method;
        const struct route *found = NULL;
        struct match match, found_match = { .count = 0 };
        size_t count;
        const struct route *routes = routes_all(&count);

        ret_allow[0] = '\0';
        for (size_t i = 0; i < count && !found; i++) {
                if (!path_matches(routes[i].path, request->path, &match))
                        continue;
                add_allowed(ret_allow, routes[i].method);
                if (routes[i].method == wanted && query_matches(&routes[i], request)) {
                        found = &routes[i];
                        found_match = match;
                }
        }
        *ret_result = found ? ROUTER_FOUND : *ret_allow ? ROUTER_NO_METHOD : ROUTER_NO_PATH;
        request->route = found;
        if (*ret_allow)
                add_allowed(ret_allow, METHOD_OPTIONS);
        return found ? decode_params(ctx, request, &found_match) : OK;
}
