/* simpletuner-cloud storage fsck: compare the database with the disk. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/storage/storage_check.h"
#include "core/cron/command.h"

#define JSON_MAX 10000 /* findings in a JSON answer; the count has all of them */

struct listing {
        struct jsonw *json; /* NULL: for people */
        int64_t printed;
};

static void print_line(const struct storage_finding *finding)
{
        printf("%-8s  %s%s%s%s\n", storage_fault_name(finding->fault), finding->bucket,
               *finding->key ? "/" : "", finding->key, finding->repaired ? " (repaired)" : "");
}

static void print_json(struct jsonw *json, const struct storage_finding *finding)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "fault", storage_fault_name(finding->fault));
        jsonw_string(json, "bucket", finding->bucket);
        jsonw_string(json, "key", *finding->key ? finding->key : NULL);
        jsonw_bool(json, "repaired", finding->repaired);
        jsonw_object_end(json);
}

static void found(void *arg, const struct storage_finding *finding)
{
        struct listing *listing = arg;

        if (!listing->json)
                print_line(finding);
        else if (listing->printed < JSON_MAX)
                print_json(listing->json, finding);
        listing->printed++;
}

static enum err judge(struct ctx *ctx, const struct storage_report *report)
{
        int64_t left = report->findings - report->repaired;

        return left == 0 ? OK
                         : ctx_fail(ctx, ERR_CONFLICT,
                                    "database and disk differ in %" PRId64 " things", left);
}

static enum err check_as_json(struct ctx *ctx, struct storage_check *check,
                              struct storage_report *ret)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();
        struct listing listing = { .json = &out.json };
        enum err rc;

        check->arg = &listing;
        jsonw_array(&out.json, "findings");
        rc = storage_check(ctx, check, ret);
        jsonw_array_end(&out.json);
        jsonw_int(&out.json, "buckets", ret->buckets);
        jsonw_int(&out.json, "objects", ret->objects);
        jsonw_int(&out.json, "found", ret->findings);
        jsonw_int(&out.json, "repaired", ret->repaired);
        return rc;
}

enum err cmd_storage_fsck(struct ctx *ctx, const struct command_options *options)
{
        struct listing listing = { .json = NULL };
        struct storage_check check = { .hashes = options->hashes,
                                       .repair = options->repair,
                                       .found = found,
                                       .arg = &listing };
        struct storage_report report = { .buckets = 0 };
        enum err rc;

        if (options->json) {
                rc = check_as_json(ctx, &check, &report);
                return rc == OK ? judge(ctx, &report) : rc;
        }
        rc = storage_check(ctx, &check, &report);
        if (rc != OK)
                return rc;
        printf("%" PRId64 " buckets, %" PRId64 " objects, %" PRId64 " findings, %" PRId64
               " repaired\n",
               report.buckets, report.objects, report.findings, report.repaired);
        return judge(ctx, &report);
}
