/* simpletuner-cloud db stats: how large the database and its tables are. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/database/upkeep.h"
#include "core/cron/command.h"

static void print_text(const struct upkeep_stats *stats)
{
        for (const struct upkeep_table *t = stats->tables; t; t = t->next) {
                printf("%-24s %12" PRId64 " rows", t->name, t->rows);
                if (t->bytes >= 0)
                        printf("  %14" PRId64 " bytes", t->bytes);
                printf("\n");
        }
        printf("%s, %" PRId64 " tables, %" PRId64 " bytes\n", stats->kind, stats->size.tables,
               stats->size.bytes);
        if (stats->size.page_size > 0)
                printf("%" PRId64 " of its %" PRId64 " pages are free, of %" PRId64 " bytes each\n",
                       stats->size.free_pages, stats->size.page_count, stats->size.page_size);
}

enum err cmd_db_stats(struct ctx *ctx, const struct command_options *options)
{
        struct upkeep_stats stats;
        enum err rc = upkeep_stats(ctx, 0, true, &stats);

        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                upkeep_render_stats(&out.json, &stats);
        } else {
                print_text(&stats);
        }
        return OK;
}
