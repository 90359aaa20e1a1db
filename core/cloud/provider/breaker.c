#include "core/cloud/provider/breaker.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/db/db.h"

static const char logger[] = "simpletuner.cloud.breaker";

/* ---- the rules: pure functions over one breaker ---- */

/* Microseconds to wait until at_us + after_us; 0: none. A clock that was set back makes at_us lie
 * in the future; a wait twice as long as was meant tells that from clocks that differ a little. */
static int64_t still_to_wait(int64_t now_us, int64_t at_us, int64_t after_us)
{
        int64_t wait_us = at_us + after_us - now_us;

        return wait_us > 0 && wait_us <= 2 * after_us ? wait_us : 0;
}

static int64_t open_for_us(const struct breaker *breaker, int64_t now_us)
{
        if (breaker->state != BREAKER_OPEN)
                return 0;
        return still_to_wait(now_us, breaker->opened_at_us, BREAKER_OPEN_S * US_PER_S);
}

/* Probes of which nothing was heard, as when their process was killed, are given up together. */
static bool all_probes_are_out(const struct breaker *breaker, int64_t now_us)
{
        const int64_t patience_us = BREAKER_PROBE_S * US_PER_S;

        return breaker->state == BREAKER_HALF_OPEN && breaker->probes >= BREAKER_PROBES &&
               still_to_wait(now_us, breaker->probe_until_us - patience_us, patience_us) > 0;
}

static bool lets_out(const struct breaker *breaker, int64_t now_us)
{
        return open_for_us(breaker, now_us) == 0 && !all_probes_are_out(breaker, now_us);
}

/* Give a probe out of a breaker that is not closed and lets one out. */
static void give_probe(struct breaker *breaker, int64_t now_us)
{
        if (breaker->state == BREAKER_OPEN) {
                breaker->state = BREAKER_HALF_OPEN;
                breaker->successes = breaker->probes = 0;
        } else if (breaker->probes >= BREAKER_PROBES) {
                breaker->probes = 0;
        }
        breaker->probes++;
        breaker->probe_until_us = now_us + BREAKER_PROBE_S * US_PER_S;
}

static void close_it(struct breaker *breaker)
{
        breaker->state = BREAKER_CLOSED;
        breaker->failures = breaker->successes = breaker->probes = 0;
        breaker->probe_until_us = 0;
}

static void take_success(struct breaker *breaker, bool probe)
{
        if (breaker->state == BREAKER_CLOSED)
                breaker->failures = 0;
        else if (breaker->state == BREAKER_HALF_OPEN && probe &&
                 ++breaker->successes >= BREAKER_SUCCESSES)
                close_it(breaker);
        /* else: a call from before it opened, which proves nothing */
}

static void take_failure(struct breaker *breaker, const char *error, int64_t now_us)
{
        breaker->total_failures++;
        breaker->last_error = error;
        breaker->last_failure_us = now_us;
        if (breaker->state == BREAKER_OPEN)
                return; /* it has been left alone since; the wait does not grow */
        breaker->failures++;
        if (breaker->state == BREAKER_HALF_OPEN || breaker->failures >= BREAKER_FAILURES) {
                breaker->state = BREAKER_OPEN;
                breaker->opened_at_us = now_us;
        }
}

/* Would this outcome change anything? */
static bool is_news(const struct breaker *breaker, const struct breaker_pass *pass,
                    enum breaker_outcome outcome)
{
        if (outcome == BREAKER_FAILURE)
                return true;
        if (breaker->state == BREAKER_HALF_OPEN)
                return pass->probe;
        return outcome == BREAKER_SUCCESS && breaker->state == BREAKER_CLOSED &&
               breaker->failures > 0;
}

static void take_outcome(struct breaker *breaker, bool probe, enum breaker_outcome outcome,
                         const char *error, int64_t now_us)
{
        if (probe && breaker->state == BREAKER_HALF_OPEN && breaker->probes > 0)
                breaker->probes--;
        if (outcome == BREAKER_SUCCESS)
                take_success(breaker, probe);
        else if (outcome == BREAKER_FAILURE)
                take_failure(breaker, error, now_us);
}

/* ---- the rows ---- */

static enum err refuse(struct ctx *ctx, const struct breaker *breaker)
{
        int64_t wait_s = breaker_retry_after_s(ctx, breaker);

        ctx->retry_after_s = wait_s > 0 ? (unsigned)wait_s : 1;
        return ctx_fail(ctx, ERR_NOT_READY,
                        "Provider '%s' is temporarily unavailable. Please try again in %u s.",
                        breaker->provider, ctx->retry_after_s);
}

/* The row as it is while nobody else may change it. */
static enum err begin_change(struct ctx *ctx, const char *provider, struct db_tx *tx,
                             struct breaker *ret)
{
        enum err rc = db_begin(ctx, tx);

