/* What hardware providers have and what it costs. */
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/provider/provider.h"
#include "fcgi/handlers.h"

/* USD per second of one card. */
static double card_price(const struct provider_session *session, const struct hardware *card)
{
        return (double)hardware_price_nanos(card, session->settings.hardware_info) / 1e9;
}

/* The next profile from *n on that is a single card. */
static bool next_card(const struct provider_session *session, size_t *n, struct hardware *ret)
{
        while (session->provider->hardware_at(session->settings.hardware_info, (*n)++, ret)) {
                if (ret->count == 1)
                        return true;
        }
        return false;
}

static bool is_among(const json_t *ids, const char *id)
{
        json_t *item;
        size_t i;

        json_array_foreach (ids, i, item) {
                if (strcmp(json_string_value(item), id) == 0)
                        return true;
        }
        return false;
}

/* now: the ids of what there is at this moment, NULL when nobody asked. */
static void render_card(struct jsonw *json, const struct provider_session *session,
                        const struct hardware *card, const json_t *now)
{
        double price = card_price(session, card);

        jsonw_object(json, NULL);
        jsonw_string(json, "id", card->price_id);
        jsonw_string(json, "name", hardware_card_name(card, session->settings.hardware_info));
        jsonw_number(json, "cost_per_second", price, 9);
        jsonw_number(json, "cost_per_hour", price * 3600, 2);
        jsonw_bool(json, "available", !now || is_among(now, card->price_id));
        jsonw_object_end(json);
}

/* With ?live=true the provider is asked what it has; when it does not say, message tells why. */
static enum err ask(struct ctx *ctx, const struct request *request,
                    const struct provider_session *session, const json_t **ret_now,
                    const char **ret_message)
{
        const char *live;
        enum err rc = request_query(ctx, request, "live", &live);

        if (rc != OK || !live || strcmp(live, "true") != 0 || !session->provider->hardware_now)
                return rc;
        rc = session->provider->hardware_now(ctx, session, ret_now);
        return rc == ERR_PROVIDER ? ctx_strdup(ctx, ctx->detail, ret_message) : rc;
}

static const struct query hardware_query[] = {
        QUERY(TEXT, "provider"),
        QUERY(TEXT, "live"),
        { 0 },
};

static enum err hardware_options_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        const char *provider, *message = NULL;
        struct provider_session session;
        const json_t *now = NULL;
        struct hardware card;
        struct jsonw json;
        size_t n = 0;
        enum err rc;

        rc = request_query(ctx, request, "provider", &provider);
        if (rc == OK)
                rc = provider_open(ctx, provider ? provider : ctx->config->default_provider,
                                   &session);
        if (rc == OK)
                rc = ask(ctx, request, &session, &now, &message);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_string(&json, "provider", session.provider->id);
        jsonw_array(&json, "hardware");
        while (next_card(&session, &n, &card))
                render_card(&json, &session, &card, now);
        jsonw_array_end(&json);
        rc = provider_hardware(ctx, &session, NULL, &card);
        if (rc != OK)
                return rc;
        jsonw_string(&json, "default_hardware", card.price_id);
        jsonw_string(&json, "message", message);
        return reply_json_end(ctx, reply, &json);
}

const struct operation hardware_options = {
        OPERATION(hardware_options),
        .summary = "List hardware and its prices",
        .query = hardware_query,
};

/* No provider here tells a balance: what there is to say is where to look, and the prices. */
static enum err providers_billing_run(struct ctx *ctx, const struct request *request,
                                      struct reply *reply)
{
        struct provider_session session;
        struct hardware card;
        struct jsonw json;
        size_t n = 0;
        enum err rc;

        rc = provider_open(ctx, request_param(request, "provider"), &session);
        if (rc == OK)
                rc = provider_check_configured(ctx, &session);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_null(&json, "balance");
        jsonw_string(&json, "balance_note", session.provider->balance_note);
        jsonw_object(&json, "hardware");
        while (next_card(&session, &n, &card)) {
                jsonw_object(&json, card.price_id);
                jsonw_string(&json, "name",
                             hardware_card_name(&card, session.settings.hardware_info));
                jsonw_number(&json, "cost_per_second", card_price(&session, &card), 9);
                jsonw_object_end(&json);
        }
        jsonw_object_end(&json);
        rc = provider_hardware(ctx, &session, NULL, &card);
        if (rc != OK)
                return rc;
        jsonw_string(&json, "default_hardware", card.price_id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation providers_billing = {
        OPERATION(providers_billing),
        .summary = "Where the bills of a provider are",
};
