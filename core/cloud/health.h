/* Is the service well? Liveness needs no check; readiness says whether to send requests here;
 * health looks at every part. Names and messages: operations guide, "Health monitoring". */
#ifndef CORE_CLOUD_HEALTH_H
#define CORE_CLOUD_HEALTH_H

#include "core/base/ctx.h"

enum health_status { HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY };
const char *health_status_name(enum health_status status);

#define HEALTH_COMPONENTS_MAX 16

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

/* ask_providers: call each configured provider too, which takes as long as it takes. ERR_NOMEM. */
NODISCARD enum err health_check(struct ctx *ctx, bool ask_providers, struct health *ret);

/* ERR_NOT_READY: send no requests; detail says why (draining, database, migrations, disk). */
NODISCARD enum err health_ready(struct ctx *ctx);

#endif
