/* The description of the API, for tools. */
#include "fcgi/handlers.h"
#include "fcgi/openapi.h"

static enum err openapi_show_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        size_t count;
        const struct route *routes = routes_all(&count);

        (void)request;
        openapi_write(&json, routes, count);
        return reply_json_end(ctx, reply, &json);
}

const struct operation openapi_show = {
        OPERATION(openapi_show),
        .summary = "This description",
};
