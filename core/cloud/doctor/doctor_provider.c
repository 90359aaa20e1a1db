/* Providers: their secrets, whether those are good, and what signs their webhooks. */
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/provider/provider.h"
#include "core/cloud/secrets/key_ring.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/webhook/webhook_test.h"

#define CALL_S 8

static void say_secret(struct ctx *ctx, struct doctor *doctor, const struct provider *provider)
{
        struct secret secret;
        enum err rc = secrets_get(ctx, provider->token_name, &secret);
        bool is_default = strcmp(provider->id, ctx->config->default_provider) == 0;

        if (rc == OK)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "%s is set, in %s", provider->token_name,
                           config_secret(ctx->config, provider->token_name)
                                   ? "the environment or the env file"
                                   : "the secrets");
        else if (rc != ERR_NOT_FOUND)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "ls -l '%s'; python3 -m json.tool '%s' >/dev/null",
                                          secrets_path(ctx->cloud->secrets),
                                          secrets_path(ctx->cloud->secrets)),
                           "The secrets cannot be read: %s", ctx->detail);
        else if (is_default && !provider->token_optional)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "simpletuner-cloud secret set %s",
                                          provider->token_name),
                           "%s is not set: jobs cannot be sent to %s", provider->token_name,
                           provider->name);
}

static void say_sources(struct ctx *ctx, struct doctor *doctor)
{
        struct secret_status sources[SECRET_SOURCES_MAX];
        size_t count = 0;

        if (secret_sources_status(ctx, true, sources, &count) != OK)
                return;
        for (size_t i = 0; i < count; i++) {
                if (sources[i].is_configured && !sources[i].is_up)
                        doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud secret list",
                                   "The source of secrets \"%s\" does not answer: %s",
                                   sources[i].source,
                                   sources[i].error ? sources[i].error : "it has not been asked");
        }
}

void doctor_secrets(struct ctx *ctx, struct doctor *doctor)
{
        struct master_key key = { 0 };
        char *path = arena_printf(ctx->arena, "%s/credential.key", ctx->config->home);

        say_sources(ctx, doctor);
        for (size_t i = 0; provider_at(i); i++)
                say_secret(ctx, doctor, provider_at(i));
        if (!path || access(path, F_OK) != 0) /* made when it is first wanted */
                return;
        if (key_ring_sealing(ctx, &key) != OK)
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "ls -l '%s'", path),
                           "What is stored encrypted cannot be read: %s", ctx->detail);
        secret_wipe(&key, sizeof(key));
}

static void say_provider(struct ctx *ctx, struct doctor *doctor, const struct provider *provider)
{
        struct provider_account account;
        struct provider_session session;
        enum err rc = provider_open_for(ctx, provider->id, "", &session);

        if (rc != OK) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud doctor --only secrets",
                           "The settings or the token of %s cannot be read: %s", provider->name,
                           ctx->detail);
                return;
        }
        if (provider_check_configured(ctx, &session) != OK)
                return;
        session.http.timeout_s = session.http.timeout_s < CALL_S ? session.http.timeout_s : CALL_S;
        rc = provider->validate(ctx, &session, &account);
        if (rc == OK)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "%s takes the token", provider->name);
        else
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           rc == ERR_NOT_READY ? "simpletuner-cloud info"
                                               : "simpletuner-cloud doctor --only network,secrets",
                           "%s cannot be used: %s", provider->name, ctx->detail);
}

void doctor_provider(struct ctx *ctx, struct doctor *doctor)
{
        for (size_t i = 0; provider_at(i); i++)
                say_provider(ctx, doctor, provider_at(i));
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL, "No provider is configured yet");
}

/* ---- webhooks ---- */

static void say_signing(struct ctx *ctx, struct doctor *doctor,
                        const struct provider_session *session)
{
        const struct provider *provider = session->provider;
        struct secret secret;
        const char *fetched;
        enum err rc;

        if (!session->settings.webhook_require_signature) {
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx,
                                          "curl -X PATCH -H 'X-API-Key: KEY' -H 'Content-Type: "
                                          "application/json' -d "
                                          "'{\"webhook_require_signature\": true}' "
                                          "%s/api/cloud/providers/%s/advanced",
                                          *ctx->config->public_url ? ctx->config->public_url
                                                                   : "http://127.0.0.1:8080",
                                          provider->id),
                           "Webhooks of %s need no signature: anybody can move jobs",
                           provider->name);
                return;
        }
        rc = secrets_get(ctx, provider->webhook_secret_name, &secret);
        if (rc == ERR_NOT_FOUND && provider->webhook_secret)
                rc = provider->webhook_secret(ctx, session, &fetched);
        if (rc == OK)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "What signs the webhooks of %s is known",
                           provider->name);
        else
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "simpletuner-cloud secret set %s",
                                          provider->webhook_secret_name),
                           "What signs the webhooks of %s is not known, so they are refused: %s",
                           provider->name, ctx->detail);
}

/* As a provider would, from here to the public address. */
static void say_reach(struct ctx *ctx, struct doctor *doctor,
                      const struct provider_session *session)
{
        struct webhook_test test;

        if (webhook_test_own(ctx, session, &test) != OK || test.latency_ms < 0)
                return; /* no address: "public_url" says so */
        if (test.success)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "A webhook of %s arrives (HTTP %ld)",
                           session->provider->name, (long)test.status_code);
        else
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx,
                                          "curl -sSi -X POST -d '{}' "
                                          "%s/api/webhooks/%s",
                                          provider_public_url(ctx, &session->settings),
                                          session->provider->id),
                           "A webhook of %s does not arrive: %s (%s)", session->provider->name,
                           test.message, test.error ? test.error : "no more is known");
}

void doctor_webhook(struct ctx *ctx, struct doctor *doctor)
{
        for (size_t i = 0; provider_at(i); i++) {
                struct provider_session session;

                if (provider_open_for(ctx, provider_at(i)->id, "", &session) != OK ||
                    provider_check_configured(ctx, &session) != OK)
                        continue;
                session.http.timeout_s =
                        session.http.timeout_s < CALL_S ? session.http.timeout_s : CALL_S;
                say_signing(ctx, doctor, &session);
                say_reach(ctx, doctor, &session);
        }
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL, "No provider is configured yet");
}
