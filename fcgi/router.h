/* From a path to a row of the route table. */
#ifndef FCGI_ROUTER_H
#define FCGI_ROUTER_H

#include "fcgi/routes.h"

enum router_result {
        ROUTER_FOUND,     /* request->route and its parameters are set */
        ROUTER_NO_PATH,   /* 404 */
        ROUTER_NO_METHOD, /* 405: allow has the methods there are */
};

#define ROUTER_ALLOW_SIZE 64

/* "?name" at the end of a route's path asks for a query parameter of that name. Such rows stand
 * before the one without.
 * Match the request's path and method; HEAD counts as GET. One slash at the end is ignored. allow
 * gets "GET, HEAD, OPTIONS" whenever the path is known. ERR_INVALID: a parameter badly encoded. */
NODISCARD enum err router_match(struct ctx *ctx, struct request *request,
                                enum router_result *ret_result, char ret_allow[ROUTER_ALLOW_SIZE]);

#endif
