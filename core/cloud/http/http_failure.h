/* Why a request failed, in words that name the hop and the certificate. Private to http_*.c. */
#ifndef CORE_CLOUD_HTTP_HTTP_FAILURE_H
#define CORE_CLOUD_HTTP_HTTP_FAILURE_H

#include "core/cloud/http/http_transfer.h"

/* What a transfer that libcurl ended with code means. *ret_permanent: it would fail again, because
 * of our settings or of what the other side is. ERR_PROVIDER, ERR_OUTCOME_UNKNOWN, ERR_DENIED as
 * http_perform. ERR_CONFLICT: its sink stopped it. */
NODISCARD enum err http_failure_explain(struct ctx *ctx, const struct transfer *transfer,
                                        CURLcode code, bool *ret_permanent);

/* An answer that a proxy gave in place of the host: it wants another user or password. OK: it is
 * none. ERR_PROVIDER. */
NODISCARD enum err http_failure_of_proxy(struct ctx *ctx, const struct transfer *transfer,
                                         long status);

#endif
