/* What the database and the parts of the service say of themselves, read before a line is written,
 * so that a family is there whole or not at all. Private to metrics*.c. */
#ifndef CORE_CLOUD_METRICS_METRICS_DATA_H
#define CORE_CLOUD_METRICS_METRICS_DATA_H

#include "core/cloud/health/health.h"
#include "core/cloud/job/cost.h"
#include "core/cloud/secrets/secrets.h"
#include "core/store/store_breakers.h"
#include "core/store/store_tasks.h"
#include "core/store/store_totals.h"

#define METRICS_PROVIDERS_MAX 32
#define METRICS_TYPES_MAX     128 /* of audit entries; those beyond are left out */
#define METRICS_SPANS_MAX     2048
#define METRICS_TASKS_MAX     64

struct metrics_jobs {
        const char *provider;
        int64_t finished[JOB_STATUS_COUNT], deleted[JOB_STATUS_COUNT], active[JOB_STATUS_COUNT];
        int64_t cost_usd_micros;
        int64_t oldest_us; /* when the oldest was made that the provider has not begun; 0: none */
};

struct metrics_provider {
        const char *provider;
        struct breaker breaker;
        struct cost_limit limit;
};

struct metrics_audit_type {
        const char *type;
        int64_t there, written;
};

struct metrics_data {
        bool database_up;
        struct health health;
        struct secret_status secrets[SECRET_SOURCES_MAX];
        size_t secret_count;
        int64_t free_bytes;      /* < 0: not known */
        int64_t tracked_clients; /* < 0: not known */

        /* The rest is there when database_up, and of the categories that were asked for. */
        struct metrics_jobs jobs[METRICS_PROVIDERS_MAX];
        size_t job_count;
        struct total_span *spans;
        size_t span_count;
        int64_t approvals_finished[APPROVAL_STATUS_COUNT], approvals_deleted[APPROVAL_STATUS_COUNT],
                approvals_pending;
        int64_t backup_success_us, backup_verified_us, backup_bytes; /* 0: not known */
        int64_t backup_took_us, backups_failed;
        int64_t wal_looked_us; /* 0: never, or not kept */
        bool has_audit;
        struct audit_totals audit;
        struct metrics_audit_type *types;
        size_t type_count;
        struct waiting_totals waiting;
        struct task_row *tasks;
        size_t task_count;
        struct metrics_provider providers[METRICS_PROVIDERS_MAX];
        size_t provider_count;
};

/* Read what the categories (bits of enum metrics_category) need. Whatever is wrong with the
 * database makes database_up false. ERR_NOMEM alone fails. */
NODISCARD enum err metrics_data_read(struct ctx *ctx, unsigned categories,
                                     struct metrics_data *ret);

#endif
