/* simpletuner-cloud info: where everything is, and what is in it. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/config.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/backup/backup_schedule.h"
#include "core/cloud/database/schema.h"
#include "core/cloud/health/health.h"
#include "core/cloud/job/job.h"
#include "core/cron/command.h"

struct info {
        struct schema_info schema;
        struct health health;
        struct audit_stats audit;
        struct backup_times backup;
        int64_t jobs, active;
};

static void ignore_row(void *arg, const struct job *job)
{
        (void)arg;
        (void)job;
}

static void ignore_type(void *arg, const char *event_type, int64_t entries)
{
        (void)arg;
        (void)event_type;
        (void)entries;
}

static double megabytes(int64_t bytes)
{
        return bytes > 0 ? (double)bytes / 1e6 : 0;
}

static enum err count_jobs(struct ctx *ctx, struct info *info)
{
        struct job_filter filter = { .limit = 1 };
        int64_t count;
        enum err rc;

        rc = job_list(ctx, &filter, ignore_row, NULL, &info->jobs);
        for (unsigned status = JOB_BLOCKED; rc == OK && status <= JOB_RUNNING; status++) {
                filter.status = job_status_name((enum job_status)status);
                rc = job_list(ctx, &filter, ignore_row, NULL, &count);
                if (rc == OK)
                        info->active += count;
        }
        return rc;
}

static void print_backup(const struct backup_times *backup)
{
        char when[CLOCK_ISO_SIZE];

        clock_format_iso(backup->success_us, when);
        if (backup->success_us)
                printf("last backup      %s, %.1f MB in %.1f s\n", when, megabytes(backup->bytes),
                       (double)backup->took_us / 1e6);
        else
                printf("last backup      none\n");
}

static void render_backup(struct jsonw *json, const struct backup_times *backup)
{
        if (!backup->success_us) {
                jsonw_null(json, "last_backup");
                return;
        }
        jsonw_object(json, "last_backup");
        jsonw_time(json, "at", backup->success_us);
        jsonw_int(json, "size_bytes", backup->bytes);
        jsonw_int(json, "took_ms", backup->took_us / US_PER_MS);
        jsonw_time(json, "rehearsed_at", backup->rehearsal_us);
        jsonw_object_end(json);
}

static void print_text(const struct ctx *ctx, const struct info *info)
{
        printf("version          %s\n", PACKAGE_VERSION);
        printf("home             %s\n", ctx->config->home);
        printf("database         %s\n", info->schema.kind);
        if (info->schema.path)
                printf("file             %s (%" PRId64 " bytes)\n", info->schema.path,
                       info->schema.size_bytes);
        printf("schema version   %u of %u\n", info->schema.version, info->schema.newest);
        printf("jobs             %" PRId64 ", %" PRId64 " active\n", info->jobs, info->active);
        printf("audit log        %" PRId64 " entries\n", info->audit.total);
        print_backup(&info->backup);
        for (size_t i = 0; i < info->health.count; i++)
                printf("%-16s %s: %s\n", info->health.components[i].name,
                       health_status_name(info->health.components[i].status),
                       info->health.components[i].message);
}

static void print_json(const struct ctx *ctx, const struct info *info)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_string(&out.json, "version", PACKAGE_VERSION);
        jsonw_string(&out.json, "home", ctx->config->home);
        jsonw_string(&out.json, "database", info->schema.kind);
        jsonw_string(&out.json, "path", info->schema.path);
        if (info->schema.size_bytes >= 0)
                jsonw_int(&out.json, "size_bytes", info->schema.size_bytes);
        jsonw_number(&out.json, "size_mb", megabytes(info->schema.size_bytes), 2);
        jsonw_int(&out.json, "wal_size_bytes", info->schema.wal_bytes);
        jsonw_number(&out.json, "total_size_mb",
                     megabytes(info->schema.size_bytes) + megabytes(info->schema.wal_bytes), 2);
        jsonw_int(&out.json, "schema_version", info->schema.version);
        jsonw_int(&out.json, "schema_newest", info->schema.newest);
        jsonw_int(&out.json, "job_count", info->jobs);
        jsonw_int(&out.json, "active_job_count", info->active);
        jsonw_int(&out.json, "audit_log_count", info->audit.total);
        render_backup(&out.json, &info->backup);
        jsonw_string(&out.json, "status", health_status_name(info->health.status));
}

enum err cmd_info(struct ctx *ctx, const struct command_options *options)
{
        struct info info = { 0 };
        enum err rc;

        rc = schema_info(ctx, &info.schema);
        if (rc == OK)
                rc = health_check(ctx, false, &info.health);
        if (rc == OK)
                rc = count_jobs(ctx, &info);
        if (rc == OK)
                rc = audit_stats(ctx, ignore_type, NULL, &info.audit);
        if (rc == OK)
                rc = backup_times(ctx, &info.backup);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(ctx, &info);
        else
                print_text(ctx, &info);
        return OK;
}
