/* Local data sets before they are sent: what would be, and whether it may. */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/data/data_consent.h"
#include "core/cloud/data/data_pack.h"
#include "fcgi/handlers.h"

struct consent_body {
        const char *consent;
};

static const struct field consent_fields[] = {
        FIELD(struct consent_body, consent, FIELD_CHOICE, .choices = data_consent_choices,
              .required = true),
};

static double in_mb(int64_t bytes)
{
        return (double)bytes / (double)MiB;
}

static void render_set(struct jsonw *json, const struct data_set *set, struct data_total own)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "id", set->id);
        jsonw_string(json, "type", set->type && *set->type ? set->type : "local");
        jsonw_string(json, "instance_data_dir", set->directory);
        jsonw_int(json, "file_count", own.files);
        jsonw_number(json, "total_size_mb", in_mb(own.bytes), 2);
        jsonw_object_end(json);
}

/* What set n has; a directory that is named again was measured before. */
static enum err measure_set(struct ctx *ctx, const struct data_sets *sets, size_t n,
                            struct data_total *totals)
{
        for (size_t i = 0; sets->sets[n].repeats && i < n; i++) {
                if (strcmp(sets->sets[i].name, sets->sets[n].name) == 0) {
                        totals[n] = totals[i];
                        return OK;
                }
        }
        return data_measure(ctx, &sets->sets[n], &totals[n]);
}

/* All of them; *total counts each directory once. */
static enum err render_sets(struct ctx *ctx, struct jsonw *json, const struct data_sets *sets,
                            struct data_total *total)
{
        struct data_total *totals = arena_alloc(ctx->arena, (sets->count + 1) * sizeof(*totals));

        if (!totals)
                return ctx_nomem(ctx);
        for (size_t n = 0; n < sets->count; n++) {
                enum err rc = measure_set(ctx, sets, n, totals);

                if (rc != OK)
                        return rc;
                render_set(json, &sets->sets[n], totals[n]);
                if (!sets->sets[n].repeats) {
                        total->files += totals[n].files;
                        total->bytes += totals[n].bytes;
                }
        }
        return OK;
}

static enum err data_consent_preview_run(struct ctx *ctx, const struct request *request,
                                         struct reply *reply)
{
        struct data_total total = { 0 };
        struct data_sets sets;
        const char *consent;
        struct jsonw json;
        json_t *entries;
        enum err rc;

        rc = request_json_value(ctx, request, &entries);
        if (rc == OK && !json_is_array(entries))
                rc = ctx_fail(ctx, ERR_INVALID, "body must be a JSON array");
        if (rc == OK)
                rc = data_sets_find(ctx, entries, &sets);
        if (rc == OK)
                rc = data_consent_get(ctx, &consent);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "requires_upload", sets.count > 0);
        jsonw_string(&json, "consent_mode", consent);
        jsonw_array(&json, "datasets");
        rc = render_sets(ctx, &json, &sets, &total);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        jsonw_int(&json, "total_files", total.files);
        jsonw_number(&json, "total_size_mb", in_mb(total.bytes), 2);
        jsonw_string(&json, "message",
                     sets.count > 0 ? "The files of these data sets would be sent to the provider"
                                    : "No local data sets: nothing would be sent");
        return reply_json_end(ctx, reply, &json);
}

const struct operation data_consent_preview = {
        OPERATION(data_consent_preview),
        .summary = "What would be sent of local data sets",
};

static enum err reply_consent(struct ctx *ctx, struct reply *reply, const char *consent)
{
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "consent", consent);
        return reply_json_end(ctx, reply, &json);
}

static enum err data_consent_show_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        const char *consent;
        enum err rc = data_consent_get(ctx, &consent);

        (void)request;
        return rc == OK ? reply_consent(ctx, reply, consent) : rc;
}

const struct operation data_consent_show = {
        OPERATION(data_consent_show),
        .summary = "Show whether local data may be sent",
};

static enum err data_consent_update_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct consent_body body = { 0 };
        json_t *tree;
        enum err rc;

        rc = request_json(ctx, request, &tree);
        if (rc == OK)
                rc = request_fields_of(ctx, request, tree, &body);
        if (rc == OK)
                rc = data_consent_set(ctx, body.consent);
        return rc == OK ? reply_consent(ctx, reply, body.consent) : rc;
}

const struct operation data_consent_update = {
        OPERATION(data_consent_update),
        .summary = "Say whether local data may be sent",
        .body = FIELDS(consent_fields),
};
