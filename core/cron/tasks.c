/* THE task table, and the small bodies that join it to core/cloud. */
#include "core/cron/tasks.h"

#include <string.h>

#include "core/cloud/approval/approval.h"
#include "core/cloud/archive/archive.h"
#include "core/cloud/audit/audit_forward.h"
#include "core/cloud/audit/audit_note.h"
#include "core/cloud/audit/audit_retention.h"
#include "core/cloud/auth/login.h"
#include "core/cloud/auth/session.h"
#include "core/cloud/backup/backup.h"
#include "core/cloud/backup/backup_schedule.h"
#include "core/cloud/data/submission_run.h"
#include "core/cloud/job/job_poll.h"
#include "core/cloud/job/job_recovery.h"
#include "core/cloud/job/polling.h"
#include "core/cloud/limits/limiter.h"
#include "core/cloud/remote/remote_leftover.h"
#include "core/cloud/retention.h"
#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_store.h"
#include "core/cloud/wal/wal_capture.h"
#include "core/cloud/webhook/inbox.h"

/* Deal with at most limit things. */
typedef enum err batch_fn(struct ctx *ctx, unsigned limit, unsigned *ret_count);

/* Batch after batch, until one was not full. what: what was done to the things. */
static enum err in_batches(struct ctx *ctx, struct task_run *run, batch_fn *fn, const char *what)
{
        int64_t total = 0;
        unsigned count;
        enum err rc;

        do {
                count = 0;
                rc = fn(ctx, run->task->batch, &count);
                total += count;
        } while (rc == OK && count == run->task->batch && task_run_goes_on(ctx, run));
        task_run_count(run, what, total);
        return rc;
}

static enum err poll_jobs(struct ctx *ctx, struct task_run *run)
{
        struct poll_round round = poll_round_begin(ctx);
        bool off;
        enum err rc = polling_is_off(ctx, &off);

        if (rc == OK && off)
                return task_run_idle(run, "polling is switched off");
        while (rc == OK && round.more) {
                rc = job_poll(ctx, &round, run->task->batch);
                if (rc == OK && round.more && !task_run_goes_on(ctx, run))
                        break;
        }
        task_run_count(run, "asked", round.report.asked);
        task_run_count(run, "moved", round.report.moved);
        task_run_count(run, "found", round.report.found);
        task_run_count(run, "failed", round.report.failed);
        task_run_count(run, "left", round.report.left);
        return rc;
}

static enum err apply_webhooks(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, webhook_apply_due, "applied");
}

/* The responder does this as soon as a job ends; here is what it left. */
static enum err archive_results(struct ctx *ctx, struct task_run *run)
{
        struct archive_limits limits = { .jobs = run->task->batch };
        struct archive_report report = { 0 };
        enum err rc;

        limits.deadline_us = clock_mono_us(ctx->clock) + (int64_t)run->task->deadline_s * US_PER_S;
        rc = archive_run_due(ctx, &limits, &report);
        task_run_count(run, "fetched", report.done);
        task_run_count(run, "waiting", report.waiting);
        task_run_count(run, "failed", report.failed);
        return rc;
}

static enum err sweep_uploading(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, job_recovery_end_stalled, "interrupted");
}

static enum err sweep_uploads(struct ctx *ctx, struct task_run *run)
{
        unsigned swept = 0;
        enum err rc = object_store_sweep(ctx, &swept);

        task_run_count(run, "swept", swept);
        return rc == OK ? in_batches(ctx, run, remote_leftover_sweep, "removed") : rc;
}

static enum err sweep_multiparts(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, multipart_sweep, "forgotten");
}

static enum err prune_idempotency(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, retention_idempotency, "forgotten");
}

static enum err prune_events(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, retention_events, "forgotten");
}

static enum err prune_webhooks(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, webhook_prune, "forgotten");
}

static enum err prune_ledger(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, retention_ledger, "forgotten");
}

static enum err expire_approvals(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, approval_expire, "expired");
}

/* The responder does this as soon as there is one; here is what it left. */
static enum err run_submissions(struct ctx *ctx, struct task_run *run)
{
        int64_t looked_at = 0;
        bool more = true;
        enum err rc = OK;

        while (rc == OK && more) {
                rc = submission_run_due(ctx, &more);
                looked_at += rc == OK && more;
                if (rc == OK && more && !task_run_goes_on(ctx, run))
                        break;
        }
        task_run_count(run, "run", looked_at);
        return rc;
}

static enum err prune_sessions(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, session_prune, "forgotten");
}

static enum err prune_logins(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, login_prune, "forgotten");
}

static enum err prune_jobs(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, retention_jobs, "forgotten");
}

static enum err prune_audit(struct ctx *ctx, struct task_run *run)
{
        return in_batches(ctx, run, audit_retention_prune, "forgotten");
}

/* The responder does this as soon as there are entries; here is what it left. */
static enum err forward_audit(struct ctx *ctx, struct task_run *run)
{
        unsigned sent = 0;
        enum err rc = audit_forward_all(ctx, (int64_t)run->task->deadline_s * US_PER_S, &sent);

        task_run_count(run, "forwarded", sent);
        return rc;
}

