#include "core/cloud/webhook/webhook_sender.h"

#include <string.h>

#include "core/cloud/job/job.h"

enum err webhook_sender_open(struct ctx *ctx, const char *provider_id, const char *job_hint,
                             struct webhook_sender *ret)
{
        struct webhook_sender sender = { 0 };
        struct job job = { 0 };
        enum err rc = ERR_NOT_FOUND;

        if (job_hint && job_id_is_valid(job_hint))
                rc = store_job_get(ctx, job_hint, &job);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (rc == OK && strcmp(job.provider, provider_id) != 0)
                rc = ERR_NOT_FOUND;
        rc = provider_open_for(ctx, provider_id, rc == OK ? job.owner : "", &sender.session);
        if (rc != OK)
                return rc;
        if (sender.session.token_is_owners) {
                sender.job_id = job.job_id;
                sender.external_id = job.external_id;
        }
        *ret = sender;
        return OK;
}

bool webhook_sender_may_tell(const struct webhook_sender *sender, const struct webhook_event *event)
{
        const char *ours = event->news.our_job_id;

        if (!sender->job_id || !event->subject || strcmp(event->subject, sender->job_id) == 0)
                return true;
        if (sender->external_id)
                return strcmp(event->subject, sender->external_id) == 0;
        return ours && strcmp(ours, sender->job_id) == 0;
}
