/* Secrets of HashiCorp Vault or OpenBao: one path of a KV engine, version 2 or 1. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/secrets/secret_cache.h"
#include "core/cloud/secrets/vault_call.h"

/* VAULT_ADDR may be set for other programs: a way to log in makes it one of ours. What cannot be
 * read may be one. */
static bool configured(struct ctx *ctx)
{
        const char *text;

        return *ctx->config->secrets.vault_addr &&
               (secret_near(ctx, "VAULT_TOKEN", &text) != ERR_NOT_FOUND ||
                secret_near(ctx, "VAULT_ROLE_ID", &text) != ERR_NOT_FOUND);
}

static const char *missing(const struct ctx *ctx)
{
        return *ctx->config->secrets.vault_addr
                       ? "VAULT_ADDR is set, but neither VAULT_TOKEN nor VAULT_ROLE_ID"
                       : NULL;
}

static void end_answer(struct vault_answer *answer)
{
        json_decref(answer->json);
}

/* A map, or where there is null, none of it. */
static enum err take_map(struct ctx *ctx, json_t *map, json_t **ret)
{
        if (map && !json_is_null(map) && !json_is_object(map))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "Vault answered something that is no map");
        *ret = json_is_object(map) ? json_incref(map) : json_object();
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err read_path(struct ctx *ctx, const struct vault_login *login, const char *between,
                          struct vault_answer *ret)
{
        const struct secrets_config *config = &ctx->config->secrets;
        const struct vault_call call = {
                .method = "GET",
                .path = arena_printf(ctx->arena, "%s%s/%s", config->vault_mount, between,
                                     config->vault_path),
                .token = login->token,
        };

        return call.path ? vault_perform(ctx, &call, ret) : ctx_nomem(ctx);
}

/* {"data": {"data": {...}, "metadata": {...}}}; the inner is null, and the status 404, of a version
 * that was deleted. ERR_NOT_FOUND: there is no such path. */
static enum err read_v2(struct ctx *ctx, const struct vault_login *login, json_t **ret)
{
        CLEANUP(end_answer) struct vault_answer answer = { 0 };
        const json_t *data;
        enum err rc = read_path(ctx, login, "/data", &answer);

        if (rc != OK)
                return rc;
        data = json_object_get(answer.json, "data");
        if (answer.status == 404 && !json_object_get(data, "metadata"))
                return ERR_NOT_FOUND;
        if (answer.status == 403)
                return ctx_fail(ctx, ERR_DENIED, "Vault refuses to read the secrets (HTTP 403)");
        if ((answer.status != 200 && answer.status != 404) || !json_is_object(data))
                return vault_refused(ctx, &answer, "reading the secrets");
        return take_map(ctx, json_object_get(data, "data"), ret);
}

static enum err read_v1(struct ctx *ctx, const struct vault_login *login, json_t **ret)
{
        CLEANUP(end_answer) struct vault_answer answer = { 0 };
        enum err rc = read_path(ctx, login, "", &answer);

        if (rc != OK)
                return rc;
        if (answer.status == 404)
                return take_map(ctx, NULL, ret);
        if (answer.status == 403)
                return ctx_fail(ctx, ERR_DENIED, "Vault refuses to read the secrets (HTTP 403)");
        if (answer.status != 200)
                return vault_refused(ctx, &answer, "reading the secrets");
        return take_map(ctx, json_object_get(answer.json, "data"), ret);
}

/* Version 2, and only where it says that there is nothing, version 1: any other trouble is trouble.
 */
static enum err read_secrets(struct ctx *ctx, const struct vault_login *login, json_t **ret)
{
        const char *version = ctx->config->secrets.vault_kv;
        enum err rc = ERR_NOT_FOUND;

        if (*version != '1')
                rc = read_v2(ctx, login, ret);
        if (rc == ERR_NOT_FOUND)
                rc = *version == '2' ? take_map(ctx, NULL, ret) : read_v1(ctx, login, ret);
        return rc;
}

/* What was read is good no longer than the token is without being renewed. */
static void lessen(const struct ctx *ctx, const struct vault_login *login, double *ret_s)
{
        const int64_t now_us = clock_mono_us(ctx->clock);
        const double left_s = (double)(login->renew_us - now_us) / 1e6;

        if (login->renew_us && left_s < *ret_s)
                *ret_s = left_s > 1 ? left_s : 1;
}

static enum err fetch(struct ctx *ctx, void *state, json_t **ret, double *ret_s)
{
        struct vault_login *login = state;
        enum err rc = vault_log_in(ctx, login);

        if (rc == OK)
                rc = read_secrets(ctx, login, ret);
        if (rc == ERR_DENIED && login->is_ours) { /* it may have been revoked */
                vault_log_out(login);
                rc = vault_log_in(ctx, login);
                if (rc == OK)
                        rc = read_secrets(ctx, login, ret);
        }
        if (rc == OK)
                lessen(ctx, login, ret_s);
        return rc == ERR_DENIED ? ERR_UNAVAILABLE : rc;
}

static void forget(void *state)
{
        vault_log_out(state);
}

const struct secret_source secret_vault = {
        .name = "vault",
        .configured = configured,
        .missing = missing,
        .fetch = fetch,
        .state_size = sizeof(struct vault_login),
        .forget = forget,
};
