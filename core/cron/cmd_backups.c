/* simpletuner-cloud backups: which there are. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/wal/wal_replay.h"
#include "core/cron/backup_print.h"
#include "core/cron/command.h"

static void print_window(const struct wal_window *window)
{
        char from[CLOCK_ISO_SIZE], until[CLOCK_ISO_SIZE];

        clock_format_iso(window->from_us, from);
        clock_format_iso(window->until_us, until);
        printf("restore --to: %s to %s\n", from, until);
}

static void print_json(const char *dir, const struct backup *backup, int64_t bytes,
                       const struct wal_window *window)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_array(&out.json, "backups");
        for (; backup; backup = backup->next) {
                jsonw_object(&out.json, NULL);
                backup_render(&out.json, backup);
                jsonw_object_end(&out.json);
        }
        jsonw_array_end(&out.json);
        jsonw_array(&out.json, "windows");
        for (; window; window = window->next) {
                jsonw_object(&out.json, NULL);
                jsonw_time(&out.json, "from", window->from_us);
                jsonw_time(&out.json, "until", window->until_us);
                jsonw_string(&out.json, "reason", window->reason);
                jsonw_object_end(&out.json);
        }
        jsonw_array_end(&out.json);
        jsonw_int(&out.json, "total_size_bytes", bytes);
        jsonw_string(&out.json, "backup_dir", dir);
}

enum err cmd_backups(struct ctx *ctx, const struct command_options *options)
{
        struct backup *backups = NULL;
        struct wal_window *windows = NULL;
        int64_t bytes = 0;
        const char *dir;
        enum err rc = backup_dir(ctx, &dir);

        if (rc == OK)
                rc = backup_list(ctx, options->limit ? (unsigned)options->limit : 50, &backups,
                                 &bytes);
        if (rc == OK)
                rc = wal_windows(ctx, &windows);
        if (rc != OK)
                return rc;
        if (options->json) {
                print_json(dir, backups, bytes, windows);
                return OK;
        }
        for (const struct backup *backup = backups; backup; backup = backup->next)
                backup_print_line(backup);
        if (!backups)
                printf("There is no backup in %s.\n", dir);
        for (const struct wal_window *window = windows; window; window = window->next)
                print_window(window);
        return OK;
}
