/* How fast the audit log is verified, beside a plain read of the same rows:
 *
 *     audit_verify DATABASE HOME ENTRIES SECONDS    prints "verify=N select=N", entries per second
 *
 * The database is migrated and its log empty or made by this program; ENTRIES are appended first, a
 * thousand in a transaction. HOME is where the key is. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/base/config.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_verify.h"
#include "core/db/db.h"

#define PER_TRANSACTION 1000

static void fatal(const char *what, const struct ctx *ctx)
{
        fprintf(stderr, "audit_verify: %s: %s\n", what, ctx->detail);
        exit(EX_SOFTWARE);
}

/* As a submission writes it. */
static enum err append(struct ctx *ctx, json_t *details, long count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = "job.submitted",
                .target_type = "job",
                .target_id = "01hm3v8x2k4q7r9t1w5y6z0abc",
                .action = "Job submitted",
                .details = details,
        };
        enum err rc = db_begin(ctx, &tx);

        for (long i = 0; rc == OK && i < count; i++)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

static void fill(struct ctx *ctx, long entries)
{
        json_t *details = json_pack("{s:s, s:s, s:i}", "provider", "replicate", "config_name",
                                    "configuration", "estimated_cost", 5);

        for (long done = 0; done < entries; done += PER_TRANSACTION) {
                if (!details || append(ctx, details, PER_TRANSACTION) != OK)
                        fatal("an entry cannot be appended", ctx);
                arena_reset(ctx->arena);
        }
        json_decref(details);
}

static int64_t verify(struct ctx *ctx)
{
        struct audit_report report;

        if (audit_verify(ctx, (struct audit_range){ 0, 0 }, &report) != OK ||
            report.broken_total > 0)
                fatal("the log is not valid", ctx);
        return report.checked;
}

struct reading {
        int64_t rows, next_id;
        size_t bytes;
};

static enum err take_row(struct ctx *ctx, void *arg, const struct audit_row *row)
{
        struct reading *reading = arg;

        (void)ctx;
        reading->rows++;
        reading->bytes += row->details[0] != '\0';
        reading->next_id = row->audit_id + 1;
        return OK;
}

/* The same rows in the same batches, and nothing done with them. */
static int64_t read_all(struct ctx *ctx)
{
        struct reading reading = { 0 };
        int64_t before;

        do {
                before = reading.rows;
                if (store_audit_scan(ctx, reading.next_id, 4096, take_row, &reading) != OK)
                        fatal("the log cannot be read", ctx);
        } while (reading.rows > before);
        return reading.rows;
}

static double rate(struct ctx *ctx, int64_t (*call)(struct ctx *ctx), double seconds)
{
        const int64_t start_us = clock_mono_us(ctx->clock);
        int64_t taken_us = 0, entries = 0;

        while ((double)taken_us < seconds * 1e6) {
                entries += call(ctx);
                arena_reset(ctx->arena);
                taken_us = clock_mono_us(ctx->clock) - start_us;
        }
        return (double)entries * 1e6 / (double)taken_us;
}

int main(int argc, char **argv)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(database_closep) struct database *database = NULL;
        CLEANUP(db_freep) struct db *db = NULL;
        struct config config = { .home = argc == 5 ? argv[2] : NULL };
        struct ctx ctx = { .arena = arena, .clock = &clock_system, .config = &config };
        double seconds;

        ctx.actor.name = "local";
        if (argc != 5 || !arena) {
                fputs("usage: audit_verify DATABASE HOME ENTRIES SECONDS\n", stderr);
                return EX_USAGE;
        }
        seconds = strtod(argv[4], NULL);
        if (database_open(&ctx, argv[1], &database) != OK)
                fatal(argv[1], &ctx);
        db = db_new(database);
        ctx.db = db;
        if (!db)
                fatal("out of memory", &ctx);
        fill(&ctx, strtol(argv[3], NULL, 10));
        printf("verify=%.0f select=%.0f\n", rate(&ctx, verify, seconds),
               rate(&ctx, read_all, seconds));
        return EX_OK;
}
