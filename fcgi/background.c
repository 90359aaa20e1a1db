#include "fcgi/background.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/cloud/archive.h"
#include "core/cloud/audit_forward.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event_hub.h"
#include "core/cloud/inbox.h"
#include "core/cloud/rate_refusal.h"
#include "core/cloud/submission_run.h"
#include "core/cloud/webhook_intake.h"

#define STACK_SIZE     (512 * KiB)
#define RETRY_MS       1000 /* after a failure */
#define INBOX_STEP     100  /* deliveries per look */
#define INBOX_YIELD_MS 100  /* at most so long they wait for others that arrive */

/* One kind of work: do some of it, *ret_more tells whether there is more to do at once. */
typedef enum err work_fn(struct ctx *ctx, bool *ret_more);

struct worker {
        const char *name;
        enum bell bell;
        unsigned look_every_ms; /* without the bell */
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

static enum err fetch_results(struct ctx *ctx, bool *ret_more)
{
        const struct archive_limits limits = { .jobs = 1 };
        struct archive_report report;
        enum err rc = archive_run_due(ctx, &limits, &report);

        *ret_more = rc == OK && report.done + report.failed + report.waiting > 0;
        return rc;
}

/* clang-format off */
static const struct worker workers[] = {
        { "events",      BELL_LISTENERS,   60 * 1000, event_hub_watch },
        { "inbox",       BELL_INBOX,       1000,      apply_webhooks },
        { "archive",     BELL_ARCHIVE,     2000,      fetch_results },
        { "archive 2",   BELL_ARCHIVE,     2000,      fetch_results }, /* one large file stops nobody */
        { "submissions", BELL_SUBMISSIONS, 5000,      submission_run_due },
        { "audit",       BELL_AUDIT,       1000,      audit_forward_run },
        { "refusals",    BELL_REFUSALS,    1000,      rate_refusal_write },
        { NULL, BELL_COUNT, 0, NULL },
};
/* clang-format on */

struct background {
        struct ctx model;
        unsigned count;
        struct thread {
                pthread_t id;
                const struct worker *worker;
                const struct ctx *model;
        } threads[ARRAY_SIZE(workers)];
};

/* One look: true when there is more to do at once. */
static bool work_once(struct ctx *ctx, const struct worker *worker, bool *ret_failed)
{
        bool more = false;
        enum err rc;

        ctx->detail[0] = '\0';
        ctx_set_job(ctx, NULL);
        cloud_new_correlation_id(ctx);
        rc = cloud_check_schema(ctx);
        if (rc == OK)
                rc = worker->work(ctx, &more);
        *ret_failed = rc != OK;
        if (rc != OK && rc != ERR_NOT_READY)
                log_event(ctx, LOG_ERROR, "simpletuner.cloud.background", "Background work failed",
                          "work", worker->name, "error", err_code(rc), "reason", ctx->detail);
        return more && rc == OK;
}

static void *run(void *arg)
{
        const struct thread *thread = arg;
        const struct worker *worker = thread->worker;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = *thread->model;
        struct cloud *cloud = ctx.cloud;
        unsigned seen = 0;

        ctx.arena = arena;
        ctx.actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN, .name = "service" };
        if (!arena || cloud_attach(&ctx, cloud) != OK) {
                log_event(NULL, LOG_ERROR, "simpletuner.cloud.background",
                          "A thread could not start", "work", worker->name);
                return NULL;
        }
        while (!atomic_load(&cloud->draining)) {
                bool failed;
                bool more = work_once(&ctx, worker, &failed);

                arena_reset(arena);
                if (!more)
                        bell_wait(cloud->bells, worker->bell, &seen,
                                  failed ? RETRY_MS : worker->look_every_ms);
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
                if (pthread_create(&thread->id, &attributes, run, thread) != 0)
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
