/* One line of the log for each request that was answered: what was asked, by whom and from where,
 * how that went, how much was sent and how long it took. Routes by their template, so that lines of
 * one route are found together; never a query, a header or a body. */
#ifndef FCGI_ACCESS_LOG_H
#define FCGI_ACCESS_LOG_H

#include "fcgi/reply.h"
#include "fcgi/request.h"

/* bytes of the body were sent for a request that came at start_us (monotonic). */
void access_log(struct ctx *ctx, const struct request *request, const struct reply *reply,
                int64_t bytes, int64_t start_us);

#endif
