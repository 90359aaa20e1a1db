/* simpletuner-cloud secret rotate-key: change the key under which secrets are kept in the database.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/secrets/key_ring.h"
#include "core/cloud/secrets/key_rotation.h"
#include "core/cron/command.h"

struct outcome {
        const char *step;
        struct key_rotation rotation;
        size_t dropped;
};

static enum err check_options(struct ctx *ctx, const struct command_options *options)
{
        if (options->prepare + options->activate + options->retire + options->one_host > 1)
                return ctx_fail(ctx, ERR_INVALID,
                                "--prepare, --activate, --retire and --one-host go one at a time");
        return OK;
}

static enum err rotate(struct ctx *ctx, const struct command_options *options,
                       struct outcome *outcome)
{
        enum err rc;

        if (options->prepare) {
                outcome->step = "prepared";
                return key_rotation_prepare(ctx);
        }
        if (options->retire) {
                outcome->step = "retired";
                return key_rotation_retire(ctx, &outcome->dropped);
        }
        outcome->step = "sealed";
        rc = options->activate ? key_rotation_activate(ctx)
                               : key_rotation_begin(ctx, options->one_host);
        return rc == OK ? key_rotation_reseal(ctx, &outcome->rotation) : rc;
}

/* ---- the result ---- */

struct key_view {
        const struct kept_key *kept;
        struct key_left left;
        char since[CLOCK_ISO_SIZE];
};

static void print_text(const struct outcome *outcome, const struct key_view *views, size_t count)
{
        if (outcome->rotation.sealed)
                printf("%" PRId64 " rows are sealed anew.\n", outcome->rotation.sealed);
        for (size_t i = 0; i < count; i++) {
                const struct key_view *view = &views[i];

                printf("%s  %-5s  since %s  rows %" PRId64 "  uploads %" PRId64 "\n",
                       view->kept->key.id, key_use_name(view->kept->use), view->since,
                       view->left.rows, view->left.uploads);
        }
}

static void print_json(const struct outcome *outcome, const struct key_view *views, size_t count)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        jsonw_string(&out.json, "step", outcome->step);
        jsonw_int(&out.json, "sealed_rows", outcome->rotation.sealed);
        jsonw_int(&out.json, "unreadable_rows", outcome->rotation.unreadable);
        jsonw_int(&out.json, "dropped_keys", (int64_t)outcome->dropped);
        jsonw_array(&out.json, "keys");
        for (size_t i = 0; i < count; i++) {
                jsonw_object(&out.json, NULL);
                jsonw_string(&out.json, "id", views[i].kept->key.id);
                jsonw_string(&out.json, "use", key_use_name(views[i].kept->use));
                jsonw_time(&out.json, "since", views[i].kept->since_us);
                jsonw_int(&out.json, "rows", views[i].left.rows);
                jsonw_int(&out.json, "uploads", views[i].left.uploads);
                jsonw_object_end(&out.json);
        }
        jsonw_array_end(&out.json);
}

static enum err print(struct ctx *ctx, const struct command_options *options,
                      const struct outcome *outcome)
{
        struct key_view views[KEYS_MAX] = { 0 };
        struct key_list list;
        enum err rc = key_ring_read(ctx, &list);

        if (rc != OK)
                return rc;
        for (size_t i = 0; rc == OK && i < list.count; i++) {
                views[i].kept = &list.keys[i];
                snprintf(views[i].since, sizeof(views[i].since), "ever");
                if (list.keys[i].since_us)
                        clock_format_iso(list.keys[i].since_us, views[i].since);
                rc = key_rotation_left(ctx, &list, i, &views[i].left);
        }
        if (rc == OK)
                (options->json ? print_json : print_text)(outcome, views, list.count);
        secret_wipe(&list, sizeof(list));
        return rc;
}

enum err cmd_secret_rotate_key(struct ctx *ctx, const struct command_options *options)
{
        struct outcome outcome = { 0 };
        enum err rc = check_options(ctx, options);

        if (rc == OK)
                rc = rotate(ctx, options, &outcome);
        if (rc == OK)
                rc = print(ctx, options, &outcome);
        if (rc == OK && outcome.rotation.unreadable)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%" PRId64 " rows do not open with any key of credential.key and "
                                "stay as they are",
                                outcome.rotation.unreadable);
        return rc;
}
