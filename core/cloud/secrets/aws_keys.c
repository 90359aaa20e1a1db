#include "core/cloud/secrets/aws_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/config.h"
#include "core/base/ipnet.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/service_url.h"
#include "core/cloud/http/http_client.h"
#include "core/cloud/secrets/private_file.h"
#include "core/cloud/secrets/secret_source.h"

#define RENEW_EARLY_US (300 * US_PER_S)
#define UNKNOWN_US     (900 * US_PER_S) /* keys that do not say how long they are good */
#define CALL_S         2                /* they are next door */
#define CONTAINER_HOST "http://169.254.170.2"
#define INSTANCE_HOST  "http://169.254.169.254"
#define INSTANCE_PATH  "/latest/meta-data/iam/security-credentials/"
#define TOKEN_MAX      (16 * KiB)

static void wipe_text(char *text)
{
        if (text)
                secret_wipe(text, strlen(text));
        free(text);
}

void aws_keys_drop(struct aws_keys *keys)
{
        wipe_text(TAKE(keys->id));
        wipe_text(TAKE(keys->secret));
        wipe_text(TAKE(keys->token));
        keys->expires_us = 0;
}

/* Texts that may be NULL or "" for none. */
struct found {
        const char *id, *secret, *token;
        int64_t expires_us;
};

static enum err keep(struct ctx *ctx, const struct found *found, struct aws_keys *keys)
{
        const bool has_token = found->token && *found->token;

        aws_keys_drop(keys);
        keys->id = strdup(found->id);
        keys->secret = strdup(found->secret);
        keys->token = has_token ? strdup(found->token) : NULL;
        keys->expires_us = found->expires_us;
        if (keys->id && keys->secret && (keys->token || !has_token))
                return OK;
        aws_keys_drop(keys);
        return ctx_nomem(ctx);
}

/* ---- given ---- */

/* ERR_NOT_FOUND: none are. */
static enum err find_given(struct ctx *ctx, struct aws_keys *keys)
{
        struct found found = { 0 };
        enum err rc = secret_near(ctx, "AWS_ACCESS_KEY_ID", &found.id);

        if (rc == OK) {
                rc = secret_near(ctx, "AWS_SECRET_ACCESS_KEY", &found.secret);
                if (rc == ERR_NOT_FOUND)
                        return ctx_fail(ctx, ERR_UNAVAILABLE,
                                        "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
        }
        if (rc == OK)
                rc = secret_near(ctx, "AWS_SESSION_TOKEN", &found.token);
        else
                return rc;
        return rc == OK || rc == ERR_NOT_FOUND ? keep(ctx, &found, keys) : rc;
}

/* ---- next door ---- */

/* One call without a proxy. ERR_UNAVAILABLE: no answer, or another than 200. */
static enum err call(struct ctx *ctx, const struct http_request *request, struct http_answer *ret)
{
        const struct http_settings settings = {
                .ssl_verify = true,
                .ca_bundle = *ctx->config->ca_bundle ? ctx->config->ca_bundle : NULL,
                .timeout_s = CALL_S,
        };
        enum err rc = http_perform(ctx, &settings, request, ret);

        if (rc == ERR_NOMEM)
                return rc;
        if (rc != OK)
                return ctx_prefix(ctx, ERR_UNAVAILABLE, "AWS credentials cannot be asked for");
        if (ret->status != 200)
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "AWS credentials: HTTP %ld from the endpoint of this machine",
                                ret->status);
        return OK;
}

/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} */
static enum err read_keys(struct ctx *ctx, const struct http_answer *answer, struct aws_keys *keys)
{
        CLEANUP(json_decrefp) json_t *json = NULL;
        struct found found = { 0 };
        const char *expires;

        if (json_parse_object(ctx, "AWS credentials", answer->body, answer->body_len, &json) != OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "AWS credentials: the answer is no JSON");
        found.id = json_string_at(json, "AccessKeyId");
        found.secret = json_string_at(json, "SecretAccessKey");
        found.token = json_string_at(json, "Token");
        expires = json_string_at(json, "Expiration");
        if (!found.id || !found.secret)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "AWS credentials: the answer has no keys");
        if (!expires || !clock_parse_iso(expires, &found.expires_us))
                found.expires_us = clock_wall_us(ctx->clock) + UNKNOWN_US;
        return keep(ctx, &found, keys);
}

/* The address of a full URI: TLS, or this machine, or the well-known addresses of ECS and EKS; an
 * environment could else send the token anywhere. */
static bool is_allowed(struct ctx *ctx, const char *url)
{
        static const char *const hosts[] = { "localhost", "169.254.170.2", "169.254.170.23",
                                             "fd00:ec2::23", "::1" };
        struct service_url parts;

        if (strncmp(url, "https://", 8) == 0)
                return true;
        if (!service_url_parse(ctx->arena, url, &parts) || strcmp(parts.scheme, "http") != 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
                if (strcmp(parts.host, hosts[i]) == 0)
                        return true;
        }
        return strncmp(parts.host, "127.", 4) == 0 &&
               parts.host[strspn(parts.host, "0123456789.")] == '\0';
}

