/* How long it takes to look at jobs, in a database that has few or very many of them:
 *   list    a page of 50, with its total
 *   lookup  a job by its provider's id
 *   limit   what a provider's jobs have cost in a month, running ones included
 *
 *     flat DATABASE SECONDS    prints "list=N lookup=N limit=N", calls per second each */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/db/db.h"
#include "core/store/store_job_list.h"
#include "core/store/store_job_stats.h"

#define CALLS_PER_LOOK 64 /* at the clock */

static void fatal(const char *what, const struct ctx *ctx)
{
        fprintf(stderr, "flat: %s: %s\n", what, ctx->detail);
        exit(EX_SOFTWARE);
}

static void count_row(void *arg, const struct job *job)
{
        (void)job;
        ++*(unsigned *)arg;
}

static enum err list(struct ctx *ctx, unsigned n)
{
        const struct job_filter filter = { .provider = "replicate", .limit = 50 };
        unsigned rows = 0;
        int64_t total;
        enum err rc = store_jobs_count(ctx, &filter, &total);

        (void)n;
        if (rc == OK)
                rc = store_jobs_each(ctx, &filter, count_row, &rows);
        return rc == OK && rows != 50 ? ctx_fail(ctx, ERR_INTERNAL, "%u rows", rows) : rc;
}

static enum err lookup(struct ctx *ctx, unsigned n)
{
        char external_id[32];
        struct job job;

        snprintf(external_id, sizeof(external_id), "prediction%u", n % 1000);
        return store_job_by_external_id(ctx, "replicate", external_id, &job);
}

static enum err limit(struct ctx *ctx, unsigned n)
{
        const int64_t month_us = clock_wall_us(ctx->clock) - 30 * US_PER_DAY;
        int64_t spent, running;
        enum err rc = store_cost_since(ctx, "replicate", month_us, &spent);

        (void)n;
        return rc == OK ? store_cost_of_active(ctx, "replicate", &running) : rc;
}

/* Calls per second over a while. */
static double rate(struct ctx *ctx, enum err (*call)(struct ctx *ctx, unsigned n), double seconds)
{
        const int64_t start_us = clock_mono_us(ctx->clock);
        int64_t taken_us = 0;
        unsigned calls = 0;

        while ((double)taken_us < seconds * 1e6) {
                for (unsigned i = 0; i < CALLS_PER_LOOK; i++) {
                        if (call(ctx, calls++) != OK)
                                fatal("a call failed", ctx);
                        arena_reset(ctx->arena);
                }
                taken_us = clock_mono_us(ctx->clock) - start_us;
        }
        return calls * 1e6 / (double)taken_us;
}

int main(int argc, char **argv)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(database_closep) struct database *database = NULL;
        CLEANUP(db_freep) struct db *db = NULL;
        struct ctx ctx = { .arena = arena, .clock = &clock_system };
        double seconds;

        if (argc != 3 || !arena) {
                fputs("usage: flat DATABASE SECONDS\n", stderr);
                return EX_USAGE;
        }
        seconds = strtod(argv[2], NULL);
        if (database_open(&ctx, argv[1], &database) != OK)
                fatal(argv[1], &ctx);
        db = db_new(database);
        ctx.db = db;
        if (!db)
                fatal("out of memory", &ctx);
        printf("list=%.0f lookup=%.0f limit=%.0f\n", rate(&ctx, list, seconds),
               rate(&ctx, lookup, seconds), rate(&ctx, limit, seconds));
        return EX_OK;
}
