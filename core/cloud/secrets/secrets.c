#include "core/cloud/secrets/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "core/cloud/cloud.h"
#include "core/cloud/secrets/secret_cache.h"
#include "core/cloud/secrets/secret_file.h"
#include "core/cloud/secrets/secret_source.h"

/* THE table of sources, in the order in which they are asked. What systemd gives this very service
 * comes before the file, which all programs of the host may share. */
static const struct secret_source *const sources[] = {
        &secret_env, &secret_systemd, &secret_file, &secret_aws, &secret_vault,
};

/* What the program itself asks for. */
static const char *const known_names[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "CLOUD_WEBHOOK_SECRET",
        "HF_TOKEN",
        "HTTP_PROVIDER_TOKEN",
        "REPLICATE_API_TOKEN",
        "REPLICATE_WEBHOOK_SECRET",
        "SIMPLETUNER_STORAGE_ACCESS_KEY_ID",
        "SIMPLETUNER_STORAGE_SECRET_ACCESS_KEY",
        "VAULT_ROLE_ID",
        "VAULT_SECRET_ID",
        "VAULT_TOKEN",
};

struct secrets {
        struct secret_store *store;
        struct secret_cache *caches[ARRAY_SIZE(sources)]; /* NULL of those that are near */
};

_Static_assert(ARRAY_SIZE(sources) == SECRET_SOURCES_MAX, "a status for each source");

enum err secrets_new(struct ctx *ctx, struct secrets **ret)
{
        CLEANUP(secrets_freep) struct secrets *secrets = calloc(1, sizeof(*secrets));
        enum err rc;

        if (!secrets)
                return ctx_nomem(ctx);
        rc = secret_store_new(ctx, &secrets->store);
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(sources); i++) {
                if (sources[i]->fetch)
                        rc = secret_cache_new(ctx, sources[i], &secrets->caches[i]);
        }
        if (rc == OK)
                *ret = TAKE(secrets);
        return rc;
}

void secrets_free(struct secrets *secrets)
{
        if (!secrets)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                secret_cache_free(secrets->caches[i]);
        secret_store_free(secrets->store);
        free(secrets);
}

const char *secrets_path(const struct secrets *secrets)
{
        return secret_store_path(secrets->store);
}

struct secret_store *secrets_store(const struct secrets *secrets)
{
        return secrets->store;
}

/* ---- looking up ---- */

enum err secret_value(struct ctx *ctx, const json_t *values, const char *name, const char **ret)
{
        const json_t *value = values ? json_object_get(values, name) : NULL;

        if (!value || json_is_null(value) || (json_is_string(value) && !*json_string_value(value)))
                return ERR_NOT_FOUND;
        if (json_is_string(value))
                return ctx_strdup(ctx, json_string_value(value), ret);
        if (json_is_boolean(value))
                return ctx_strdup(ctx, json_is_true(value) ? "true" : "false", ret);
        if (!json_is_integer(value))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the value of %.64s must be in quotes", name);
        *ret = arena_printf(ctx->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err get_from(struct ctx *ctx, size_t i, const char *name, const char **ret)
{
        struct secret_cache *cache = ctx->cloud->secrets->caches[i];

        if (!sources[i]->configured(ctx))
                return ERR_NOT_FOUND;
        return cache ? secret_cache_get(ctx, cache, name, ret) : sources[i]->get(ctx, name, ret);
}

static enum err find(struct ctx *ctx, const char *name, bool near_only, const char **ret)
{
        enum err rc = ERR_NOT_FOUND;

        for (size_t i = 0; rc == ERR_NOT_FOUND && i < ARRAY_SIZE(sources); i++) {
                if (!near_only || !sources[i]->fetch)
                        rc = get_from(ctx, i, name, ret);
        }
        return rc == ERR_NOT_FOUND ? ctx_fail(ctx, rc, "%s not set", name) : rc;
}

enum err secret_near(struct ctx *ctx, const char *name, const char **ret)
{
        return find(ctx, name, true, ret);
}

enum err secrets_get(struct ctx *ctx, const char *name, struct secret *ret)
{
        const char *value;
        enum err rc = find(ctx, name, false, &value);

        if (rc == OK)
                *ret = (struct secret){ .bytes = value, .len = strlen(value) };
        return rc;
}

enum err secrets_put(struct ctx *ctx, const char *name, const char *value)
{
        return secret_store_put(ctx, ctx->cloud->secrets->store, name, value, NULL);
}

enum err secrets_delete(struct ctx *ctx, const char *name)
{
        return secrets_put(ctx, name, NULL);
}

void secrets_flush(struct secrets *secrets)
{
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                if (secrets->caches[i])
                        secret_cache_flush(secrets->caches[i]);
        }
}

enum err secrets_keep(struct ctx *ctx)
{
        struct secrets *secrets = ctx->cloud->secrets;

        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                if (secrets->caches[i] && sources[i]->configured(ctx))
                        secret_cache_keep(ctx, secrets->caches[i]);
        }
        return OK;
}

