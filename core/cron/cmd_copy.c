/* simpletuner-cloud copy: move everything to another database. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/database/database_copy.h"
#include "core/cron/command.h"

static const char *const difference_names[COPY_DIFFERENCE_COUNT] = {
        [COPY_MISSING] = "missing",
        [COPY_CHANGED] = "changed",
        [COPY_EXTRA] = "extra",
};

/* A line that a person sees change; nothing for cron. */
static void show_progress(void *arg, const struct copy_table *table, enum copy_pass pass,
                          int64_t rows)
{
        static const char *const doing[COPY_PASS_COUNT] = { "clearing", "copying", "comparing" };

        (void)arg;
        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\r\033[K%s %s: %" PRId64 " rows", doing[pass], table->name, rows);
}

static void end_progress(void)
{
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
}

static const char *state_of(const struct command_options *options, const struct copied *copied)
{
        return options->dry_run       ? "dry_run"
               : options->verify_only ? (copied->differences ? "different" : "same")
               : copied->finished     ? "finished"
               : copied->differences  ? "different"
                                      : "unfinished";
}

static void print_json(const struct command_options *options, const struct copied *copied)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();
        struct jsonw *json = &out.json;

        jsonw_string(json, "from", copied->from);
        jsonw_string(json, "to", copied->to);
        jsonw_string(json, "state", state_of(options, copied));
        jsonw_int(json, "schema_version", copied->schema_version);
        jsonw_bool(json, "resumed", copied->resumed);
        jsonw_string(json, "in_use", *copied->in_use ? copied->in_use : NULL);
        jsonw_int(json, "rows", copied->rows);
        jsonw_int(json, "written", copied->written);
        jsonw_int(json, "differences", copied->differences);
        jsonw_array(json, "tables");
        for (const struct copied_table *t = copied->tables; t; t = t->next) {
                jsonw_object(json, NULL);
                jsonw_string(json, "table", t->table->name);
                jsonw_int(json, "rows", t->rows);
                jsonw_int(json, "written", t->written);
                jsonw_int(json, "differences", t->differences);
                jsonw_string(json, "sha256", t->sha256);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
        jsonw_array(json, "different_rows");
        for (const struct copied_difference *d = copied->examples; d; d = d->next) {
                jsonw_object(json, NULL);
                jsonw_string(json, "table", d->table);
                jsonw_string(json, "key", d->key);
                jsonw_string(json, "difference", difference_names[d->what]);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
}

static void print_end(const struct command_options *options, const struct copied *copied)
{
        if (options->dry_run)
                printf("Would copy %" PRId64 " rows%s.\n", copied->rows,
                       copied->resumed ? ", of which an earlier copy has begun" : "");
        else if (options->verify_only && !copied->differences)
                printf("All %" PRId64 " rows are the same.\n", copied->rows);
        else if (copied->finished)
                printf("Copied %" PRId64 " rows; all are the same. To use the copy, set\n"
                       "SIMPLETUNER_DATABASE_URL to it and start the service.\n",
                       copied->rows);
        else if (!copied->differences)
                printf("%" PRId64 " rows are there. What is written to the source from now on is\n"
                       "not among them: stop the service and run the same line without --online.\n"
                       "Nothing can use the copy before.\n",
                       copied->rows);
        if (copied->differences > COPY_DIFFERENCES_SHOWN)
                printf("and %" PRId64 " more\n", copied->differences - COPY_DIFFERENCES_SHOWN);
        if (*copied->in_use && (options->dry_run || options->verify_only))
                printf("The source is in use (%s).\n", copied->in_use);
}

static void print_text(const struct command_options *options, const struct copied *copied)
{
        printf("from  %s\nto    %s\n\n", copied->from, copied->to);
        for (const struct copied_table *t = copied->tables; t; t = t->next) {
                if (t->rows > 0 || t->differences > 0)
                        printf("%-24s %10" PRId64 "  %.16s\n", t->table->name, t->rows, t->sha256);
        }
        printf("\n");
        for (const struct copied_difference *d = copied->examples; d; d = d->next)
                printf("%s: %s, %s\n", difference_names[d->what], d->table, d->key);
        print_end(options, copied);
}

enum err cmd_copy(struct ctx *ctx, const struct command_options *options)
{
        const struct copy_request request = {
                .from = { options->from, options->from_env, "--from" },
                .to = { options->to, options->to_env, "--to" },
                .dry_run = options->dry_run,
                .verify_only = options->verify_only,
                .online = options->online,
                .progress = show_progress,
        };
        struct copied copied = { 0 };
        enum err rc;

        if (!options->to && !options->to_env)
                return ctx_fail(ctx, ERR_INVALID, "copy needs --to URL or --to-env NAME");
        if (options->dry_run + options->verify_only + options->online > 1)
                return ctx_fail(ctx, ERR_INVALID,
                                "give one of --dry-run, --verify-only and --online");
        umask(077); /* of a file that is made */
        rc = database_copy(ctx, &request, &copied);
        end_progress();
        if (rc != OK && !copied.tables)
                return rc;
        if (options->json)
                print_json(options, &copied);
        else
                print_text(options, &copied);
        return rc;
}
