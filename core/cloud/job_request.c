#include "core/cloud/job_request.h"

#include "core/cloud/seal.h"

#include <string.h>

/* clang-format off */
static const struct { const char *name; size_t offset; } texts[] = {
        { "config_name",      offsetof(struct job_request, config_name) },
        { "webhook_url",      offsetof(struct job_request, webhook_url) },
        { "hardware_profile", offsetof(struct job_request, hardware_profile) },
        { "tracker_run_name", offsetof(struct job_request, tracker_run_name) },
};
/* clang-format on */

static const char *place_of(struct ctx *ctx, const char *job_id)
{
        return arena_printf(ctx->arena, "jobs.request/%s", job_id);
}

static bool add_texts(json_t *json, const struct job_request *request)
{
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                const char *text = *(const char *const *)((const char *)request + texts[i].offset);

                if (text && json_object_set_new(json, texts[i].name, json_string(text)) != 0)
                        return false;
        }
        return true;
}

enum err job_request_seal(struct ctx *ctx, const struct job *job, const struct job_request *request,
                          const char **ret_sealed)
{
        CLEANUP(json_decrefp)
        json_t *json = json_pack("{s:s, s:O, s:O*, s:b}", "provider", job->provider, "config",
                                 request->config, "dataloader_config", request->dataloader_config,
                                 "data_consent", request->data_consent);
        const char *place = place_of(ctx, job->job_id);
        const char *text;
        enum err rc;

        if (!json || !place || !add_texts(json, request))
                return ctx_nomem(ctx);
        rc = json_text(ctx, json, &text);
        if (rc != OK)
                return rc;
        return seal_text(ctx, place, (struct secret){ .bytes = text, .len = strlen(text) },
                         ret_sealed);
}

enum err job_request_open(struct ctx *ctx, const char *job_id, struct job_request *ret)
{
        const char *sealed, *place = place_of(ctx, job_id);
        struct job_request request = { 0 };
        struct secret plain;
        json_t *json;
        enum err rc;

        if (!place)
                return ctx_nomem(ctx);
        rc = store_job_request(ctx, job_id, &sealed);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, rc, "what was submitted was not kept");
        if (rc == OK)
                rc = seal_open(ctx, place, sealed, &plain);
        if (rc == OK)
                rc = json_parse_object(ctx, "request", plain.bytes, plain.len, &json);
        if (rc == OK)
                rc = json_keep(ctx, json);
        if (rc != OK)
                return rc;
        request.config = json_object_get(json, "config");
        request.dataloader_config = json_object_get(json, "dataloader_config");
        request.data_consent = json_is_true(json_object_get(json, "data_consent"));
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                *(const char **)((char *)&request + texts[i].offset) =
                        json_string_at(json, texts[i].name);
        *ret = request;
        return OK;
}
