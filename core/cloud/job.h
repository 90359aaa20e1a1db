/* The life of a job: written before the provider is called, moved on by what the provider says,
 * ended once. Nothing here is paid twice: a submission whose outcome is unknown is never repeated,
 * it is looked for. */
#ifndef CORE_CLOUD_JOB_H
#define CORE_CLOUD_JOB_H

#include "core/cloud/job_news.h"
#include "core/store/store_job_list.h"

struct job_request {
        const json_t *config;            /* an object, required, not empty */
        const json_t *dataloader_config; /* an array of objects or NULL */
        const char *config_name, *webhook_url, *hardware_profile, *tracker_run_name; /* or NULL */
        bool data_consent; /* its local data sets may be sent to the provider */
};

/* Submit to a provider. *ret_job is the stored job afterwards; JOB_UPLOADING: its local data sets
 * are sent first, and the provider is called later. ERR_INVALID: the request. ERR_DENIED: its data
 * must not be sent. ERR_CONFLICT: the provider has no token, or consent to send data is missing.
 * ERR_PROVIDER: refused, the job is failed. ERR_OUTCOME_UNKNOWN: the job stays pending until the
 * companion finds out. ctx->job_id names the job once its row is written, also when this fails. */
NODISCARD enum err job_submit(struct ctx *ctx, const char *provider_id,
                              const struct job_request *request, struct job *ret_job);

/* The second half of it: call the provider for a job whose row is there, and write down what came
 * of it. *ret_job is the stored job; when it was cancelled meanwhile it is cancelled there too.
 * ERR_PROVIDER, ERR_OUTCOME_UNKNOWN as above. */
struct job_plan;
NODISCARD enum err job_send(struct ctx *ctx, const struct provider_session *session,
                            const struct job_plan *plan, struct job *ret_job);

/* Cancel at the provider, then here. ERR_NOT_FOUND. ERR_CONFLICT: it has ended. ERR_PROVIDER: the
 * provider did not do it, and the job is unchanged. */
NODISCARD enum err job_cancel(struct ctx *ctx, const char *job_id, struct job *ret_job);

/* ERR_NOT_FOUND. */
NODISCARD enum err job_get(struct ctx *ctx, const char *job_id, struct job *ret_job);

/* Call row for each job that matches, newest first; *ret_total counts all matches. */
NODISCARD enum err job_list(struct ctx *ctx, const struct job_filter *filter, job_row_fn *row,
                            void *arg, int64_t *ret_total);

/* Files a job has sent back, for its view. */
struct upload_progress {
        int64_t files, bytes, in_flight;
        int64_t last_upload_at_us; /* 0: none yet */
};
NODISCARD enum err job_upload_progress(struct ctx *ctx, const char *job_id,
                                       struct upload_progress *ret);

/* Is this text of the form of our ids? They go into paths and URLs. */
bool job_id_is_valid(const char *job_id);

#endif
