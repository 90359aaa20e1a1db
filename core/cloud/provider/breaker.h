/* Circuit breakers: a provider that fails again and again is left alone for a while, by all
 * processes and hosts at once.
 *
 *   closed     calls go out; BREAKER_FAILURES of them failed in a row: open
 *   open       no call goes out; BREAKER_OPEN_S after it opened: half open
 *   half open  BREAKER_PROBES calls at a time go out; BREAKER_SUCCESSES of them went well: closed;
 *              one failed: open
 *
 * Nothing is written while a provider is well. */
#ifndef CORE_CLOUD_PROVIDER_BREAKER_H
#define CORE_CLOUD_PROVIDER_BREAKER_H

#include "core/store/store_breakers.h"

#define BREAKER_FAILURES  5
#define BREAKER_SUCCESSES 2
#define BREAKER_PROBES    3
#define BREAKER_OPEN_S    30
#define BREAKER_PROBE_S   60 /* a probe that has not reported by then never will */

/* The leave to make one call. */
struct breaker_pass {
        const char *provider;
        bool probe; /* given while half open */
};

enum breaker_outcome {
        BREAKER_SUCCESS,
        BREAKER_FAILURE,    /* it was not reached, or answered 5xx or 429 */
        BREAKER_NO_VERDICT, /* what failed says nothing about the provider */
};

/* May the provider be called? Whoever gets a pass reports with it. ERR_NOT_READY: not now; detail
 * says for how long, as ctx->retry_after_s does. Faults. Not inside a transaction. */
NODISCARD enum err breaker_check(struct ctx *ctx, const char *provider, struct breaker_pass *ret);

/* How a call went; error is why it failed. Never fails itself: a word that cannot be written is
 * logged and lost, because the call's own result matters more. ctx->detail stays as it is. */
void breaker_report(struct ctx *ctx, const struct breaker_pass *pass, enum breaker_outcome outcome,
                    const char *error);

/* Would breaker_check refuse right now? A look that takes no pass. OK | ERR_NOT_READY | faults. */
NODISCARD enum err breaker_look(struct ctx *ctx, const char *provider);

/* As stored, for display. Faults. */
NODISCARD enum err breaker_get(struct ctx *ctx, const char *provider, struct breaker *ret);

/* Seconds until an open breaker lets calls out, rounded up; 0: it does now. */
int64_t breaker_retry_after_s(const struct ctx *ctx, const struct breaker *breaker);

/* Close it by hand. total_failures and last_error stay. Faults. */
NODISCARD enum err breaker_reset(struct ctx *ctx, const char *provider, struct breaker *ret);

#endif
