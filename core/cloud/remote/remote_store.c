#include "core/cloud/remote/remote_store.h"

#include <string.h>

#include "core/base/config.h"
#include "core/base/xml.h"
#include "core/cloud/http/http_retry.h"
#include "core/cloud/http/http_settings.h"
#include "core/cloud/secrets/secrets.h"

#define SCHEME      "s3://"
#define NAME_MAX    900 /* bytes before the id: S3 takes 1024 in all */
#define SEGMENT_MAX 200 /* likewise, between slashes: some stores are file systems of 255 */
#define SLOW_S      600
#define HASH_LABEL  "x-amz-content-sha256: "

bool remote_is_url(const char *directory)
{
        return strncmp(directory, SCHEME, strlen(SCHEME)) == 0;
}

/* Letters that every server and every signer writes in the same way. */
static bool is_plain(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
}

/* What of a key may stand in a name: plain letters, no segment that is empty, hidden or too long.
 */
static void write_plain(const char *key, size_t room, char *out)
{
        size_t segment = 0, len = 0;

        for (const char *c = key; *c && len < room; c++) {
                if (*c == '/' && segment > 0) {
                        segment = 0;
                } else if (segment == SEGMENT_MAX) {
                        continue;
                } else {
                        segment++;
                }
                out[len++] = segment > (size_t)(*c == '.') && is_plain(*c) ? *c
                             : segment == 0                                ? '/'
                                                                           : '_';
        }
        out[len] = '\0';
}

enum err remote_name(struct ctx *ctx, const char *bucket_url, const char *key, const char **ret_url)
{
        size_t room = strlen(bucket_url) < NAME_MAX ? NAME_MAX - strlen(bucket_url) : 0;
        char *name = arena_alloc(ctx->arena, room + 1);
        char id[ULID_SIZE];
        enum err rc = crypto_ulid(ctx, id);

        if (rc != OK)
                return rc;
        if (!name)
                return ctx_nomem(ctx);
        write_plain(key, room, name);
        *ret_url = arena_printf(ctx->arena, "%s/%s.%s", bucket_url, name, id);
        return *ret_url ? OK : ctx_nomem(ctx);
}

/* Our own name of a secret first, then the one that AWS's tools read. */
static enum err find_key(struct ctx *ctx, const char *own, const char *common, struct secret *ret)
{
        enum err rc = secrets_get(ctx, own, ret);

        if (rc == ERR_NOT_FOUND)
                rc = secrets_get(ctx, common, ret);
        return rc == ERR_NOT_FOUND ? ctx_fail(ctx, ERR_UNAVAILABLE, "the secret %s is not set", own)
                                   : rc;
}

static enum err find_keys(struct ctx *ctx, struct remote_request *request)
{
        struct secret id;
        enum err rc;

        rc = find_key(ctx, "SIMPLETUNER_STORAGE_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", &id);
        if (rc == OK)
                rc = find_key(ctx, "SIMPLETUNER_STORAGE_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY",
                              &request->sign.secret);
        if (rc != OK)
                return rc;
        request->sign.access_key_id = id.bytes;
        request->sign.region = ctx->config->storage_region;
        return OK;
}

/* The header that says what of the body is signed. */
static const char *payload_header(struct ctx *ctx, const struct remote_ask *ask)
{
        const char *body = ask->body ? ask->body : "";
        char hex[SHA256_HEX_SIZE];

        if (ask->streamed)
                return HASH_LABEL "UNSIGNED-PAYLOAD";
        if (!crypto_sha256_hex(body, strlen(body), hex))
                return NULL;
        return arena_printf(ctx->arena, HASH_LABEL "%s", hex);
}

static const char *endpoint_of(struct ctx *ctx)
{
        const struct config *config = ctx->config;

        if (*config->storage_endpoint)
                return config->storage_endpoint;
        return arena_printf(ctx->arena, "https://s3.%s.amazonaws.com", config->storage_region);
}

