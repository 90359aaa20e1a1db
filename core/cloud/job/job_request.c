#include "core/cloud/job/job_request.h"

#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/data/data_set.h"
#include "core/cloud/job/named_config.h"
#include "core/cloud/secrets/seal.h"

/* clang-format off */
static const struct field fields[] = {
        FIELD(struct job_request, config, FIELD_OBJECT),
        FIELD(struct job_request, dataloader_config, FIELD_ARRAY, .max = DATA_SETS_MAX),
        FIELD(struct job_request, config_name_to_load, FIELD_STRING, .min = 1, .max = 128),
        FIELD(struct job_request, config_name, FIELD_STRING, .min = 1, .max = 200),
        FIELD(struct job_request, webhook_url, FIELD_URL, .max = 2048),
        FIELD(struct job_request, snapshot_name, FIELD_STRING, .min = 1, .max = 200),
        FIELD(struct job_request, snapshot_message, FIELD_STRING, .max = 2000),
        FIELD(struct job_request, tracker_run_name, FIELD_STRING, .min = 1, .max = 200),
        FIELD(struct job_request, upload_id, FIELD_STRING, .min = 1, .max = 200),
        FIELD(struct job_request, hardware_profile, FIELD_STRING, .min = 1, .max = 64),
        FIELD(struct job_request, idempotency_key, FIELD_STRING, .min = 1, .max = IDEMPOTENCY_KEY_MAX),
        FIELD(struct job_request, max_runtime_minutes, FIELD_INT, .min = 1, .max = 525600),
        FIELD(struct job_request, dry_run, FIELD_BOOL),
        FIELD(struct job_request, data_consent, FIELD_BOOL),
};
const struct field_table job_request_fields = { fields, ARRAY_SIZE(fields) };
/* clang-format on */

enum err job_request_decode(struct ctx *ctx, const char *provider_id, const json_t *body,
                            struct job_request *ret)
{
        struct job_request request = { .provider_id = provider_id };
        enum err rc;

        rc = fields_decode(ctx, fields, ARRAY_SIZE(fields), body, &request);
        if (rc == OK && request.idempotency_key)
                rc = job_request_set_key(ctx, &request, request.idempotency_key, body);
        if (rc == OK)
                *ret = request;
        return rc;
}

/* What was asked without what says nothing about the job: the key, and fields that are null. */
static enum err canonical_text(struct ctx *ctx, const struct job_request *request,
                               const json_t *asked, const char **ret)
{
        CLEANUP(json_decrefp) json_t *tree = json_object();
        const char *name;
        json_t *value;

        if (!tree || json_object_set_new(tree, "provider", json_string(request->provider_id)) != 0)
                return ctx_nomem(ctx);
        json_object_foreach ((json_t *)(uintptr_t)asked, name, value) {
                if (strcmp(name, "idempotency_key") == 0 || json_is_null(value))
                        continue;
                if (json_object_set(tree, name, value) != 0)
                        return ctx_nomem(ctx);
        }
        return json_text(ctx, tree, ret);
}

enum err job_request_set_key(struct ctx *ctx, struct job_request *request, const char *key,
                             const json_t *asked)
{
        char sha256[SHA256_HEX_SIZE];
        const char *text;
        enum err rc;

        if (*key == '\0' || strlen(key) > IDEMPOTENCY_KEY_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "idempotency_key must be a string of 1 to %d bytes",
                                IDEMPOTENCY_KEY_MAX);
        rc = canonical_text(ctx, request, asked, &text);
        if (rc != OK)
                return rc;
        if (!crypto_sha256_hex(text, strlen(text), sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash the request");
        rc = ctx_strdup(ctx, sha256, &request->sha256);
        if (rc == OK)
                request->idempotency_key = key;
        return rc;
}

static enum err load_named(struct ctx *ctx, struct job_request *request)
{
        struct named_config named;
        enum err rc;

        if (json_object_size(request->config) > 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "config and config_name_to_load cannot be given together");
        rc = named_config_load(ctx, request->config_name_to_load, &named);
        if (rc != OK)
                return rc;
        request->config = named.config;
        if (!request->dataloader_config)
                request->dataloader_config = named.dataloader_config;
        if (!request->config_name)
                request->config_name = request->config_name_to_load;
        request->config_name_to_load = NULL;
        return OK;
}

enum err job_request_resolve(struct ctx *ctx, struct job_request *request)
{
        json_t *entry;
        size_t i;

        if (request->config_name_to_load) {
                enum err rc = load_named(ctx, request);

                if (rc != OK)
                        return rc;
        }
        if (json_object_size(request->config) == 0)
                return ctx_fail(ctx, ERR_INVALID,
                                "config: No configuration provided; it must be an object with at "
                                "least one member");
        json_array_foreach (request->dataloader_config, i, entry) {
                if (!json_is_object(entry))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "dataloader_config[%zu] must be an object", i);
        }
        return OK;
}

static const char *seal_place(struct ctx *ctx, const char *job_id)
{
        return arena_printf(ctx->arena, "jobs.request/%s", job_id);
}

enum err job_request_seal(struct ctx *ctx, const char *job_id, const struct job_request *request,
                          const char **ret_sealed)
{
        CLEANUP(json_decrefp)
        json_t *body =
                json_pack("{s:s, s:O, s:O*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "provider",
                          request->provider_id, "config", request->config, "dataloader_config",
                          request->dataloader_config, "config_name", request->config_name,
                          "webhook_url", request->webhook_url, "hardware_profile",
                          request->hardware_profile, "tracker_run_name", request->tracker_run_name,
                          "snapshot_name", request->snapshot_name, "snapshot_message",
                          request->snapshot_message, "upload_id", request->upload_id);
        const char *place = seal_place(ctx, job_id), *text;
        enum err rc;

        if (!body || !place ||
            (request->max_runtime_minutes &&
             json_object_set_new(body, "max_runtime_minutes",
                                 json_integer(request->max_runtime_minutes)) != 0) ||
            (request->data_consent && json_object_set_new(body, "data_consent", json_true()) != 0))
                return ctx_nomem(ctx);
        rc = json_text(ctx, body, &text);
        if (rc != OK)
                return rc;
        return seal_text(ctx, place, (struct secret){ text, strlen(text) }, ret_sealed);
}

enum err job_request_open(struct ctx *ctx, const char *job_id, const char *sealed,
                          struct job_request *ret)
{
        const char *place = seal_place(ctx, job_id), *provider_id;
        struct secret text;
        json_t *body;
        enum err rc;

        if (!place)
                return ctx_nomem(ctx);
        rc = seal_open(ctx, place, sealed, &text);
        if (rc == OK)
                rc = json_parse_object(ctx, "the kept request", text.bytes, text.len, &body);
        if (rc == OK)
                rc = json_keep(ctx, body);
        if (rc == OK)
                rc = ctx_strdup(ctx, json_string_at(body, "provider"), &provider_id);
        if (rc != OK)
                return rc == ERR_INVALID ? ERR_INTERNAL : rc;
        json_object_del(body, "provider");
        rc = job_request_decode(ctx, provider_id, body, ret);
        return rc == ERR_INVALID ? ERR_INTERNAL : rc;
}
