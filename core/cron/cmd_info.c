/* simpletuner-cloud info: where everything is, and what is in it. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/base/config.h"
#include "core/base/jsonw.h"
#include "core/cloud/cloud.h"
#include "core/cloud/health.h"
#include "core/cloud/job.h"
#include "core/cron/command.h"
#include "core/db/db.h"
#include "core/db/migrate.h"

struct info {
        struct migrate_status schema;
        struct health health;
        int64_t jobs, active;
        int64_t size_bytes; /* of the SQLite file; -1: not one */
};

static void ignore_row(void *arg, const struct job *job)
{
        (void)arg;
        (void)job;
}

static enum err count_jobs(struct ctx *ctx, struct info *info)
{
        struct job_filter filter = { .limit = 1 };
        int64_t count;
        enum err rc;

        rc = job_list(ctx, &filter, ignore_row, NULL, &info->jobs);
        for (unsigned status = JOB_PENDING; rc == OK && status <= JOB_RUNNING; status++) {
                filter.status = job_status_name((enum job_status)status);
                rc = job_list(ctx, &filter, ignore_row, NULL, &count);
                if (rc == OK)
                        info->active += count;
        }
        return rc;
}

static void print_text(const struct ctx *ctx, const struct info *info)
{
        printf("version          %s\n", PACKAGE_VERSION);
        printf("home             %s\n", ctx->config->home);
        printf("database         %s\n", database_kind(ctx->cloud->database));
        if (database_path(ctx->cloud->database))
                printf("file             %s (%" PRId64 " bytes)\n",
                       database_path(ctx->cloud->database), info->size_bytes);
        printf("schema version   %u of %u\n", info->schema.current, info->schema.newest);
        printf("jobs             %" PRId64 ", %" PRId64 " active\n", info->jobs, info->active);
        for (size_t i = 0; i < info->health.count; i++)
                printf("%-16s %s: %s\n", info->health.components[i].name,
                       health_status_name(info->health.components[i].status),
                       info->health.components[i].message);
}

static void print_json(const struct ctx *ctx, const struct info *info)
{
        struct buf out;
        struct jsonw json;

        buf_init(&out, 64 * KiB);
        json = jsonw_to(&out);
        jsonw_object(&json, NULL);
        jsonw_string(&json, "version", PACKAGE_VERSION);
        jsonw_string(&json, "home", ctx->config->home);
        jsonw_string(&json, "database", database_kind(ctx->cloud->database));
        jsonw_string(&json, "path", database_path(ctx->cloud->database));
        if (info->size_bytes >= 0)
                jsonw_int(&json, "size_bytes", info->size_bytes);
        jsonw_int(&json, "schema_version", info->schema.current);
        jsonw_int(&json, "schema_newest", info->schema.newest);
        jsonw_int(&json, "job_count", info->jobs);
        jsonw_int(&json, "active_job_count", info->active);
        jsonw_string(&json, "status", health_status_name(info->health.status));
        jsonw_object_end(&json);
        puts(buf_str(&out));
        buf_done(&out);
}

enum err cmd_info(struct ctx *ctx, const struct command_options *options)
{
        const char *path = database_path(ctx->cloud->database);
        struct info info = { .size_bytes = -1 };
        struct stat st;
        enum err rc;

        rc = migrate_check(ctx, &info.schema);
        if (rc == OK)
                rc = health_check(ctx, false, &info.health);
        if (rc == OK)
                rc = count_jobs(ctx, &info);
        if (rc != OK)
                return rc;
        if (path && stat(path, &st) == 0)
                info.size_bytes = st.st_size;
        if (options->json)
                print_json(ctx, &info);
        else
                print_text(ctx, &info);
        return OK;
}
