/* The one way through: id, address, route, identity, permission, body size, handler, answer, log.
 */
#ifndef FCGI_GATE_H
#define FCGI_GATE_H

#include "fcgi/reply.h"
#include "fcgi/transport.h"

/* Answer the request that transport has accepted. reply is the thread's, kept between requests. */
void gate_handle(struct ctx *ctx, struct transport *transport, struct reply *reply);

/* Is the schema there, and may the one who asks use the route, and the bucket that it
 * names? Sets ctx->actor. The gate asks
 * before it calls the handler; one that answers for minutes asks again. What auth_identify,
 * auth_require, bucket_require and cloud_check_schema return. */
NODISCARD enum err gate_admit(struct ctx *ctx, struct request *request);

#endif
