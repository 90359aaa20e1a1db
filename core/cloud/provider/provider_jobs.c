#include "core/cloud/provider/provider_jobs.h"

#include <string.h>

#include "core/cloud/provider/provider_call.h"
#include "core/cloud/provider/provider_rest.h"

#define LIST_PAGES_MAX 50               /* when looking for a lost job */
#define CLOCK_SLACK_US (600 * US_PER_S) /* their clock may differ from ours by this much */

enum err provider_status(struct ctx *ctx, const struct provider_session *session,
                         const char *external_id, struct provider_job *ret)
{
        struct http_request request = { 0 };
        struct http_answer answer = { 0 };
        enum err rc;

        rc = session->provider->status_request(ctx, session, external_id, &request);
        if (rc == OK)
                rc = provider_call(ctx, session, &request, &answer);
        if (rc == OK)
                rc = session->provider->status_answer(ctx, &answer, ret);
        return provider_rest_settled(rc);
}

enum err provider_logs(struct ctx *ctx, const struct provider_session *session,
                       const char *external_id, const char **ret_logs)
{
        struct provider_job job;
        enum err rc = provider_status(ctx, session, external_id, &job);

        if (rc == OK)
                *ret_logs = job.logs ? job.logs : "";
        return rc;
}

enum err provider_find_job(struct ctx *ctx, const struct provider_session *session,
                           const char *job_id, int64_t created_at_us, struct provider_job *ret)
{
        const char *cursor = NULL;

        for (unsigned pages = 0; pages < LIST_PAGES_MAX; pages++) {
                struct provider_page page = { 0 };
                enum err rc = session->provider->list(ctx, session, cursor, &page);

                if (rc != OK)
                        return rc == ERR_NOT_FOUND ? ERR_PROVIDER : provider_rest_settled(rc);
                for (size_t i = 0; i < page.count; i++) {
                        const char *ours = page.jobs[i].our_job_id;

                        if (ours && strcmp(ours, job_id) == 0) {
                                *ret = page.jobs[i];
                                return OK;
                        }
                }
                cursor = page.next;
                if (!cursor || (page.oldest_created_us &&
                                page.oldest_created_us < created_at_us - CLOCK_SLACK_US))
                        return ERR_NOT_FOUND;
        }
        return ctx_fail(ctx, ERR_PROVIDER, "the list of %s is too long to search",
                        session->provider->name);
}
