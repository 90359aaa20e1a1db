/* What a route is. The table itself is in routes.c: read that first. */
#ifndef FCGI_ROUTES_H
#define FCGI_ROUTES_H

#include <stdint.h>
#include <stdio.h>

#include "core/cloud/auth/auth.h"
#include "core/cloud/limits/rate_rules.h"
#include "fcgi/operation.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"

#define BODY_NONE   ((size_t)0) /* a body is not looked at */
#define BODY_STREAM SIZE_MAX    /* the handler reads it piece by piece */

struct route {
        enum method method;
        const char *path; /* {name} takes one segment, {name...} all that follow */
        const struct operation *operation;
        enum permission permission;
        size_t body_max;
        enum rate rate; /* which limit counts a request of it */
};

/* All routes; *ret_count of them. */
const struct route *routes_all(size_t *ret_count);

/* Write a line for each, {"method": "GET", "path": "/health", "permission": "public"}. */
void routes_print(FILE *out);

/* Every row has an operation, a permission and a rate rule, and no two are the same. NULL when so,
 * else the path of the first that is wrong. */
const char *routes_check(void);

#endif
