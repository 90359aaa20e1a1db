/* Rate limits at the gate. Most requests are counted for their client address before anybody looks
 * who asks. Storage and signed webhooks are not: jobs and providers send more than strangers may,
 * often from one address. They are counted for who they are, and only what fails before that is
 * known counts for the address. */
#ifndef FCGI_RATE_GATE_H
#define FCGI_RATE_GATE_H

#include "fcgi/routes.h"

/* At the door; the route is NULL when none matched. ERR_LIMITED. */
NODISCARD enum err rate_gate_enter(struct ctx *ctx, const struct request *request,
                                   struct reply *reply);
/* It is known who asks: ctx->actor. ERR_LIMITED; faults. */
NODISCARD enum err rate_gate_met(struct ctx *ctx, const struct request *request,
                                 struct reply *reply);
/* At the end, with what came of it. Returns rc, or ERR_LIMITED where the address fails too often.
 */
NODISCARD enum err rate_gate_leave(struct ctx *ctx, const struct request *request,
                                   struct reply *reply, enum err rc);

/* A handler has counted the request itself, for one who is known. Of several limits the answer
 * tells of the one that is nearest. */
void rate_gate_note(struct reply *reply, const char *rule, const struct limit_usage *usage,
                    bool refused);

/* Put the headers on the answer, and a refusal in the audit log. */
void rate_gate_tell(struct ctx *ctx, const struct request *request, struct reply *reply);

#endif