static enum err note_audit(struct ctx *ctx, struct task_run *run)
{
        bool written;
        enum err rc = audit_note_write(ctx, &written);

        task_run_count(run, "noted", written);
        return rc;
}

static enum err sweep_limits(struct ctx *ctx, struct task_run *run)
{
        enum err rc = limiter_sweep(ctx);

        task_run_count(run, "failed", rc != OK);
        return rc;
}

/* The responder does this while it runs. */
static enum err keep_log(struct ctx *ctx, struct task_run *run)
{
        struct wal_look look;
        enum err rc;

        if (!wal_capture_is_on(ctx))
                return task_run_idle(run, "no log is kept");
        rc = wal_capture_once(ctx, &look);
        if (rc == OK && look.elsewhere)
                return task_run_idle(run, "the service keeps the log");
        task_run_count(run, "kept", look.commits);
        return rc;
}

/* Somebody else's backup or restore comes first. */
static enum err lock_backups(struct ctx *ctx, struct task_run *run, struct backup_lock *lock,
                             bool *ret_held)
{
        enum err rc = backup_lock_take(ctx, lock);

        *ret_held = rc == OK;
        return rc == ERR_CONFLICT ? task_run_idle(run, ctx->detail) : rc;
}

static enum err make_backup(struct ctx *ctx, struct task_run *run)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        const struct backup_wish wish = { .name = "scheduled" };
        struct backup_times times;
        struct backup backup;
        bool held = false;
        enum err rc = backup_times(ctx, &times);

        if (rc != OK || !backup_is_due(ctx, &times))
                return rc == OK ? task_run_idle(run, "the last backup is recent enough") : rc;
        rc = lock_backups(ctx, run, &lock, &held);
        if (rc != OK || !held)
                return rc;
        rc = backup_make(ctx, &lock, &wish, &backup);
        task_run_count(run, "made", rc == OK);
        return rc;
}

static enum err rehearse_backup(struct ctx *ctx, struct task_run *run)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        struct backup_times times;
        struct backup backup;
        bool held = false, partly = false;
        enum err rc = backup_times(ctx, &times);

        if (rc != OK || !backup_rehearsal_is_due(ctx, &times))
                return rc == OK ? task_run_idle(run, "the last rehearsal is recent enough") : rc;
        rc = backup_find(ctx, NULL, &backup);
        if (rc == ERR_NOT_FOUND)
                return task_run_idle(run, "there is no backup on this host");
        if (rc == OK)
                rc = lock_backups(ctx, run, &lock, &held);
        if (rc != OK || !held)
                return rc;
        rc = backup_rehearse(ctx, &lock, &backup, &partly);
        if (rc != OK)
                backup_count_failure(ctx);
        task_run_count(run, partly ? "read" : "restored", rc == OK);
        return rc;
}

static enum err prune_backups(struct ctx *ctx, struct task_run *run)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        unsigned count = 0;
        bool held;
        enum err rc = lock_backups(ctx, run, &lock, &held);

        if (rc != OK || !held)
                return rc;
        rc = backup_prune(ctx, &lock, &count);
        task_run_count(run, "deleted", count);
        return rc;
}

/* clang-format off */
static const struct task tasks[] = {
        /* name             every_s  batch  deadline_s  run               */
        { POLLING_TASK,          30,    64,        120, poll_jobs         },
        { "apply_webhooks",      60,   100,        120, apply_webhooks    },
        { "archive_results",     60,    20,        300, archive_results   },
        { "sweep_uploading",     60,    50,         60, sweep_uploading   },
        { "sweep_uploads",      300,    50,        300, sweep_uploads     },
        { "sweep_multiparts",   600,   100,        120, sweep_multiparts  },
        { "prune_idempotency",  600,  1000,         60, prune_idempotency },
        { "prune_events",       600,  1000,         60, prune_events      },
        { "prune_webhooks",     600,  1000,         60, prune_webhooks    },
        { "prune_sessions",    3600,  1000,         60, prune_sessions    },
        { "prune_logins",      3600,  1000,         60, prune_logins      },
        { "note_audit",          60,     1,         30, note_audit        },
        { "forward_audit",       60,   100,         60, forward_audit     },
        { "prune_audit",       3600,  1000,        300, prune_audit       },
        { "prune_jobs",        3600,   100,        300, prune_jobs        },
        { "prune_ledger",      3600,  1000,         60, prune_ledger      },
        { "sweep_limits",        60,     1,         60, sweep_limits      },
        { "expire_approvals",    60,    50,         60, expire_approvals  },
        { "keep_log",           60,     1,        300, keep_log          },
        { "backup",             900,     1,       3600, make_backup       },
        { "rehearse_backup",   3600,     1,       3600, rehearse_backup   },
        { "prune_backups",     3600,     1,        300, prune_backups     },
        { "run_submissions",     60,     1,        300, run_submissions   }, /* last: data takes long */
};
/* clang-format on */

const struct task *task_at(size_t n)
{
        return n < ARRAY_SIZE(tasks) ? &tasks[n] : NULL;
}

const struct task *task_find(const char *name)
{
        for (size_t n = 0; task_at(n); n++) {
                if (strcmp(task_at(n)->name, name) == 0)
                        return task_at(n);
        }
        return NULL;
}
