/* Totals that outlive what they count, and what is active now: all that metrics say of jobs,
 * approvals and the audit log, read at the same cost however many of them there are. Adding is
 * done inside the transaction of what is counted, by core/store itself. */
#ifndef CORE_STORE_STORE_TOTALS_H
#define CORE_STORE_STORE_TOTALS_H

#include "core/store/store_approvals.h"
#include "core/store/store_jobs.h"

/* A job went from one row to another: count its end, its cost, its wait and its run. A span that
 * is corrected later keeps the length it was first known with. */
NODISCARD enum err store_totals_job_changed(struct ctx *ctx, const struct job *old,
                                            const struct job *now);
/* A job that had ended is gone. */
NODISCARD enum err store_totals_job_deleted(struct ctx *ctx, const struct job *job);
/* An approval was decided; a decided one is gone. */
NODISCARD enum err store_totals_approval_finished(struct ctx *ctx, enum approval_status status);
NODISCARD enum err store_totals_approval_deleted(struct ctx *ctx, const char *status);

/* Rows as of one moment, in no order. Texts live until the callback returns. */
enum total_kind {
        TOTAL_JOBS_FINISHED, /* of a provider and a status */
        TOTAL_JOBS_DELETED,
        TOTAL_JOB_COST, /* USD micros, of a provider */
        TOTAL_JOBS_ACTIVE,
        TOTAL_APPROVALS_FINISHED, /* of a status */
        TOTAL_APPROVALS_DELETED,
        TOTAL_APPROVALS_PENDING,
        TOTAL_BACKUP_SUCCESS_US, /* these are set, not added to: of the last backup */
        TOTAL_BACKUP_VERIFIED_US,
        TOTAL_BACKUP_BYTES,
        TOTAL_BACKUP_TOOK_US,
        TOTAL_BACKUPS_FAILED, /* added to, as the first ones */
        TOTAL_KIND_COUNT
};
struct total {
        enum total_kind kind;
        const char *provider, *label; /* label: the status */
        int64_t value;
        int64_t oldest_us; /* TOTAL_JOBS_ACTIVE: when the oldest of them was made */
};
typedef enum err total_row_fn(struct ctx *ctx, void *arg, const struct total *total);
NODISCARD enum err store_totals_each(struct ctx *ctx, total_row_fn *row, void *arg);

/* For the kinds that are set; and a backup that failed. Inside a transaction. */
NODISCARD enum err store_total_set(struct ctx *ctx, enum total_kind kind, int64_t value);
NODISCARD enum err store_totals_backup_failed(struct ctx *ctx);

/* The histograms: "job_queue" from being made to its start, by provider; "job_run" from start to
 * end, by provider and final status. Ordered by name, provider, label and bound, the last being 0:
 * beyond all. A bound that nothing fell below has no row. */
#define TOTAL_SPAN_BOUNDS 9
extern const int64_t total_span_bounds_s[TOTAL_SPAN_BOUNDS];
struct total_span {
        const char *name, *provider, *label;
        int64_t upto_s, spans, total_us;
};
typedef enum err total_span_fn(struct ctx *ctx, void *arg, const struct total_span *span);
NODISCARD enum err store_total_spans_each(struct ctx *ctx, total_span_fn *row, void *arg);

/* Numbers of entries of the audit log: ever, and since a time. ERR_NOT_FOUND: its head is gone. */
struct audit_totals {
        int64_t ever, since;
};
NODISCARD enum err store_audit_totals(struct ctx *ctx, int64_t since_us, struct audit_totals *ret);
/* Of each type, in order: those that are there, and all that were written. */
typedef enum err audit_total_fn(struct ctx *ctx, void *arg, const char *type, int64_t there,
                                int64_t written);
NODISCARD enum err store_audit_totals_each(struct ctx *ctx, audit_total_fn *row, void *arg);

/* Deliveries that wait to be applied: for the first time, and after a failure. Uploads in parts
 * that are under way. */
struct waiting_totals {
        int64_t new_deliveries, failed_deliveries, multiparts;
};
NODISCARD enum err store_waiting_totals(struct ctx *ctx, struct waiting_totals *ret);

#endif
