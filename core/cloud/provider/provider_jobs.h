/* Questions about jobs that are the same whatever the provider: made of the functions in its table.
 * ERR_NOT_READY everywhere: its circuit breaker is open. */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_JOBS_H
#define CORE_CLOUD_PROVIDER_PROVIDER_JOBS_H

#include "core/cloud/provider/provider.h"

/* Ask about one job. ERR_NOT_FOUND: the provider does not have it. ERR_PROVIDER. */
NODISCARD enum err provider_status(struct ctx *ctx, const struct provider_session *session,
                                   const char *external_id, struct provider_job *ret);

/* What a job has written so far, "" when nothing. Otherwise as provider_status. */
NODISCARD enum err provider_logs(struct ctx *ctx, const struct provider_session *session,
                                 const char *external_id, const char **ret_logs);

/* Look for the job that carries our id among those made since created_at_us. ERR_NOT_FOUND: surely
 * not there. ERR_PROVIDER. */
NODISCARD enum err provider_find_job(struct ctx *ctx, const struct provider_session *session,
                                     const char *job_id, int64_t created_at_us,
                                     struct provider_job *ret);

#endif
