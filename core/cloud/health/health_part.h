/* The parts that health_check looks at, each of which adds its components. Private to health*.c.
 * All of them: ERR_NOMEM, and no other failure: what they cannot find out is a component's
 * message. The database answers when they are called. */
#ifndef CORE_CLOUD_HEALTH_HEALTH_PART_H
#define CORE_CLOUD_HEALTH_HEALTH_PART_H

#include "core/cloud/health/health.h"

/* Add component with its message: a format, then what it is about. */
NODISCARD enum err health_add(struct ctx *ctx, struct health *health,
                              struct health_component component, const char *fmt, ...) PRINTF(4, 5);

/* Milliseconds since a monotonic time. */
double health_latency_ms(const struct ctx *ctx, int64_t start_us);

/* Is at least one provider ready to be used? */
NODISCARD enum err health_secrets(struct ctx *ctx, struct health *health);
/* circuit_breaker_{provider} */
NODISCARD enum err health_breakers(struct ctx *ctx, struct health *health);
/* {provider}_api, by calling them */
NODISCARD enum err health_providers(struct ctx *ctx, struct health *health);

/* The disks: storage; and the S3 store, by asking it: storage_remote. */
NODISCARD enum err health_storage(struct ctx *ctx, struct health *health);
NODISCARD enum err health_remote_store(struct ctx *ctx, struct health *health);
/* How little is free where it is scarcest, of home and database, with what that means.
 * ERR_UNAVAILABLE: one of them cannot be read. */
NODISCARD enum err health_space(struct ctx *ctx, uint64_t *ret_free, enum health_status *ret);

/* companion: does cron start it? background: do the responder's own threads go round? audit: is the
 * head of the log as it was signed? */
NODISCARD enum err health_companion(struct ctx *ctx, struct health *health);
NODISCARD enum err health_background(struct ctx *ctx, struct health *health);
NODISCARD enum err health_audit(struct ctx *ctx, struct health *health);
/* kept_log: is the write-ahead log looked at often enough? */
NODISCARD enum err health_log(struct ctx *ctx, struct health *health);
/* backup: is the last one too old? Only when the companion makes some. */
NODISCARD enum err health_backup(struct ctx *ctx, struct health *health);
/* state_backend: where limits are counted. When it is away everything is admitted: that is not
 * unhealthy. */
NODISCARD enum err health_state_backend(struct ctx *ctx, struct health *health);

#endif
