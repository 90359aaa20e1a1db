#include "core/cloud/secrets/vault_call.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/cloud/http/http_settings.h"
#include "core/cloud/secrets/secret_cache.h"

#define HEADERS_MAX 4
#define SEALED      503

static void end_answer(struct vault_answer *answer)
{
        json_decref(answer->json);
}

/* ---- calls ---- */

/* False: out of memory. */
static bool make_headers(struct ctx *ctx, const struct vault_call *call,
                         const char *headers[HEADERS_MAX])
{
        const char *namespace = ctx->config->secrets.vault_namespace;
        size_t n = 0;

        headers[n++] = "X-Vault-Request: true";
        if (*namespace)
                headers[n++] = arena_printf(ctx->arena, "X-Vault-Namespace: %s", namespace);
        if (call->token)
                headers[n++] = arena_printf(ctx->arena, "X-Vault-Token: %s", call->token);
        return headers[n - 1] && headers[n > 1 ? n - 2 : 0];
}

enum err vault_perform(struct ctx *ctx, const struct vault_call *call, struct vault_answer *ret)
{
        const struct secrets_config *config = &ctx->config->secrets;
        struct http_settings settings = http_settings_for(ctx->config, config->vault_addr);
        const char *headers[HEADERS_MAX] = { NULL };
        const struct http_request request = {
                .op = "secrets",
                .method = call->method,
                .url = arena_printf(ctx->arena, "%s/v1/%s", config->vault_addr, call->path),
                .headers = headers,
                .content_type = call->body ? "application/json" : NULL,
                .body = call->body,
                .body_len = call->body ? strlen(call->body) : 0,
        };
        struct http_answer answer;
        enum err rc;

        if (!request.url || !make_headers(ctx, call, headers))
                return ctx_nomem(ctx);
        if (*config->vault_ca)
                settings.ca_bundle = config->vault_ca;
        if (settings.timeout_s > SECRET_CALL_S)
                settings.timeout_s = SECRET_CALL_S;
        rc = http_perform(ctx, &settings, &request, &answer);
        if (rc != OK)
                return rc == ERR_NOMEM ? rc
                                       : ctx_prefix(ctx, ERR_UNAVAILABLE, "Vault cannot be asked");
        *ret = (struct vault_answer){ .status = answer.status };
        if (answer.body_len > 0 &&
            json_parse_object(ctx, "answer", answer.body, answer.body_len, &ret->json) == ERR_NOMEM)
                return ERR_NOMEM;
        return OK;
}

enum err vault_refused(struct ctx *ctx, const struct vault_answer *answer, const char *what)
{
        const char *why = "";

        if (answer->status == SEALED)
                why = ": it is sealed or not ready";
        else if (answer->status == 403)
                why = ": permission denied, or a token that is none any more";
        else if (answer->status >= 300 && answer->status < 400)
                why = ": it sends elsewhere, to which VAULT_ADDR should point";
        return ctx_fail(ctx, ERR_UNAVAILABLE, "Vault answered HTTP %ld to %s%s", answer->status,
                        what, why);
}

/* ---- the token ---- */

void vault_log_out(struct vault_login *login)
{
        if (login->token)
                secret_wipe(login->token, strlen(login->token));
        free(login->token);
        *login = (struct vault_login){ 0 };
}

static enum err adopt(struct ctx *ctx, const char *token, bool is_ours, struct vault_login *login)
{
        vault_log_out(login);
        login->token = strdup(token);
        login->is_ours = is_ours;
        return login->token ? OK : ctx_nomem(ctx);
}

/* ttl_s 0: it never ends. */
static void note_lease(const struct ctx *ctx, struct vault_login *login, double ttl_s,
                       bool is_renewable)
{
        const int64_t now_us = clock_mono_us(ctx->clock);

        login->is_renewable = is_renewable;
        login->expires_us = ttl_s > 0 ? now_us + (int64_t)(ttl_s * 1e6) : 0;
        login->renew_us = ttl_s > 0 ? now_us + (int64_t)(ttl_s * 1e6 * 2 / 3) : 0;
}

/* How long is a token that was given good? One that may not look itself up is taken as it is: what
 * it is used for says whether it is one. */
static enum err look_up(struct ctx *ctx, struct vault_login *login)
{
        const struct vault_call call = { "GET", "auth/token/lookup-self", login->token, NULL };
        CLEANUP(end_answer) struct vault_answer answer = { 0 };
        const json_t *data;
        enum err rc = vault_perform(ctx, &call, &answer);

