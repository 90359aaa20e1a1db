/* Replicate's models, hardware, files and webhook secret, and the model that checks webhooks. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cloud/cloud.h"
#include "core/cloud/provider/provider_jobs.h"
#include "core/cloud/provider/provider_rest.h"
#include "core/cloud/provider/replicate_api.h"

#define VERSION_PAGES_MAX 50
#define CHECK_MODEL       "simpletuner/webhook-check"
#define CHECK_WAIT_S      60
#define CHECK_CALL_S      30.0

/* ---- versions ---- */

static int newest_first(const void *a, const void *b)
{
        const struct provider_version *left = a, *right = b;

        return strcmp(right->created_at, left->created_at);
}

/* Room for the versions of one more page. */
static enum err make_room(struct ctx *ctx, struct provider_versions *versions, size_t more)
{
        size_t size = sizeof(*versions->items);
        struct provider_version *items =
                arena_alloc(ctx->arena, (versions->count + more + 1) * size);

        if (!items)
                return ctx_nomem(ctx);
        if (versions->count > 0)
                memcpy(items, versions->items, versions->count * size);
        versions->items = items;
        return OK;
}

static enum err add_versions(struct ctx *ctx, const json_t *results,
                             struct provider_versions *versions)
{
        json_t *version;
        size_t i;
        enum err rc = make_room(ctx, versions, json_array_size(results));

        if (rc != OK)
                return rc;
        json_array_foreach (results, i, version) {
                const char *id = json_string_at(version, "id");
                const char *created_at = json_string_at(version, "created_at");

                if (id && created_at)
                        versions->items[versions->count++] =
                                (struct provider_version){ id, created_at };
        }
        return OK;
}

enum err replicate_versions(struct ctx *ctx, const struct provider_session *session,
                            const char *model, struct provider_versions *ret)
{
        const char *path = arena_printf(ctx->arena, "/models/%s/versions", model);
        struct provider_versions versions = { 0 };
        struct replicate_page page = { 0 };

        if (!path)
                return ctx_nomem(ctx);
        for (unsigned pages = 0; pages < VERSION_PAGES_MAX; pages++) {
                enum err rc = replicate_get_page(ctx, session, path, page.next, &page);

                if (rc == ERR_NOT_FOUND)
                        return ctx_fail(ctx, rc, "Replicate has no model %s", model);
                if (rc == OK)
                        rc = add_versions(ctx, page.results, &versions);
                if (rc != OK)
                        return rc;
                if (!page.next)
                        break;
        }
        if (versions.count > 0)
                qsort(versions.items, versions.count, sizeof(*versions.items), newest_first);
        *ret = versions;
        return OK;
}

/* ---- hardware, files, the webhook secret ---- */

enum err replicate_hardware_now(struct ctx *ctx, const struct provider_session *session,
                                const json_t **ret_ids)
{
        json_t *list = NULL, *ids, *item;
        size_t i;
        enum err rc = replicate_get(ctx, session, "/hardware", &list);

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        ids = json_array();
        if (!ids)
                return ctx_nomem(ctx);
        rc = json_keep(ctx, ids);
        if (rc != OK)
                return rc;
        json_array_foreach (list, i, item) {
                json_t *sku = json_object_get(item, "sku");

                if (json_is_string(sku) && json_array_append(ids, sku) != 0)
                        return ctx_nomem(ctx);
        }
        *ret_ids = ids;
        return OK;
}

enum err replicate_upload_file(struct ctx *ctx, const struct provider_session *session,
                               const struct http_file *file, const char **ret_url)
{
        struct http_file content = *file;
        struct http_request request = { .op = "upload", .method = "POST", .file = &content };
        json_t *json = NULL;
        const char *url;
        enum err rc;

        content.field = "content";
        request.url = arena_printf(ctx->arena, "%s/files", session->api_base);
        if (!request.url)
                return ctx_nomem(ctx);
        rc = provider_rest_settled(replicate_call(ctx, session, request, NULL, &json));
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        url = json_string_at(json_object_get(json, "urls"), "get");
        if (!url)
                url = json_string_at(json, "url");
        if (!url)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate took the file and gave no URL of it");
        *ret_url = url;
        return OK;
}

