#include "core/cloud/provider/provider_rest.h"

#include <string.h>
#include <strings.h>

#include "core/cloud/provider/provider_call.h"

/* What error bodies say: {"detail": text, "title"?: text} or {"error": text}. */
static const char *reason_in(const json_t *answer)
{
        static const char *const keys[] = { "detail", "error", "title", "message" };

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                const char *text = json_string_at(answer, keys[i]);

                if (text && *text)
                        return text;
        }
        return "no reason given";
}

/* Does this status leave open whether a POST took effect? */
static bool is_ambiguous(long status)
{
        return status >= 500 && status != 501;
}

/* json: the answer parsed, NULL: it is no JSON. A 404 that is not in the provider's own words is of
 * something in between, and proves nothing. */
static enum err refuse(struct ctx *ctx, const char *name, const struct http_answer *answer,
                       const json_t *json)
{
        const char *reason = json ? reason_in(json) : "no readable answer";
        enum err rc = is_ambiguous(answer->status) ? ERR_OUTCOME_UNKNOWN : ERR_PROVIDER;
        int len = (int)strcspn(reason, "\r\n");

        if (answer->status == 404 && json_is_object(json))
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s: not found", name);
        if (answer->retry_after_s > 0)
                return ctx_fail(ctx, rc, "%s answered HTTP %ld: %.*s (try again in %ld s)", name,
                                answer->status, len < 200 ? len : 200, reason,
                                answer->retry_after_s);
        return ctx_fail(ctx, rc, "%s answered HTTP %ld: %.*s", name, answer->status,
                        len < 200 ? len : 200, reason);
}

enum err provider_rest_read(struct ctx *ctx, const char *name, const struct http_answer *answer,
                            json_t **ret_json)
{
        json_t *json = NULL;
        enum err rc, parsed;

        parsed = answer->body_len ? json_parse(ctx, "answer", answer->body, answer->body_len, &json)
                                  : ERR_INVALID;
        if (parsed == OK) {
                rc = json_keep(ctx, json);
                if (rc != OK)
                        return rc;
        }
        if (answer->status < 200 || answer->status > 299)
                return refuse(ctx, name, answer, parsed == OK ? json : NULL);
        if (parsed != OK && answer->body_len)
                return ctx_fail(ctx, ERR_OUTCOME_UNKNOWN, "%s answered HTTP %ld with %s", name,
                                answer->status,
                                json_is_too_deep(answer->body, answer->body_len)
                                        ? "JSON that is nested too deeply"
                                        : "something that is not JSON");
        *ret_json = json;
        return OK;
}

enum err provider_rest_call(struct ctx *ctx, const struct provider_session *session,
                            const struct http_request *request, json_t **ret_json)
{
        const char *name = session->provider->name;
        struct http_answer answer = { 0 };
        enum err rc = provider_call(ctx, session, request, &answer);
        const char *what;

        if (rc == OK)
                return provider_rest_read(ctx, name, &answer, ret_json);
        if (rc != ERR_PROVIDER && rc != ERR_OUTCOME_UNKNOWN)
                return rc;
        what = arena_printf(ctx->arena, "%s cannot be reached", name);
        return what ? ctx_prefix(ctx, rc, what) : ctx_nomem(ctx);
}

enum err provider_rest_body(struct ctx *ctx, const json_t *body, struct http_request *request)
{
        enum err rc = json_text(ctx, body, &request->body);

        if (rc != OK)
                return rc;
        request->body_len = strlen(request->body);
        request->content_type = "application/json";
        return OK;
}

enum err provider_rest_job_url(struct ctx *ctx, const struct provider_session *session,
                               const char *const parts[3], const char **ret_url)
{
        static const char safe[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        const char *id = parts[1];

        if (!*id || id[strspn(id, safe)] != '\0')
                return ctx_fail(ctx, ERR_PROVIDER, "%s's id of the job has odd characters",
                                session->provider->name);
        *ret_url = arena_printf(ctx->arena, "%s%s/%s%s", session->api_base, parts[0], id, parts[2]);
        return *ret_url ? OK : ctx_nomem(ctx);
}

/* "..", also escaped, and "\", which some take for "/", may lead out of where a path is. */
static bool path_climbs(const char *path)
{
        size_t len = strcspn(path, "?#");

        for (size_t i = 0; i < len; i++) {
                if (path[i] == '\\' || strncasecmp(path + i, "%2e", 3) == 0 ||
                    strncasecmp(path + i, "%2f", 3) == 0 || strncmp(path + i, "/.", 2) == 0)
                        return true;
        }
        return false;
}

bool provider_rest_is_below(const char *base, const char *url)
{
        size_t len = strlen(base);

        /* What follows must end the base's last word: not 9443 after 94, nor /v10 after /v1. */
        if (strncmp(url, base, len) != 0 || (url[len] != '\0' && !strchr("/?#", url[len])))
                return false;
        return !path_climbs(url + len);
}

const char *provider_rest_output_url(const json_t *output)
{
        const char *url =
                json_string_value(json_is_array(output) ? json_array_get(output, 0) : output);

        return url && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) ? url
                                                                                            : NULL;
}

int64_t provider_rest_time(const json_t *object, const char *key)
{
        const char *text = json_string_at(object, key);
        int64_t at_us = 0;

        return text && clock_parse_iso(text, &at_us) ? at_us : 0;
}

struct provider_account provider_rest_account(const json_t *answer)
{
        return (struct provider_account){
                .username = json_string_at(answer, "username"),
                .name = json_string_at(answer, "name"),
                .github_url = json_string_at(answer, "github_url"),
        };
}
