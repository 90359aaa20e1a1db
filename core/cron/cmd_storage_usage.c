/* simpletuner-cloud storage usage: what lies in the storage, and what room there is. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/config.h"
#include "core/cloud/storage/storage_root.h"
#include "core/cloud/storage/storage_usage.h"
#include "core/cron/command.h"

static void print_line(void *arg, const struct bucket *bucket, int64_t part_bytes)
{
        (void)arg;
        printf("%-26s  %9" PRId64 " files  %15" PRId64 " bytes  %15" PRId64 " in parts\n",
               bucket->bucket, bucket->files, bucket->bytes, part_bytes);
}

static void print_json(void *arg, const struct bucket *bucket, int64_t part_bytes)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        jsonw_string(json, "bucket", bucket->bucket);
        jsonw_string(json, "owner", *bucket->owner ? bucket->owner : NULL);
        jsonw_string(json, "directory", bucket->directory);
        jsonw_int(json, "files", bucket->files);
        jsonw_int(json, "bytes", bucket->bytes);
        jsonw_int(json, "part_bytes", part_bytes);
        jsonw_time(json, "created_at", bucket->created_at_us);
        jsonw_time(json, "last_upload_at", bucket->last_upload_at_us);
        jsonw_object_end(json);
}

static void print_root(struct ctx *ctx, struct jsonw *json, const char *root, int64_t free_bytes)
{
        int64_t floor = (int64_t)ctx->config->min_free_bytes;

        if (!json) {
                printf("%s: %" PRId64 " bytes free, of which %" PRId64 " must stay free\n", root,
                       free_bytes, floor);
                return;
        }
        jsonw_object(json, NULL);
        jsonw_string(json, "directory", root);
        jsonw_int(json, "free_bytes", free_bytes);
        jsonw_int(json, "min_free_bytes", floor);
        jsonw_object_end(json);
}

/* json NULL: for people. One that nothing was ever written to is not there yet. */
static enum err print_roots(struct ctx *ctx, struct jsonw *json)
{
        struct storage_roots roots = STORAGE_ROOTS;
        const char *root;
        int64_t free_bytes;
        enum err rc;

        while ((rc = storage_root_next(ctx, &roots, &root)) == OK) {
                rc = storage_root_free(ctx, root, &free_bytes);
                if (rc == OK)
                        print_root(ctx, json, root, free_bytes);
                else if (rc != ERR_NOT_FOUND)
                        return rc;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

static void print_sums(const struct ctx *ctx, const struct storage_usage *usage)
{
        printf("%" PRId64 " buckets, %" PRId64 " files, %" PRId64 " bytes, %" PRId64
               " bytes in parts\n",
               usage->buckets, usage->files, usage->bytes, usage->part_bytes);
        if (ctx->config->storage_quota_bytes)
                printf("quota of all buckets: %" PRIu64 " bytes\n",
                       ctx->config->storage_quota_bytes);
        if (ctx->config->job_quota_bytes)
                printf("quota of each job: %" PRIu64 " bytes\n", ctx->config->job_quota_bytes);
}

/* 0: without limit. */
static void json_quota(struct jsonw *json, const char *key, uint64_t quota)
{
        if (quota)
                jsonw_int(json, key, (int64_t)quota);
        else
                jsonw_null(json, key);
}

static enum err usage_as_json(struct ctx *ctx)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();
        struct jsonw *json = &out.json;
        struct storage_usage usage = { .buckets = 0 };
        enum err rc;

        jsonw_array(json, "buckets");
        rc = storage_usage(ctx, print_json, json, &usage);
        jsonw_array_end(json);
        jsonw_int(json, "files", usage.files);
        jsonw_int(json, "bytes", usage.bytes);
        jsonw_int(json, "part_bytes", usage.part_bytes);
        json_quota(json, "storage_quota_bytes", ctx->config->storage_quota_bytes);
        json_quota(json, "job_quota_bytes", ctx->config->job_quota_bytes);
        jsonw_array(json, "directories");
        if (rc == OK)
                rc = print_roots(ctx, json);
        jsonw_array_end(json);
        return rc;
}

enum err cmd_storage_usage(struct ctx *ctx, const struct command_options *options)
{
        struct storage_usage usage;
        enum err rc;

        if (options->json)
                return usage_as_json(ctx);
        rc = storage_usage(ctx, print_line, NULL, &usage);
        if (rc != OK)
                return rc;
        print_sums(ctx, &usage);
        return print_roots(ctx, NULL);
}