        if (rc == OK)
                rc = store_breaker_lock(ctx, provider);
        return rc == OK ? store_breaker_get(ctx, provider, ret) : rc;
}

static enum err take_probe(struct ctx *ctx, const char *provider, struct breaker_pass *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct breaker breaker;
        enum err rc;

        rc = begin_change(ctx, provider, &tx, &breaker);
        if (rc != OK)
                return rc;
        if (!lets_out(&breaker, now_us))
                return refuse(ctx, &breaker);
        if (breaker.state == BREAKER_CLOSED) /* a moment ago */
                return OK;
        give_probe(&breaker, now_us);
        rc = store_breaker_put(ctx, &breaker);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                ret->probe = true;
        return rc;
}

enum err breaker_check(struct ctx *ctx, const char *provider, struct breaker_pass *ret)
{
        struct breaker_pass pass = { .provider = provider };
        struct breaker breaker;
        enum err rc;

        rc = store_breaker_get(ctx, provider, &breaker);
        if (rc != OK)
                return rc;
        if (!lets_out(&breaker, clock_wall_us(ctx->clock)))
                return refuse(ctx, &breaker);
        if (breaker.state != BREAKER_CLOSED)
                rc = take_probe(ctx, provider, &pass);
        if (rc == OK)
                *ret = pass;
        return rc;
}

static void log_move(struct ctx *ctx, const struct breaker *breaker)
{
        if (breaker->state == BREAKER_OPEN)
                log_event(ctx, LOG_WARNING, logger, "A provider fails and is left alone",
                          "provider", breaker->provider, "reason", breaker->last_error);
        else if (breaker->state == BREAKER_CLOSED)
                log_event(ctx, LOG_INFO, logger, "A provider works again", "provider",
                          breaker->provider);
}

static enum err record(struct ctx *ctx, const struct breaker_pass *pass,
                       enum breaker_outcome outcome, const char *error)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum breaker_state before;
        struct breaker breaker;
        enum err rc;

        rc = store_breaker_get(ctx, pass->provider, &breaker);
        if (rc != OK || !is_news(&breaker, pass, outcome))
                return rc;
        rc = begin_change(ctx, pass->provider, &tx, &breaker);
        if (rc != OK)
                return rc;
        before = breaker.state;
        take_outcome(&breaker, pass->probe, outcome, error, clock_wall_us(ctx->clock));
        rc = store_breaker_put(ctx, &breaker);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && breaker.state != before)
                log_move(ctx, &breaker);
        return rc;
}

void breaker_report(struct ctx *ctx, const struct breaker_pass *pass, enum breaker_outcome outcome,
                    const char *error)
{
        char detail[CTX_DETAIL_SIZE], reason[CTX_DETAIL_SIZE];

        memcpy(detail, ctx->detail, sizeof(detail));
        snprintf(reason, sizeof(reason), "%s", error ? error : "");
        if (record(ctx, pass, outcome, reason) != OK)
                log_event(ctx, LOG_WARNING, logger, "The state of a provider was not stored",
                          "provider", pass->provider, "reason", ctx->detail);
        memcpy(ctx->detail, detail, sizeof(detail));
}

enum err breaker_look(struct ctx *ctx, const char *provider)
{
        struct breaker breaker;
        enum err rc = store_breaker_get(ctx, provider, &breaker);

        if (rc == OK && !lets_out(&breaker, clock_wall_us(ctx->clock)))
                return refuse(ctx, &breaker);
        return rc;
}

enum err breaker_get(struct ctx *ctx, const char *provider, struct breaker *ret)
{
        return store_breaker_get(ctx, provider, ret);
}

int64_t breaker_retry_after_s(const struct ctx *ctx, const struct breaker *breaker)
{
        return (open_for_us(breaker, clock_wall_us(ctx->clock)) + US_PER_S - 1) / US_PER_S;
}

enum err breaker_reset(struct ctx *ctx, const char *provider, struct breaker *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = "provider.breaker_reset",
                .target_type = "provider",
                .target_id = provider,
                .action = "Closed the circuit breaker by hand",
        };
        struct breaker breaker;
        enum err rc;

        rc = begin_change(ctx, provider, &tx, &breaker);
        if (rc != OK)
                return rc;
        if (breaker.state != BREAKER_CLOSED || breaker.failures > 0) {
                close_it(&breaker);
                rc = store_breaker_put(ctx, &breaker);
                if (rc == OK)
                        rc = audit_add(ctx, &entry);
                if (rc == OK)
                        rc = db_commit(&tx);
        }
        if (rc == OK)
                *ret = breaker;
        return rc;
}
