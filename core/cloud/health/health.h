/* Is the service well? Liveness needs no check; readiness says whether to send requests here;
 * health looks at every part. Names and messages: operations guide, "Health monitoring". Whatever
 * hangs, an answer comes: what does not say how it is in time is not well. */
#ifndef CORE_CLOUD_HEALTH_HEALTH_H
#define CORE_CLOUD_HEALTH_HEALTH_H

#include "core/base/ctx.h"

enum health_status { HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY };
const char *health_status_name(enum health_status status);

#define HEALTH_COMPONENTS_MAX 24
#define HEALTH_PATIENCE_MS    2000 /* for the database, all of its parts together */
#define HEALTH_CALL_S         5    /* for each provider, and for the S3 store */

struct health_component {
        const char *name;
        enum health_status status;
        double latency_ms; /* < 0: not measured */
        const char *message;
};

struct health {
        enum health_status status; /* the worst of the components */
        double uptime_s;
        struct health_component components[HEALTH_COMPONENTS_MAX];
        size_t count;
};

/* ask_outside: call each configured provider and the S3 store too, for HEALTH_CALL_S each at most.
 * Without its database the service knows little of the other parts: they are left out. ERR_NOMEM.
 */
NODISCARD enum err health_check(struct ctx *ctx, bool ask_outside, struct health *ret);

/* ERR_NOT_READY: send no requests; detail says why (draining, database, migrations, disk). */
NODISCARD enum err health_ready(struct ctx *ctx);

/* From now on this thread's database is waited for as long as a probe may take; false: as long as
 * it takes. For routes that answer probes, before anything asks the database. */
void health_hurry(struct ctx *ctx, bool hurry);

#endif
