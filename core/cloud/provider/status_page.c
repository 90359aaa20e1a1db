#include "core/cloud/provider/status_page.h"

#include <string.h>

#define TIMEOUT_S 5.0
#define ITEMS_MAX 20

enum maintenance { ANY, IN_PROGRESS, TO_COME };

static bool is_wanted(const json_t *item, enum maintenance wanted)
{
        const char *status = json_string_at(item, "status");
        bool running =
                status && (strcmp(status, "in_progress") == 0 || strcmp(status, "verifying") == 0);

        return wanted == ANY || (wanted == IN_PROGRESS) == running;
}

/* What of an item is passed on: texts, under their own names. New reference, NULL: no memory. */
static json_t *pick(const json_t *item)
{
        static const char *const keys[] = { "name",       "status",        "impact",
                                            "created_at", "scheduled_for", "scheduled_until",
                                            "shortlink" };
        json_t *picked = json_object();

        for (size_t i = 0; picked && i < ARRAY_SIZE(keys); i++) {
                json_t *value = json_object_get(item, keys[i]);

                if (json_is_string(value) && json_object_set(picked, keys[i], value) != 0) {
                        json_decref(picked);
                        return NULL;
                }
        }
        return picked;
}

static enum err pick_all(struct ctx *ctx, const json_t *list, enum maintenance wanted,
                         const char **ret_text)
{
        CLEANUP(json_decrefp) json_t *picked = json_array();
        json_t *item;
        size_t i;

        if (!picked)
                return ctx_nomem(ctx);
        json_array_foreach (list, i, item) {
                if (is_wanted(item, wanted) && json_array_size(picked) < ITEMS_MAX &&
                    json_array_append_new(picked, pick(item)) != 0)
                        return ctx_nomem(ctx);
        }
        return json_text(ctx, picked, ret_text);
}

static enum err unknown(struct status_page *ret, const char *why)
{
        *ret = (struct status_page){
                .error = why,
                .incidents = "[]",
                .in_progress = "[]",
                .scheduled = "[]",
        };
        return OK;
}

enum err status_page_read(struct ctx *ctx, const json_t *answer, struct status_page *ret)
{
        const json_t *status = json_object_get(answer, "status");
        const json_t *maintenances = json_object_get(answer, "scheduled_maintenances");
        struct status_page page = {
                .known = true,
                .indicator = json_string_at(status, "indicator"),
                .description = json_string_at(status, "description"),
                .page_url = json_string_at(json_object_get(answer, "page"), "url"),
        };
        enum err rc;

        if (!page.indicator)
                return unknown(ret, "The status page answered with something else");
        page.operational =
                strcmp(page.indicator, "none") == 0 || strcmp(page.indicator, "minor") == 0;
        rc = pick_all(ctx, json_object_get(answer, "incidents"), ANY, &page.incidents);
        if (rc == OK)
                rc = pick_all(ctx, maintenances, IN_PROGRESS, &page.in_progress);
        if (rc == OK)
                rc = pick_all(ctx, maintenances, TO_COME, &page.scheduled);
        if (rc == OK)
                *ret = page;
        return rc;
}

enum err status_page_get(struct ctx *ctx, const struct provider_session *session,
                         struct status_page *ret)
{
        struct http_settings http = session->http;
        struct http_request request = { .method = "GET", .url = session->settings.status_page_url };
        struct http_answer answer = { 0 };
        json_t *json = NULL;
        enum err rc;

        if (!request.url)
                request.url = session->provider->status_page_url;
        if (!request.url)
                return unknown(ret, "This provider has no status page");
        if (http.timeout_s > TIMEOUT_S)
                http.timeout_s = TIMEOUT_S;
        rc = http_perform(ctx, &http, &request, &answer);
        if (rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN)
                return unknown(ret, "The status page cannot be reached");
        if (rc != OK)
                return rc;
        if (answer.status != 200 ||
            json_parse_object(ctx, "answer", answer.body, answer.body_len, &json) != OK)
                return unknown(ret, "The status page answered with something else");
        rc = json_keep(ctx, json);
        return rc == OK ? status_page_read(ctx, json, ret) : rc;
}
