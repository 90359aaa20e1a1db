/* Calls that are the same whatever the provider: made of the functions in its table. */
#ifndef CORE_CLOUD_PROVIDER_CALLS_H
#define CORE_CLOUD_PROVIDER_CALLS_H

#include "core/cloud/provider.h"

/* Perform one request of a provider's. As http_perform. */
NODISCARD enum err provider_call(struct ctx *ctx, const struct provider_session *session,
                                 const struct http_request *request, struct http_answer *ret);

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
