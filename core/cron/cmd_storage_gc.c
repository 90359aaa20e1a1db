/* simpletuner-cloud storage gc: remove what is no object. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/storage/storage_gc.h"
#include "core/cron/command.h"

#define JSON_MAX 10000 /* pieces in a JSON answer; the sums have all of them */

struct collection {
        struct jsonw *json; /* NULL: for people */
        int64_t pieces, bytes, unknown;
};

static void print_line(const struct storage_waste *waste)
{
        printf("%-9s  %12" PRId64 "  %s%s\n", storage_waste_name(waste->kind), waste->bytes,
               waste->path, waste->removed || waste->kind == WASTE_UNKNOWN ? "" : " (not removed)");
}

static void print_json(struct jsonw *json, const struct storage_waste *waste)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "kind", storage_waste_name(waste->kind));
        jsonw_string(json, "path", waste->path);
        jsonw_int(json, "bytes", waste->bytes);
        jsonw_bool(json, "removed", waste->removed);
        jsonw_object_end(json);
}

static void found(void *arg, const struct storage_waste *waste)
{
        struct collection *collection = arg;

        if (!collection->json)
                print_line(waste);
        else if (collection->pieces + collection->unknown < JSON_MAX)
                print_json(collection->json, waste);
        if (waste->kind == WASTE_UNKNOWN) {
                collection->unknown++;
                return;
        }
        collection->pieces++;
        collection->bytes += waste->bytes;
}

static void print_sum(const struct collection *collection, bool dry_run)
{
        printf("%s %" PRId64 " pieces with %" PRId64 " bytes", dry_run ? "Would remove" : "Removed",
               collection->pieces, collection->bytes);
        if (collection->unknown)
                printf(", left %" PRId64 " unknown ones", collection->unknown);
        printf("\n");
}

enum err cmd_storage_gc(struct ctx *ctx, const struct command_options *options)
{
        struct collection collection = { .json = NULL };
        const struct storage_gc gc = { options->dry_run, found, &collection };
        enum err rc;

        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                collection.json = &out.json;
                jsonw_array(&out.json, "found");
                rc = storage_gc(ctx, &gc);
                jsonw_array_end(&out.json);
                jsonw_bool(&out.json, "dry_run", options->dry_run);
                jsonw_int(&out.json, "pieces", collection.pieces);
                jsonw_int(&out.json, "bytes", collection.bytes);
                jsonw_int(&out.json, "unknown", collection.unknown);
                return rc;
        }
        rc = storage_gc(ctx, &gc);
        if (rc == OK)
                print_sum(&collection, options->dry_run);
        return rc;
}
