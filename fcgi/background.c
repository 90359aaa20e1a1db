#include "fcgi/background.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/streak.h"
#include "core/cloud/archive/archive.h"
#include "core/cloud/audit/audit_forward.h"
#include "core/cloud/backup/backup_run.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/data/submission_run.h"
#include "core/cloud/event/event_hub.h"
#include "core/cloud/limits/rate_refusal.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/wal/wal_capture.h"
#include "core/cloud/webhook/inbox.h"
#include "core/cloud/webhook/webhook_intake.h"

#define STACK_SIZE     (512 * KiB)
#define RETRY_MS       1000 /* after a failure */
#define INBOX_STEP     100  /* deliveries per look */
#define INBOX_YIELD_MS 100  /* at most so long they wait for others that arrive */
#define LOOK_S         180 /* the longest that a look may take where no files are sent or fetched */

static const char logger[] = "simpletuner.cloud.background";

/* One kind of work: do some of it, *ret_more tells whether there is more to do at once. */
typedef enum err work_fn(struct ctx *ctx, bool *ret_more);

struct worker {
        const char *name;
        enum bell bell;
        unsigned look_every_ms; /* without the bell */
        unsigned limit_s;       /* as of its pulse */
        work_fn *work;
};

static enum err apply_webhooks(struct ctx *ctx, bool *ret_more)
{
        unsigned applied = 0;
        enum err rc;

        webhook_intake_yield(ctx->cloud->webhook_intake, INBOX_YIELD_MS);
        rc = webhook_apply_due(ctx, INBOX_STEP, &applied);
        *ret_more = applied > 0;
        return rc;
}

static enum err keep_secrets(struct ctx *ctx, bool *ret_more)
{
        *ret_more = false;
        return secrets_keep(ctx);
}

static enum err fetch_results(struct ctx *ctx, bool *ret_more)
{
        const struct archive_limits limits = { .jobs = 1 };
        struct archive_report report;
        enum err rc = archive_run_due(ctx, &limits, &report);

        *ret_more = rc == OK && report.done + report.failed + report.waiting > 0;
        return rc;
}

static enum err keep_log(struct ctx *ctx, bool *ret_more)
{
        struct wal_look look;

        *ret_more = false;
        return wal_capture_run(ctx, ctx->cloud->wal_capture, &look);
}

/* clang-format off */
static const struct worker workers[] = {
        { "events",      BELL_LISTENERS,   60 * 1000, LOOK_S, event_hub_watch },
        { "inbox",       BELL_INBOX,       1000,      LOOK_S, apply_webhooks },
        { "archive",     BELL_ARCHIVE,     2000,      0,      fetch_results },
        { "archive 2",   BELL_ARCHIVE,     2000,      0,      fetch_results }, /* one large file stops nobody */
        { "submissions", BELL_SUBMISSIONS, 5000,      0,      submission_run_due },
        { "audit",       BELL_AUDIT,       1000,      LOOK_S, audit_forward_run },
        { "refusals",    BELL_REFUSALS,    1000,      LOOK_S, rate_refusal_write },
        { "log",         BELL_CLOCK,        1000,      0,      keep_log }, /* a base is as large as the database */
        { "backup",      BELL_BACKUP,      1000,      0,      backup_run_work },
        { "secrets",     BELL_SECRETS,     5000,      LOOK_S, keep_secrets },
        { NULL, BELL_COUNT, 0, 0, NULL },
};
/* clang-format on */

struct background {
        struct ctx model;
        unsigned count;
        struct thread {
                pthread_t id;
                const struct worker *worker;
                const struct ctx *model;
                struct pulse *pulse;
        } threads[ARRAY_SIZE(workers)];
};

/* A database that is away for hours, say, fails every second: one line a minute is enough. */
static void tell(struct ctx *ctx, const struct worker *worker, struct streak *streak, enum err rc)
{
        const int64_t now_us = clock_mono_us(ctx->clock);
        const enum streak_word word = streak_note(streak, rc != OK, now_us);
        char failures[24], seconds[24];

        if (word == STREAK_SILENT)
                return;
        snprintf(failures, sizeof(failures), "%" PRIu64, streak->count);
        snprintf(seconds, sizeof(seconds), "%" PRId64, (now_us - streak->since_us) / US_PER_S);
        if (word != STREAK_ENDS) {
                log_event(ctx, LOG_ERROR, logger, "Background work failed", "work", worker->name,
                          "error", err_code(rc), "reason", ctx->detail, "#failures", failures,
                          "#seconds", seconds);
                return;
        }
        log_event(ctx, LOG_INFO, logger, "Background work goes on", "work", worker->name,
                  "#failures", failures, "#seconds", seconds);
        streak_reset(streak);
}

/* One look: true when there is more to do at once. */
static bool work_once(struct ctx *ctx, const struct thread *thread, struct streak *streak)
{
        bool more = false;
        enum err rc;

        ctx->detail[0] = '\0';
        ctx_set_job(ctx, NULL);
        cloud_new_correlation_id(ctx);
        pulse_begin(thread->pulse, clock_mono_us(ctx->clock));
        rc = cloud_check_schema(ctx);
        if (rc == OK)
                rc = thread->worker->work(ctx, &more);
        else if (rc == ERR_NOT_READY)
                rc = OK; /* readiness says that a migration is missing */
        pulse_end(thread->pulse, clock_mono_us(ctx->clock), rc != OK);
        tell(ctx, thread->worker, streak, rc);
        return more && rc == OK;
}

static void *run(void *arg)
{
        const struct thread *thread = arg;
        const struct worker *worker = thread->worker;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = *thread->model;
        struct cloud *cloud = ctx.cloud;
        struct streak streak = { 0 };
        unsigned seen = 0;

        ctx.arena = arena;
        ctx.actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN, .name = "service" };
        if (!arena || cloud_attach(&ctx, cloud) != OK) {
                log_event(NULL, LOG_ERROR, logger, "A thread could not start", "work",
                          worker->name);
                return NULL;
        }
        while (!atomic_load(&cloud->draining)) {
                bool more = work_once(&ctx, thread, &streak);

                arena_reset(arena);
                if (!more)
                        bell_wait(cloud->bells, worker->bell, &seen,
                                  streak.count ? RETRY_MS : worker->look_every_ms);
        }
        cloud_detach(&ctx);
        return NULL;
}

struct background *background_start(const struct ctx *model)
{
        struct background *background = calloc(1, sizeof(*background));
        pthread_attr_t attributes;

        if (!background)
                return NULL;
        background->model = *model;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        for (const struct worker *worker = workers; worker->name; worker++) {
                struct thread *thread = &background->threads[background->count];

                thread->worker = worker;
                thread->model = &background->model;
                thread->pulse = pulse_add(&model->cloud->pulses, worker->name, worker->limit_s,
                                          clock_mono_us(model->clock));
                if (!thread->pulse || pthread_create(&thread->id, &attributes, run, thread) != 0)
                        break;
                background->count++;
        }
        pthread_attr_destroy(&attributes);
        if (background->count + 1 == ARRAY_SIZE(workers))
                return background;
        return NULL; /* the process ends; the threads that did start end with it */
}

bool background_stop(struct background *background, unsigned timeout_s)
{
        const struct timespec until = clock_deadline(CLOCK_REALTIME, timeout_s * 1000);
        bool ended = true;

        bells_ring_all(background->model.cloud->bells);
        for (unsigned i = 0; i < background->count; i++)
                ended = pthread_timedjoin_np(background->threads[i].id, NULL, &until) == 0 && ended;
        if (ended)
                free(background);
        return ended;
}
