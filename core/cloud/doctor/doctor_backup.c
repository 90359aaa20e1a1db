/* Backups: are they made, tried, and out of the reach of what may happen to the database? */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/config.h"
#include "core/cloud/backup/backup_lock.h"
#include "core/cloud/backup/backup_schedule.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/wal/wal_archive.h"
#include "core/cloud/wal/wal_capture.h"

#define LOG_BEHIND_S 60

static int64_t hours_since(const struct ctx *ctx, int64_t wall_us)
{
        return (clock_wall_us(ctx->clock) - wall_us) / US_PER_HOUR;
}

static void say_made(struct ctx *ctx, struct doctor *doctor, const struct backup_times *times)
{
        if (ctx->config->backup.interval_hours == 0 && times->success_us == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud backup",
                           "There is no backup, and cron makes none: "
                           "SIMPLETUNER_BACKUP_INTERVAL_HOURS is 0");
        else if (times->success_us == 0)
                doctor_say(ctx, doctor, backup_is_late(ctx, times) ? DOCTOR_ERROR : DOCTOR_NOTE,
                           "simpletuner-cloud backup", "There is no backup yet");
        else if (backup_is_late(ctx, times))
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud cron --task backup",
                           "The last backup is %" PRId64 " hours old",
                           hours_since(ctx, times->success_us));
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "The last backup is %" PRId64 " hours old",
                           hours_since(ctx, times->success_us));
}

static void say_tried(struct ctx *ctx, struct doctor *doctor, const struct backup_times *times)
{
        const int64_t days = (int64_t)ctx->config->backup.rehearsal_days;

        if (times->success_us == 0 || days == 0)
                return;
        if (times->rehearsal_us == 0)
                doctor_say(ctx, doctor, DOCTOR_NOTE, "simpletuner-cloud restore --rehearse",
                           "No restore was ever tried");
        else if (hours_since(ctx, times->rehearsal_us) > 2 * 24 * days)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud restore --rehearse",
                           "No backup was tried for %" PRId64 " days",
                           hours_since(ctx, times->rehearsal_us) / 24);
}

/* What takes the database with it must not take the backups. */
static void say_place(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx), *directory = NULL;
        struct stat database, backups;

        if (!file || backup_dir(ctx, &directory) != OK)
                return;
        if (stat(file, &database) == 0 && stat(directory, &backups) == 0 &&
            database.st_dev == backups.st_dev)
                doctor_say(ctx, doctor, DOCTOR_NOTE, DOCTOR_COMMAND(ctx, "df -h '%s'", directory),
                           "Backups are on the disk of the database: set SIMPLETUNER_BACKUP_DIR, "
                           "or copy them elsewhere");
}

static void say_keys(struct ctx *ctx, struct doctor *doctor)
{
        struct secret passphrase;

        if (secrets_get(ctx, "SIMPLETUNER_BACKUP_PASSPHRASE", &passphrase) == ERR_NOT_FOUND)
                doctor_say(ctx, doctor, DOCTOR_NOTE,
                           DOCTOR_COMMAND(ctx, "ls -l '%s/credential.key'", ctx->config->home),
                           "Backups are without keys and configuration, which another machine "
                           "needs: SIMPLETUNER_BACKUP_PASSPHRASE is not set");
}

static void say_log(struct ctx *ctx, struct doctor *doctor)
{
        const int64_t last_us = wal_archive_alive_us(ctx);
        const int64_t age_s = (clock_wall_us(ctx->clock) - last_us) / US_PER_S;

        if (!wal_capture_is_on(ctx) || (last_us > 0 && age_s <= LOG_BEHIND_S))
                return;
        doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud cron --task keep_log",
                   "The write-ahead log is not being kept: \"restore --to\" cannot go back to what "
                   "happens now");
}

void doctor_backup(struct ctx *ctx, struct doctor *doctor)
{
        struct backup_times times;

        if (backup_times(ctx, &times) != OK) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud backups",
                           "It is not known how backups stand: %s", ctx->detail);
                return;
        }
        say_made(ctx, doctor, &times);
        say_tried(ctx, doctor, &times);
        say_place(ctx, doctor);
        say_keys(ctx, doctor);
        say_log(ctx, doctor);
}
