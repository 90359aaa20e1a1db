#include "core/cron/scheduler.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cron/signals.h"

static const char logger[] = "simpletuner.cloud.cron";

const char *task_outcome_name(enum task_outcome outcome)
{
        static const char *const names[TASK_OUTCOME_COUNT] = {
                [TASK_NOT_DUE] = "not_due", [TASK_HELD] = "held",     [TASK_IDLE] = "idle",
                [TASK_DONE] = "done",       [TASK_FAILED] = "failed",
        };

        return names[outcome];
}

void task_run_count(struct task_run *run, const char *name, int64_t value)
{
        unsigned n = 0;

        while (n < TASK_COUNTS_MAX - 1 && run->counts[n].name)
                n++;
        run->counts[n].name = name;
        run->counts[n].value = value;
}

enum err task_run_idle(struct task_run *run, const char *why)
{
        run->outcome = TASK_IDLE;
        snprintf(run->text, sizeof(run->text), "%s", why);
        return OK;
}

bool task_run_goes_on(struct ctx *ctx, struct task_run *run)
{
        enum err rc;

        arena_reset(ctx->arena);
        if (signals_stop() || clock_mono_us(ctx->clock) >= run->stop_at_us)
                return false;
        rc = task_lease_extend(ctx, &run->lease);
        if (rc != OK)
                log_event(ctx, LOG_WARNING, logger, "A task ends early", "task", run->task->name,
                          "reason", ctx->detail);
        return rc == OK;
}

/* "asked 3, moved 1" */
static void describe_counts(struct task_run *run)
{
        size_t len = 0;

        for (unsigned n = 0; n < TASK_COUNTS_MAX && run->counts[n].name; n++)
                len += (size_t)snprintf(run->text + len, sizeof(run->text) - len, "%s%s %" PRId64,
                                        n ? ", " : "", run->counts[n].name, run->counts[n].value);
}

/* Do the task, whose lease is held. */
static enum err perform(struct ctx *ctx, struct task_run *run)
{
        enum err rc;

        FAULT_POINT("task.leased");
        rc = run->task->run(ctx, run);
        if (rc == OK && run->outcome == TASK_DONE)
                describe_counts(run);
        if (rc == OK)
                return OK;
        run->outcome = TASK_FAILED;
        snprintf(run->text, sizeof(run->text), "%s", ctx->detail);
        log_event(ctx, LOG_ERROR, logger, "A task failed", "task", run->task->name, "error",
                  err_code(rc), "reason", ctx->detail);
        return rc;
}

static enum err perform_and_end(struct ctx *ctx, struct task_run *run)
{
        struct task_result result = { .text = run->text };
        enum err rc, ended;

        rc = perform(ctx, run);
        result.failed = run->outcome == TASK_FAILED;
        result.idle = run->outcome == TASK_IDLE;
        ended = task_lease_end(ctx, &run->lease, &result);
        if (rc == OK)
                return ended;
        return ctx_fail(ctx, rc, "%s: %s", run->task->name, run->text);
}

enum err scheduler_run(struct ctx *ctx, const struct task *task, bool at_once, struct task_run *ret)
{
        CLEANUP(arena_freep) struct arena *own = arena_new();
        struct arena *outer = ctx->arena;
        const struct task_terms terms = {
                .name = task->name,
                .every_us = task->every_s * US_PER_S,
                .lease_us = task->deadline_s * US_PER_S,
                .at_once = at_once,
        };
        enum err rc;

        *ret = (struct task_run){ .task = task, .outcome = TASK_DONE };
        if (!own)
                return ctx_nomem(ctx);
        ctx->arena = own;
        cloud_new_correlation_id(ctx);
        ret->stop_at_us = clock_mono_us(ctx->clock) + terms.lease_us;
        rc = task_lease_take(ctx, &terms, &ret->lease);
        if (rc == ERR_NOT_READY || rc == ERR_CONFLICT) {
                ret->outcome = rc == ERR_CONFLICT ? TASK_HELD : TASK_NOT_DUE;
                snprintf(ret->text, sizeof(ret->text), "%s", ctx->detail);
                rc = OK;
        } else if (rc == OK) {
                rc = perform_and_end(ctx, ret);
        }
        ctx->arena = outer;
        return rc;
}
