/* Trying again, for calls that may be made twice:
 *
 *     struct http_retry retry = http_retry_begin(ctx, timeout_s);
 *     do {
 *             rc = ...; in at most http_retry_left_s(ctx, &retry)
 *     } while (http_retry_wait(ctx, &retry, &request, rc, &answer));
 *
 * At most HTTP_ATTEMPTS attempts, for GET and what request->repeatable says. Only failures that
 * time may heal are worth another one: it was not reached or broke off, 429, 500, 502, 503, 504.
 * Between them is a random part of 1 s, 2 s ... (full jitter, so that many who failed together do
 * not come back together), or as long as the other side asks for: Retry-After, or Replicate's
 * "resets in ~30s".
 *
 * All of it, attempts and waits, fits into the time that one attempt may take: whoever waits for
 * the answer waits no longer than without retries. A wait that does not fit is not begun. */
#ifndef CORE_CLOUD_HTTP_HTTP_RETRY_H
#define CORE_CLOUD_HTTP_HTTP_RETRY_H

#include "core/cloud/http/http_client.h"

#define HTTP_ATTEMPTS     3
#define HTTP_WAIT_FIRST_S 1
#define HTTP_WAIT_MAX_S   30 /* whoever asks for more is not asked again */

struct http_retry {
        int64_t until_us; /* monotonic */
        unsigned attempts;
};

struct http_retry http_retry_begin(const struct ctx *ctx, double budget_s);

/* Seconds that the next attempt may take; never none, which would mean for ever. */
double http_retry_left_s(const struct ctx *ctx, const struct http_retry *retry);

/* The attempt ended with rc and answer, as http_perform says. True: another one is due, now; the
 * wait before it is over. False: that was it. */
NODISCARD bool http_retry_wait(struct ctx *ctx, struct http_retry *retry,
                               const struct http_request *request, enum err rc,
                               const struct http_answer *answer);

#endif
