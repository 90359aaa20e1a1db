/* Requests in numbers: how many, of which routes, how long, how large. Labels are of the route
 * table, never of the request, so that nobody who asks can make new ones. */
#ifndef FCGI_HTTP_METER_H
#define FCGI_HTTP_METER_H

#include "fcgi/routes.h"

/* The label of requests that no route is for. */
#define HTTP_METER_UNMATCHED "unmatched"

/* A request has come. */
void http_meter_begin(const struct ctx *ctx);
/* It was answered with status and sent bytes of a body; it came at start_us (monotonic). */
void http_meter_end(const struct ctx *ctx, const struct request *request, int status, int64_t sent,
                    int64_t start_us);

#endif
