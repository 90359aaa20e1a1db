#include "core/cloud/job/job_sync.h"

#include <string.h>

#include "core/cloud/job/job.h"
#include "core/db/db.h"

#define PAGES_MAX 50

/* Our row of a job of theirs: by their id, or by ours in its input while theirs is not known yet.
 * ERR_NOT_FOUND. */
static enum err find_ours(struct ctx *ctx, const char *provider_id,
                          const struct provider_job *theirs, struct job *ret)
{
        enum err rc = store_job_by_external_id(ctx, provider_id, theirs->external_id, ret);

        if (rc != ERR_NOT_FOUND || !theirs->our_job_id || !job_id_is_valid(theirs->our_job_id))
                return rc;
        rc = store_job_get(ctx, theirs->our_job_id, ret);
        if (rc == OK && (ret->external_id || ret->status == JOB_BLOCKED ||
                         strcmp(ret->provider, provider_id) != 0))
                return ERR_NOT_FOUND;
        return rc;
}

/* The hardware as the name of the model tells it; what costs nothing known has no price. */
static void describe_hardware(struct ctx *ctx, const struct provider_session *session,
                              const struct provider_job *theirs, struct job *job)
{
        const char *slash = theirs->model ? strrchr(theirs->model, '/') : NULL;
        struct hardware hardware;

        if (!slash || hardware_find(ctx, slash + 1, &hardware) != OK)
                return;
        job->hardware_profile = hardware.profile;
        job->hardware_type = hardware.label;
        job->price_usd_nanos_per_s =
                hardware_price_nanos(&hardware, session->settings.hardware_info);
}

/* A row for a job that was submitted elsewhere. It was made when it began, as far as we know. */
static enum err adopt(struct ctx *ctx, const struct provider_session *session,
                      const struct provider_job *theirs)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char job_id[ULID_SIZE];
        struct job job = {
                .job_id = job_id,
                .provider = session->provider->id,
                .status = JOB_PENDING,
                .metadata = "{\"adopted\":true}",
                .owner = ctx_actor_name(ctx),
                .attempt = 1,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = theirs->started_at_us,
                .poll_at_us = clock_wall_us(ctx->clock),
        };
        bool moved;
        enum err rc;

        if (!job.created_at_us)
                job.created_at_us = clock_wall_us(ctx->clock);
        describe_hardware(ctx, session, theirs, &job);
        rc = crypto_ulid(ctx, job_id);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_job_insert(ctx, &job, &(struct job_secrets){ 0 });
        if (rc == OK)
                rc = job_take_news(ctx, &job, theirs, &moved);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err take_one(struct ctx *ctx, const struct provider_session *session,
                         const struct provider_job *theirs, struct sync_report *report)
{
        bool moved = false;
        struct job job;
        enum err rc;

        rc = find_ours(ctx, session->provider->id, theirs, &job);
        if (rc == ERR_NOT_FOUND) {
                rc = adopt(ctx, session, theirs);
                report->adopted += rc == OK;
                return rc == ERR_CONFLICT ? OK : rc; /* somebody else took it in just now */
        }
        if (rc != OK)
                return rc;
        if (job.external_id && job_status_is_terminal(job.status))
                return OK;
        rc = job_record_news(ctx, &job, theirs, &moved);
        report->updated += rc == OK && (moved || !job.external_id);
        return rc;
}

static enum err settled(enum err rc)
{
        return rc == ERR_OUTCOME_UNKNOWN || rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
}

enum err job_sync(struct ctx *ctx, const char *provider_id, struct sync_report *ret)
{
        struct sync_report report = { 0 };
        struct provider_session session;
        const char *cursor = NULL;
        enum err rc;

        rc = provider_open(ctx, provider_id, &session);
        if (rc != OK)
                return rc;
        report.provider_name = session.provider->name;
        for (unsigned pages = 0; pages < PAGES_MAX && !report.is_complete; pages++) {
                struct provider_page page = { 0 };

                rc = settled(session.provider->list(ctx, &session, cursor, &page));
                for (size_t i = 0; rc == OK && i < page.count; i++)
                        rc = take_one(ctx, &session, &page.jobs[i], &report);
                if (rc != OK)
                        return rc;
                cursor = page.next;
                report.is_complete = !cursor;
        }
        *ret = report;
        return OK;
}
