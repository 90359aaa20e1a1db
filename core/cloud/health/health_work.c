/* What goes on without a request: the companion, the responder's own threads, and the audit log. */
#include <inttypes.h>

#include "core/cloud/audit/audit_chain.h"
#include "core/cloud/cloud.h"
#include "core/cloud/health/health_part.h"
#include "core/cloud/limits/limiter.h"
#include "core/store/store_job_list.h"
#include "core/store/store_tasks.h"

#define COMPANION_LATE_S  300 /* cron starts it every minute */
#define COMPANION_GRACE_S 600 /* until somebody who installs has come to the crontab */
#define FAILURES_MIN      3   /* in a row; fewer come and go */

static enum err count_active(struct ctx *ctx, int64_t *ret)
{
        static const enum job_status active[] = { JOB_PENDING, JOB_UPLOADING, JOB_QUEUED,
                                                  JOB_RUNNING };
        int64_t total = 0;

        for (size_t i = 0; i < ARRAY_SIZE(active); i++) {
                const struct job_filter filter = { .status = job_status_name(active[i]) };
                int64_t count;
                enum err rc = store_jobs_count(ctx, &filter, &count);

                if (rc != OK)
                        return rc;
                total += count;
        }
        *ret = total;
        return OK;
}

/* Tasks are overdue soon after cron has stopped; active jobs wait for it at once. */
static enum err add_companion(struct ctx *ctx, const struct task_overview *tasks, int64_t active,
                              struct health *health)
{
        struct health_component component = { .name = "companion", .latency_ms = -1 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        const int64_t age_s = (now_us - tasks->last_run_us) / US_PER_S;

        if (tasks->held)
                return health_add(ctx, health, component, "At work");
        if (tasks->last_run_us == 0 && health->uptime_s < COMPANION_GRACE_S)
                return health_add(ctx, health, component, "Has not run yet");
        if (tasks->last_run_us > 0 &&
            (age_s <= COMPANION_LATE_S || (active == 0 && tasks->overdue == 0)))
                return health_add(ctx, health, component, "Last run %" PRId64 " s ago",
                                  age_s > 0 ? age_s : 0);
        component.status = HEALTH_DEGRADED;
        if (tasks->last_run_us == 0)
                return health_add(ctx, health, component,
                                  "Has never run: have cron start \"simpletuner-cloud cron\" every "
                                  "minute (active jobs: %" PRId64 ")",
                                  active);
        return health_add(ctx, health, component,
                          "Last run %" PRId64 " s ago: does cron start \"simpletuner-cloud cron\" "
                          "every minute? (active jobs: %" PRId64 ", overdue tasks: %" PRId64 ")",
                          age_s, active, tasks->overdue);
}

enum err health_companion(struct ctx *ctx, struct health *health)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct task_overview tasks;
        int64_t active;
        enum err rc;

        rc = store_tasks_overview(ctx, now_us, now_us - COMPANION_LATE_S * US_PER_S, &tasks);
        if (rc == OK)
                rc = count_active(ctx, &active);
        if (rc != OK) /* the database stopped answering just now */
                return rc == ERR_NOMEM ? rc : OK;
        return add_companion(ctx, &tasks, active, health);
}

enum err health_background(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "background", .latency_ms = -1 };
        const struct pulses *pulses = &ctx->cloud->pulses;
        const unsigned count = atomic_load(&pulses->count);
        const int64_t now_us = clock_mono_us(ctx->clock);

        for (unsigned i = 0; i < count; i++) {
                const struct pulse *pulse = &pulses->each[i];
                const unsigned failures = atomic_load(&pulse->failures);

                component.status = HEALTH_DEGRADED;
                if (pulse_is_late(pulse, now_us))
                        return health_add(ctx, health, component,
                                          "The work \"%s\" hangs since %" PRId64 " s", pulse->name,
                                          pulse_age_s(pulse, now_us));
                if (failures >= FAILURES_MIN)
                        return health_add(ctx, health, component,
                                          "The work \"%s\" failed %u times in a row; the log says "
                                          "why",
                                          pulse->name, failures);
        }
        component.status = HEALTH_HEALTHY;
        return count ? health_add(ctx, health, component, "%u threads at work", count) : OK;
}

/* The signature of the head and the entry it names: what is before that takes longer to check. */
static enum err look_at_head(struct ctx *ctx, bool *ret_good)
{
        const struct audit_key_set *keys;
        struct audit_head head;
        const char *hash;
        enum err rc;

        rc = store_audit_head_get(ctx, &head);
        if (rc != OK)
                return rc;
        if (!head.mac) {
                *ret_good = head.entries == 0;
                return OK;
        }
        rc = audit_keys_get(ctx, false, &keys);
        if (rc == OK)
                rc = store_audit_hash(ctx, head.audit_id, &hash);
        if (rc == OK)
                *ret_good =
                        audit_head_is_good(keys, &head) && audit_hash_equal(hash, head.entry_hash);
        return rc;
}

enum err health_audit(struct ctx *ctx, struct health *health)
{
        struct health_component component = { .name = "audit", .latency_ms = -1 };
        bool good = false;
        enum err rc = look_at_head(ctx, &good);

        if (rc == ERR_NOMEM)
                return rc;
        if (good)
                return health_add(ctx, health, component, "The head of the audit log is good");
        component.status = HEALTH_UNHEALTHY;
        if (rc == ERR_UNAVAILABLE)
                return health_add(ctx, health, component,
                                  "The key or the head of the audit log cannot be read");
        return health_add(ctx, health, component,
                          "The audit log was tampered with, or its key is another: run "
                          "\"simpletuner-cloud audit verify\"");
}

enum err health_state_backend(struct ctx *ctx, struct health *health)
{
        const char *name = limiter_backend_name(ctx);
        int64_t start_us = clock_mono_us(ctx->clock);
        enum err rc = limiter_ping(ctx);
        const struct health_component component = {
                .name = "state_backend",
                .status = rc == OK ? HEALTH_HEALTHY : HEALTH_DEGRADED,
                .latency_ms = health_latency_ms(ctx, start_us),
        };

        /* Why is in the log: it names hosts and files. */
        return rc == OK ? health_add(ctx, health, component, "%s", name)
                        : health_add(ctx, health, component, "%s is away, limits are not enforced",
                                     name);
}