/* ---- telling ---- */

/* A near source is up when it can say that it has no such name. */
static enum err look_at(struct ctx *ctx, size_t i, bool ask, struct secret_status *ret)
{
        struct secret_cache *cache = ctx->cloud->secrets->caches[i];
        const char *none;
        enum err rc = ERR_NOT_FOUND;

        *ret = (struct secret_status){
                .source = sources[i]->name,
                .is_configured = sources[i]->configured(ctx),
                .took_us = -1,
        };
        if (!ret->is_configured)
                return OK;
        if (ask || !cache)
                rc = get_from(ctx, i, "SIMPLETUNER_NO_SUCH_SECRET", &none);
        if (rc == ERR_NOMEM)
                return rc;
        if (cache)
                return secret_cache_status(ctx, cache, ret);
        ret->is_up = rc == OK || rc == ERR_NOT_FOUND;
        return ret->is_up ? OK : ctx_strdup(ctx, ctx->detail, &ret->error);
}

enum err secret_sources_status(struct ctx *ctx, bool ask,
                               struct secret_status ret[SECRET_SOURCES_MAX], size_t *ret_count)
{
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(sources); i++)
                rc = look_at(ctx, i, ask, &ret[i]);
        if (rc == OK)
                *ret_count = ARRAY_SIZE(sources);
        return rc;
}

const char *secret_state_name(enum secret_state state)
{
        static const char *const names[SECRET_STATE_COUNT] = { "used", "shadowed", "absent",
                                                               "failed", "not configured" };

        return names[state];
}

/* is_found: a source before has it, or might have. */
static enum err explain_one(struct ctx *ctx, size_t i, const char *name, bool is_found,
                            struct secret_finding *ret)
{
        const char *value;
        enum err rc;

        *ret = (struct secret_finding){ .source = sources[i]->name, .state = SECRET_UNUSED };
        if (!sources[i]->configured(ctx)) {
                ret->detail = sources[i]->missing ? sources[i]->missing(ctx) : NULL;
                return OK;
        }
        rc = get_from(ctx, i, name, &value);
        if (rc == OK)
                ret->state = is_found ? SECRET_SHADOWED : SECRET_USED;
        else if (rc == ERR_NOT_FOUND)
                ret->state = SECRET_ABSENT;
        else if (rc == ERR_NOMEM)
                return rc;
        else
                ret->state = SECRET_FAILED;
        return ret->state == SECRET_FAILED ? ctx_strdup(ctx, ctx->detail, &ret->detail) : OK;
}

enum err secrets_explain(struct ctx *ctx, const char *name,
                         struct secret_finding ret[SECRET_SOURCES_MAX], size_t *ret_count)
{
        bool is_found = false;
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(sources); i++) {
                rc = explain_one(ctx, i, name, is_found, &ret[i]);
                is_found = is_found || ret[i].state == SECRET_USED || ret[i].state == SECRET_FAILED;
        }
        if (rc == OK)
                *ret_count = ARRAY_SIZE(sources);
        return rc;
}

static enum err add_names(struct ctx *ctx, size_t i, json_t *names)
{
        struct secret_cache *cache = ctx->cloud->secrets->caches[i];
        enum err rc = OK;

        if (!sources[i]->configured(ctx))
                return OK;
        if (cache)
                rc = secret_cache_names(ctx, cache, names);
        else if (sources[i]->names)
                rc = sources[i]->names(ctx, names);
        return rc == ERR_NOMEM ? rc : OK;
}

enum err secrets_names(struct ctx *ctx, json_t **ret)
{
        json_t *names = json_object();
        enum err rc = names ? json_keep(ctx, names) : ctx_nomem(ctx);

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(known_names); i++) {
                if (json_object_set_new(names, known_names[i], json_true()) != 0)
                        rc = ctx_nomem(ctx);
        }
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(sources); i++)
                rc = add_names(ctx, i, names);
        if (rc == OK)
                *ret = names;
        return rc;
}
