/* How long it takes to know who shows an API key and what he may, in a database with many keys, on
 * a process that is warm.
 *
 *     auth DATABASE KEYS SECONDS    prints "auth=N", identifications per second; key number n is
 *                                   "st_" and n in 32 digits */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/base/config.h"
#include "core/cloud/auth/api_key.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define CALLS_PER_LOOK 64   /* at the clock */
#define STRIDE         7919 /* between one key and the next: no two in a row are neighbours */

static void fatal(const char *what, const struct ctx *ctx)
{
        fprintf(stderr, "auth: %s: %s\n", what, ctx->detail);
        exit(EX_SOFTWARE);
}

static enum err identify(struct ctx *ctx, unsigned n)
{
        char key[API_KEY_SIZE];
        struct credentials credentials = { .api_key = key };
        enum err rc;

        snprintf(key, sizeof(key), API_KEY_PREFIX "%032u", n);
        rc = auth_identify(ctx, &credentials);
        return rc == OK ? auth_require(ctx, PERM_JOB_VIEW_OWN) : rc;
}

int main(int argc, char **argv)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(database_closep) struct database *database = NULL;
        CLEANUP(db_freep) struct db *db = NULL;
        struct cloud cloud = { .started_us = 0 };
        struct ctx ctx = { .arena = arena, .clock = &clock_system, .cloud = &cloud };
        int64_t start_us, taken_us = 0;
        unsigned keys, calls = 0;
        double seconds;

        if (argc != 4 || !arena) {
                fputs("usage: auth DATABASE KEYS SECONDS\n", stderr);
                return EX_USAGE;
        }
        keys = (unsigned)strtoul(argv[2], NULL, 10);
        seconds = strtod(argv[3], NULL);
        if (database_open(&ctx, argv[1], &database) != OK)
                fatal(argv[1], &ctx);
        db = db_new(database);
        ctx.db = db;
        if (!db || keys == 0)
                fatal("cannot start", &ctx);
        start_us = clock_mono_us(ctx.clock);
        while ((double)taken_us < seconds * 1e6) {
                for (unsigned i = 0; i < CALLS_PER_LOOK; i++) {
                        if (identify(&ctx, calls++ * STRIDE % keys) != OK)
                                fatal("a key was not known", &ctx);
                        arena_reset(arena);
                }
                taken_us = clock_mono_us(ctx.clock) - start_us;
        }
        printf("auth=%.0f\n", calls * 1e6 / (double)taken_us);
        return EX_OK;
}
