/* The one place where a provider's API is called: behind its circuit breaker (breaker.h), and tried
 * again where that is safe (http_retry.h). */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_CALL_H
#define CORE_CLOUD_PROVIDER_PROVIDER_CALL_H

#include "core/cloud/provider/provider.h"

/* One call. As http_perform; ERR_NOT_READY: the breaker is open, nothing was sent. Not inside a
 * transaction. */
NODISCARD enum err provider_call(struct ctx *ctx, const struct provider_session *session,
                                 const struct http_request *request, struct http_answer *ret);

/* Many calls that only read. As http_perform_all; each of them is made
 * once, and has ERR_NOT_READY when the breaker was open by then. */
NODISCARD enum err provider_call_all(struct ctx *ctx, const struct provider_session *session,
                                     const struct http_calls *calls);

#endif