/* The token file is the orchestrator's, who decides who may read it. */
static enum err read_token(struct ctx *ctx, const char **ret)
{
        const char *path = config_secret(ctx->config, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        char *text;
        FILE *file;
        size_t len;

        *ret = config_secret(ctx->config, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
        if (!path)
                return OK;
        text = arena_alloc(ctx->arena, TOKEN_MAX + 1);
        if (!text)
                return ctx_nomem(ctx);
        file = fopen(path, "re");
        if (!file)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        len = fread(text, 1, TOKEN_MAX, file);
        fclose(file);
        text[len] = '\0';
        text[strcspn(text, "\r\n")] = '\0';
        *ret = text;
        return OK;
}

/* ERR_NOT_FOUND: this is no container that has them. */
static enum err find_container(struct ctx *ctx, struct aws_keys *keys)
{
        const char *relative = config_secret(ctx->config, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        const char *url = config_secret(ctx->config, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
        const char *headers[2] = { NULL, NULL }, *token;
        struct http_request request = { .op = "secrets", .method = "GET", .headers = headers };
        struct http_answer answer;
        enum err rc;

        if (!relative && !url)
                return ERR_NOT_FOUND;
        request.url = relative ? arena_printf(ctx->arena, CONTAINER_HOST "%s", relative) : url;
        if (!request.url)
                return ctx_nomem(ctx);
        if (!is_allowed(ctx, request.url))
                return ctx_fail(ctx, ERR_UNAVAILABLE,
                                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https or this machine");
        rc = read_token(ctx, &token);
        if (rc == OK && token) {
                headers[0] = arena_printf(ctx->arena, "Authorization: %s", token);
                rc = headers[0] ? OK : ctx_nomem(ctx);
        }
        if (rc == OK)
                rc = call(ctx, &request, &answer);
        return rc == OK ? read_keys(ctx, &answer, keys) : rc;
}

/* IMDSv2: a token for this session first, then the name of the role, then its keys. */
static enum err find_instance(struct ctx *ctx, struct aws_keys *keys)
{
        const char *host = config_secret(ctx->config, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
        const char *ask[] = { "X-aws-ec2-metadata-token-ttl-seconds: 300", NULL };
        const char *with[] = { NULL, NULL };
        struct http_request request = { .op = "secrets", .method = "PUT", .headers = ask };
        struct http_answer answer;
        size_t host_len;
        enum err rc;

        host = host ? host : INSTANCE_HOST;
        host_len = strlen(host) - (host[strlen(host) - 1] == '/');
        request.url = arena_printf(ctx->arena, "%.*s/latest/api/token", (int)host_len, host);
        rc = request.url ? call(ctx, &request, &answer) : ctx_nomem(ctx);
        if (rc != OK)
                return rc;
        with[0] = arena_printf(ctx->arena, "X-aws-ec2-metadata-token: %s", answer.body);
        request = (struct http_request){ .op = "secrets", .method = "GET", .headers = with };
        request.url = arena_printf(ctx->arena, "%.*s" INSTANCE_PATH, (int)host_len, host);
        rc = with[0] && request.url ? call(ctx, &request, &answer) : ctx_nomem(ctx);
        if (rc != OK)
                return rc;
        request.url = arena_printf(ctx->arena, "%s%.*s", request.url,
                                   (int)strcspn(answer.body, "\r\n /?#"), answer.body);
        rc = request.url ? call(ctx, &request, &answer) : ctx_nomem(ctx);
        return rc == OK ? read_keys(ctx, &answer, keys) : rc;
}

/* ---- all of them ---- */

static enum err find(struct ctx *ctx, struct aws_keys *keys)
{
        const char *off = config_secret(ctx->config, "AWS_EC2_METADATA_DISABLED");
        enum err rc = find_container(ctx, keys);

        if (rc != ERR_NOT_FOUND)
                return rc;
        if (!off || strcasecmp(off, "true") != 0)
                return find_instance(ctx, keys);
        return ctx_fail(ctx, ERR_UNAVAILABLE,
                        "there are no AWS credentials: AWS_ACCESS_KEY_ID is not set, and this is "
                        "no container that has them");
}

enum err aws_keys_obtain(struct ctx *ctx, struct aws_keys *keys)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        enum err rc;

        if (keys->id && keys->expires_us > now_us + RENEW_EARLY_US)
                return OK;
        rc = find_given(ctx, keys);
        if (rc != ERR_NOT_FOUND)
                return rc;
        rc = find(ctx, keys);
        if (rc != OK && keys->id && keys->expires_us > now_us) {
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.secrets",
                          "AWS credentials are not renewed yet", "reason", ctx->detail);
                return OK;
        }
        return rc;
}