enum err replicate_webhook_secret(struct ctx *ctx, const struct provider_session *session,
                                  const char **ret_secret)
{
        json_t *json = NULL;
        enum err rc = replicate_get(ctx, session, "/webhooks/default/secret", &json);

        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        *ret_secret = json_string_at(json, "key");
        if (!*ret_secret)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate gave no webhook secret");
        return OK;
}

/* ---- the model that calls a webhook from Replicate's side ---- */

/* Start it; *ret_id names the prediction. */
static enum err start_check(struct ctx *ctx, const struct provider_session *session,
                            const char *url, const char **ret_id)
{
        CLEANUP(json_decrefp) json_t *body = NULL;
        struct http_request request = { .op = "probe", .method = "POST" };
        json_t *model = NULL, *json = NULL;
        const char *version;
        enum err rc;

        rc = replicate_get(ctx, session, "/models/" CHECK_MODEL, &model);
        version = rc == OK ? json_string_at(json_object_get(model, "latest_version"), "id") : NULL;
        if (rc == ERR_NOT_FOUND || (rc == OK && !version))
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate has no model " CHECK_MODEL);
        if (rc != OK)
                return rc;
        version = arena_printf(ctx->arena, "%s:%s", CHECK_MODEL, version);
        request.url = arena_printf(ctx->arena, "%s/predictions", session->api_base);
        body = json_pack("{s:s*, s:{s:s, s:f}}", "version", version, "input", "webhook_url", url,
                         "timeout_seconds", CHECK_CALL_S);
        if (!version || !request.url || !body)
                return ctx_nomem(ctx);
        rc = provider_rest_settled(replicate_call(ctx, session, request, body, &json));
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
        *ret_id = json_string_at(json, "id");
        if (!*ret_id)
                return ctx_fail(ctx, ERR_PROVIDER, "Replicate gave no id of the check");
        return OK;
}

/* Wait until it has ended, asking once a second. ERR_PROVIDER: it takes too long. */
static enum err await_check(struct ctx *ctx, const struct provider_session *session, const char *id,
                            struct provider_job *ret)
{
        static const struct timespec second = { .tv_sec = 1 };

        for (unsigned waited_s = 0; waited_s < CHECK_WAIT_S; waited_s++) {
                enum err rc = provider_status(ctx, session, id, ret);

                if (rc != OK)
                        return rc == ERR_NOT_FOUND ? ERR_PROVIDER : rc;
                if (ret->status_known && job_status_is_terminal(ret->status))
                        return OK;
                if (atomic_load(&ctx->cloud->draining))
                        break;
                nanosleep(&second, NULL);
        }
        return ctx_fail(ctx, ERR_PROVIDER, "the check did not end within %d seconds", CHECK_WAIT_S);
}

enum err replicate_probe(struct ctx *ctx, const struct provider_session *session, const char *url,
                         struct provider_probe *ret)
{
        struct provider_probe probe = { 0 };
        struct provider_job job = { 0 };
        enum err rc;

        rc = start_check(ctx, session, url, &probe.external_id);
        if (rc == OK)
                rc = await_check(ctx, session, probe.external_id, &job);
        if (rc != OK)
                return rc;
        probe.success =
                job.status == JOB_COMPLETED && json_is_true(json_object_get(job.output, "success"));
        probe.latency_ms = json_number_at(job.output, "latency_ms", -1);
        probe.status_code = json_integer_value(json_object_get(job.output, "status_code"));
        probe.details = json_string_at(job.output, "details");
        probe.error = job.error ? job.error : json_string_at(job.output, "error");
        *ret = probe;
        return OK;
}
