/* The scrape: who may, in which format, and the text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/cloud/metrics/metrics_config.h"
#include "fcgi/handlers.h"

#define TEXT_PLAIN   "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define BEARER       "Bearer "

/* ---- who may ---- */

static bool is_allowed_address(const struct ctx *ctx, const struct request *request)
{
        struct ipnet nets[CONFIG_SCRAPERS_MAX];
        const char *bad;
        int count =
                ipnet_parse_list(ctx->config->metrics_allowed_ips, nets, CONFIG_SCRAPERS_MAX, &bad);

        return count == 0 ||
               (count > 0 && ipnet_list_contains(nets, (size_t)count, &request->client));
}

static bool has_token(const struct request *request, const char *token)
{
        const char *given = request_header(request, "Authorization");

        if (!given || strncasecmp(given, BEARER, strlen(BEARER)) != 0)
                return false;
        given += strlen(BEARER);
        return secret_equal((struct secret){ given, strlen(given) },
                            (struct secret){ token, strlen(token) });
}

/* An administrator may from anywhere; others need the address and the token that are set. */
static enum err check_scraper(struct ctx *ctx, const struct request *request)
{
        const char *token = config_secret(ctx->config, "SIMPLETUNER_METRICS_TOKEN");

        if (auth_may(ctx, PERM_ADMIN_CONFIG))
                return OK;
        if (!is_allowed_address(ctx, request))
                return ctx_fail(ctx, ERR_DENIED, "Metrics are not for this address");
        if (token && !has_token(request, token))
                return ctx_fail(ctx, ERR_UNAUTHENTICATED,
                                "Metrics need their token as Authorization: Bearer");
        return OK;
}

/* ---- in which format (RFC 9110 12.5.1) ---- */

/* The value of a parameter of a media range, NULL when it has none. */
static const char *parameter(const char *item, size_t len, const char *name)
{
        const char *end = item + len;

        for (const char *at = memchr(item, ';', len); at && at < end;
             at = memchr(at, ';', (size_t)(end - at))) {
                at += 1 + strspn(at + 1, " \t");
                if (strncasecmp(at, name, strlen(name)) == 0 && at[strlen(name)] == '=')
                        return at + strlen(name) + 1;
        }
        return NULL;
}

static double quality(const char *item, size_t len)
{
        const char *q = parameter(item, len, "q");

        return q ? strtod(q, NULL) : 1;
}

static bool is_type(const char *item, size_t len, const char *type)
{
        const size_t type_len = strlen(type);

        return len >= type_len && strncasecmp(item, type, type_len) == 0 &&
               (len == type_len || strchr("; \t", item[type_len]));
}

/* OpenMetrics is for those who name it, in the version we write, and would not rather have text. */
static bool wants_open_metrics(const struct request *request)
{
        const char *accept = request_header(request, "Accept");
        double open = 0, text = -1, any = 0;

        while (accept && *accept) {
                const size_t len = strcspn(accept, ",");
                const char *version = parameter(accept, len, "version");
                const double q = quality(accept, len);

                if (is_type(accept, len, "application/openmetrics-text") &&
                    (!version || strncmp(version, "1.0.0", 5) == 0))
                        open = q > open ? q : open;
                else if (is_type(accept, len, "text/plain"))
                        text = q > text ? q : text;
                else if (is_type(accept, len, "*/*") || is_type(accept, len, "text/*"))
                        any = q > any ? q : any;
                accept += len + (accept[len] == ',');
                accept += strspn(accept, " \t");
        }
        return open > 0 && open >= (text >= 0 ? text : any);
}

/* ---- the text ---- */

/* What stands there when there is nothing to tell: comments, which OpenMetrics does not know. */
static const char *why_not(const struct metrics_config *config)
{
        return !config->enabled      ? "# Prometheus export disabled. Enable in Metrics tab.\n"
               : !config->categories ? "# No metrics available\n"
                                     : NULL;
}

static const struct query scrape_query[] = {
        QUERY(BOOL, "legacy"),
        { 0 },
};

static enum err metrics_scrape_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        const bool open = wants_open_metrics(request);
        struct metrics_config config;
        bool is_known, legacy = true;
        struct metrics_wish wish;
        size_t samples;
        enum err rc;

        rc = check_scraper(ctx, request);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "legacy", &legacy);
        if (rc == OK)
                rc = metrics_config_get(ctx, &config, &is_known);
        if (rc != OK)
                return rc;
        reply->content_type = open && !why_not(&config) ? OPEN_METRICS : TEXT_PLAIN;
        if (why_not(&config)) {
                buf_puts(&reply->body, why_not(&config));
                return OK;
        }
        wish = (struct metrics_wish){ config.categories, legacy && config.legacy, open };
        return metrics_write(ctx, &wish, &reply->body, &samples);
}

const struct operation metrics_scrape = {
        OPERATION(metrics_scrape),
        .summary = "Scrape the metrics",
        .query = scrape_query,
        .gives = "text/plain",
};
