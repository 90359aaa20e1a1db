#include "core/store/store_breakers.h"

#include <string.h>

#include "core/db/db.h"

static const char *const state_names[BREAKER_STATE_COUNT] = { "closed", "open", "half_open" };

const char *breaker_state_name(enum breaker_state state)
{
        return state_names[state];
}

/* The table allows no other words. */
static enum breaker_state state_of(const char *name)
{
        unsigned state = 0;

        while (state < BREAKER_STATE_COUNT - 1 && strcmp(state_names[state], name) != 0)
                state++;
        return (enum breaker_state)state;
}

enum err store_breaker_get(struct ctx *ctx, const char *provider, struct breaker *ret)
{
        static const char sql[] =
                "SELECT state, failures, successes, probes, probe_until_us, opened_at_us, "
                "total_failures, last_error, last_failure_us FROM breakers WHERE provider = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct breaker breaker = { .provider = provider };
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", provider);
        if (rc == ERR_NOT_FOUND) {
                *ret = breaker;
                return OK;
        }
        if (rc != OK)
                return rc;
        breaker.state = state_of(db_text(stmt, 0));
        breaker.failures = db_int(stmt, 1);
        breaker.successes = db_int(stmt, 2);
        breaker.probes = db_int(stmt, 3);
        breaker.probe_until_us = db_int(stmt, 4);
        breaker.opened_at_us = db_int(stmt, 5);
        breaker.total_failures = db_int(stmt, 6);
        breaker.last_failure_us = db_int(stmt, 8);
        rc = db_text_dup(ctx, stmt, 7, &breaker.last_error);
        if (rc == OK)
                *ret = breaker;
        return rc;
}

enum err store_breaker_lock(struct ctx *ctx, const char *provider)
{
        const char *name = arena_printf(ctx->arena, "breaker %s", provider);

        return name ? db_lock(ctx, name) : ctx_nomem(ctx);
}

enum err store_breaker_put(struct ctx *ctx, const struct breaker *breaker)
{
        static const char sql[] =
                "INSERT INTO breakers (provider, state, failures, successes, probes, "
                "probe_until_us, opened_at_us, total_failures, last_error, last_failure_us) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                "ON CONFLICT (provider) DO UPDATE SET state = $2, failures = $3, successes = $4, "
                "probes = $5, probe_until_us = $6, opened_at_us = $7, total_failures = $8, "
                "last_error = $9, last_failure_us = $10";

        return db_run(ctx, NULL, sql, "ttiiiiiitz", breaker->provider,
                      breaker_state_name(breaker->state), breaker->failures, breaker->successes,
                      breaker->probes, breaker->probe_until_us, breaker->opened_at_us,
                      breaker->total_failures, breaker->last_error, breaker->last_failure_us);
}
