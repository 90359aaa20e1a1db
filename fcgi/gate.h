/* The one way through: id, address, route, identity, permission, body size, handler, answer, log.
 */
#ifndef FCGI_GATE_H
#define FCGI_GATE_H

#include "fcgi/reply.h"
#include "fcgi/transport.h"

/* Answer the request that transport has accepted. reply is the thread's, kept between requests. */
void gate_handle(struct ctx *ctx, struct transport *transport, struct reply *reply);

#endif