        if (rc != OK || answer.status == 403)
                return rc;
        if (answer.status != 200)
                return vault_refused(ctx, &answer, "a token looking itself up");
        data = json_object_get(answer.json, "data");
        if (json_is_object(data))
                note_lease(ctx, login, json_number_at(data, "ttl", 0),
                           json_is_true(json_object_get(data, "renewable")));
        return OK;
}

static enum err use_given(struct ctx *ctx, const char *token, struct vault_login *login)
{
        enum err rc = adopt(ctx, token, false, login);

        if (rc == OK)
                rc = look_up(ctx, login);
        if (rc != OK)
                vault_log_out(login);
        return rc;
}

/* What login and renewal answer: {"auth": {"client_token", "lease_duration", "renewable"}}. */
static enum err take_auth(struct ctx *ctx, const struct vault_answer *answer,
                          struct vault_login *login)
{
        const json_t *auth = json_object_get(answer->json, "auth");
        const char *token = json_is_object(auth) ? json_string_at(auth, "client_token") : NULL;
        enum err rc = OK;

        if (!token)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "Vault answered without a token");
        if (!login->token || strcmp(login->token, token) != 0)
                rc = adopt(ctx, token, login->token ? login->is_ours : true, login);
        if (rc == OK)
                note_lease(ctx, login, json_number_at(auth, "lease_duration", 0),
                           json_is_true(json_object_get(auth, "renewable")));
        return rc;
}

static enum err use_role(struct ctx *ctx, const char *role, struct vault_login *login)
{
        CLEANUP(end_answer) struct vault_answer answer = { 0 };
        CLEANUP(json_decrefp) json_t *body = NULL;
        struct vault_call call = { .method = "POST" };
        const char *secret;
        enum err rc;

        rc = secret_near(ctx, "VAULT_SECRET_ID", &secret);
        if (rc != OK && rc != ERR_NOT_FOUND) /* some roles need none */
                return rc;
        body = json_pack("{s:s, s:s*}", "role_id", role, "secret_id", rc == OK ? secret : NULL);
        call.path = arena_printf(ctx->arena, "auth/%s/login", ctx->config->secrets.vault_approle);
        if (!body || !call.path)
                return ctx_nomem(ctx);
        rc = json_text(ctx, body, &call.body);
        if (rc == OK)
                rc = vault_perform(ctx, &call, &answer);
        if (rc != OK)
                return rc;
        if (answer.status != 200)
                return vault_refused(ctx, &answer, "the login of an AppRole");
        vault_log_out(login);
        return take_auth(ctx, &answer, login);
}

static enum err renew(struct ctx *ctx, struct vault_login *login)
{
        const struct vault_call call = { "POST", "auth/token/renew-self", login->token, "{}" };
        CLEANUP(end_answer) struct vault_answer answer = { 0 };
        enum err rc = vault_perform(ctx, &call, &answer);

        if (rc != OK)
                return rc;
        return answer.status == 200 ? take_auth(ctx, &answer, login)
                                    : vault_refused(ctx, &answer, "the renewal of a token");
}

/* A token that is given goes before an AppRole. */
static enum err log_in(struct ctx *ctx, struct vault_login *login)
{
        const char *text;
        enum err rc = secret_near(ctx, "VAULT_TOKEN", &text);

        if (rc == OK)
                return use_given(ctx, text, login);
        if (rc == ERR_NOT_FOUND)
                rc = secret_near(ctx, "VAULT_ROLE_ID", &text);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "neither VAULT_TOKEN nor VAULT_ROLE_ID is set");
        return rc == OK ? use_role(ctx, text, login) : rc;
}

/* Another token was given since. */
static bool is_replaced(struct ctx *ctx, const struct vault_login *login)
{
        const char *given;

        return !login->is_ours && secret_near(ctx, "VAULT_TOKEN", &given) == OK &&
               strcmp(given, login->token) != 0;
}

enum err vault_log_in(struct ctx *ctx, struct vault_login *login)
{
        const int64_t now_us = clock_mono_us(ctx->clock);
        enum err rc;

        if (!login->token || is_replaced(ctx, login) ||
            (login->expires_us && login->expires_us <= now_us))
                return log_in(ctx, login);
        if (!login->renew_us || login->renew_us > now_us)
                return OK;
        rc = login->is_renewable ? renew(ctx, login) : ERR_UNAVAILABLE;
        if (rc == OK || rc == ERR_NOMEM)
                return rc;
        if (login->is_ours)
                return log_in(ctx, login);
        if (login->is_renewable)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.secrets",
                          "The token for Vault is not renewed", "reason", ctx->detail);
        return OK; /* it is good for a while */
}