enum err remote_prepare(struct ctx *ctx, const struct remote_ask *ask, struct remote_request *ret)
{
        const char *endpoint = endpoint_of(ctx), *path = ask->url + strlen(SCHEME);
        const char *payload = payload_header(ctx, ask);
        size_t count = 0;
        enum err rc;

        *ret = (struct remote_request){ 0 };
        if (!endpoint || !payload)
                return ctx_nomem(ctx);
        ret->http = http_settings_for(ctx->config, endpoint);
        if (ask->slow)
                ret->http.timeout_s = SLOW_S;
        rc = find_keys(ctx, ret);
        if (rc != OK)
                return rc;
        ret->headers[count++] = payload;
        if (ask->header)
                ret->headers[count++] = ask->header;
        if (ask->header2)
                ret->headers[count++] = ask->header2;
        ret->request = (struct http_request){
                .method = ask->method,
                .url = arena_printf(ctx->arena, "%s/%s%s%s", endpoint, path, ask->query ? "?" : "",
                                    ask->query ? ask->query : ""),
                .headers = ret->headers,
                .content_type = ask->body ? "application/xml" : NULL,
                .body = ask->body,
                .body_len = ask->body ? strlen(ask->body) : 0,
                .repeatable = true,
                .sign = &ret->sign,
        };
        return ret->request.url ? OK : ctx_nomem(ctx);
}

/* <Error><Code>: S3's word for what is wrong, "" when there is none. */
static const char *error_code(struct ctx *ctx, const struct http_answer *answer)
{
        struct xml *root;
        const char *code;

        if (!answer->body || answer->body_len == 0 ||
            xml_parse(ctx, answer->body, answer->body_len, &root) != OK)
                return "";
        code = strcmp(root->name, "Error") == 0 ? xml_text(root, "Code") : NULL;
        return code ? code : "";
}

enum err remote_outcome(struct ctx *ctx, const struct remote_ask *ask, enum err rc,
                        const struct http_answer *answer)
{
        if (rc == ERR_NOMEM || rc == ERR_INTERNAL || rc == ERR_UNAVAILABLE)
                return rc;
        if (rc != OK)
                return ctx_prefix(ctx, ERR_UNAVAILABLE, "the S3 store cannot be asked");
        if (answer->status >= 200 && answer->status < 300)
                return OK;
        if (answer->status == 404)
                return ctx_fail(ctx, ERR_NOT_FOUND, "not in the S3 store: %.200s", ask->url);
        return ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store answered HTTP %ld %.60s to %s %.200s",
                        answer->status, error_code(ctx, answer), ask->method, ask->url);
}

enum err remote_ask(struct ctx *ctx, const struct remote_ask *ask, struct http_answer *ret)
{
        struct remote_request request;
        struct http_retry retry;
        double timeout_s;
        enum err rc = remote_prepare(ctx, ask, &request);

        if (rc != OK)
                return rc;
        timeout_s = request.http.timeout_s;
        retry = http_retry_begin(ctx, timeout_s);
        do {
                request.http.timeout_s = http_retry_left_s(ctx, &retry);
                rc = http_perform(ctx, &request.http, &request.request, ret);
        } while (http_retry_wait(ctx, &retry, &request.request, rc, ret));
        return remote_outcome(ctx, ask, rc, ret);
}

enum err remote_delete(struct ctx *ctx, const char *url)
{
        const struct remote_ask ask = { .method = "DELETE", .url = url };
        struct http_answer answer;
        enum err rc = remote_ask(ctx, &ask, &answer);

        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* A copy may be answered 200 and fail all the same: then the body says it. */
enum err remote_copy(struct ctx *ctx, const char *from_url, const char *to_url)
{
        struct remote_ask ask = { .method = "PUT", .url = to_url, .slow = true };
        struct http_answer answer;
        enum err rc;

        ask.header = arena_printf(ctx->arena, "x-amz-copy-source: /%s", from_url + strlen(SCHEME));
        if (!ask.header)
                return ctx_nomem(ctx);
        rc = remote_ask(ctx, &ask, &answer);
        if (rc == OK && *error_code(ctx, &answer))
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store could not copy: %.60s",
                              error_code(ctx, &answer));
        return rc;
}
