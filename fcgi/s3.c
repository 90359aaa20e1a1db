#include "fcgi/s3.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/config.h"
#include "core/cloud/provider/provider_settings.h"
#include "core/cloud/s3/s3_auth.h"
#include "core/cloud/s3/sigv4_canonical.h"
#include "fcgi/routes.h"

/* What S3 clients call themselves in User-Agent, first or behind others. */
static const char *const client_names[] = {
        "aws-cli/", "Boto3/",     "Botocore/", "aws-sdk-", "rclone/",          "s3fs/",   "S3cmd",
        "MinIO",    "Cyberduck/", "s5cmd/",    "s3cmd",    "ElasticMapReduce", "APN/1.0",
};

static bool names_itself(const struct request *request)
{
        const char *agent = request_header(request, "User-Agent");

        for (size_t i = 0; agent && i < ARRAY_SIZE(client_names); i++) {
                if (strstr(agent, client_names[i]))
                        return true;
        }
        return false;
}

static bool signs(const struct request *request)
{
        const char *authorization = request_header(request, "Authorization");

        return (authorization && strncmp(authorization, "AWS", 3) == 0) ||
               request_has_query(request, "X-Amz-Signature") ||
               request_has_query(request, "X-Amz-Algorithm") ||
               (request_has_query(request, "AWSAccessKeyId") &&
                request_has_query(request, "Signature"));
}

void s3_recognise(struct request *request)
{
        size_t len = sizeof(S3_PATH) - 1;

        if (strncmp(request->path, S3_PATH, len) != 0 ||
            (request->path[len] != '/' && request->path[len] != '\0'))
                return;
        request->s3 = signs(request) || names_itself(request) ||
                      request_header(request, "X-Amz-Content-Sha256") ||
                      request_header(request, "X-Amz-Date");
}

struct headers {
        struct ctx *ctx;
        const struct request *request;
};

static const char *header(void *arg, const char *name)
{
        const struct headers *headers = arg;

        return request_header(headers->request, name);
}

static const char *header_name(void *arg, size_t index)
{
        const struct headers *headers = arg;

        return request_header_name(headers->ctx, headers->request, index);
}

/* scheme://host:port/path: the host goes to *ret_host, the path to *ret_path. */
static enum err split_url(struct ctx *ctx, const char *url, struct sigv4_request *ret)
{
        const char *host = strstr(url, "://"), *path;

        ret->public_host = ret->public_path = NULL;
        if (!host)
                return OK;
        host += 3;
        path = host + strcspn(host, "/");
        ret->public_path = path;
        ret->public_host = arena_strndup(ctx->arena, host, (size_t)(path - host));
        return ret->public_host ? OK : ctx_nomem(ctx);
}

static enum err verify_with(struct ctx *ctx, struct sigv4_request *wire, const char *public_url,
                            struct secret secret_key, struct s3_signature *signature)
{
        enum err rc = split_url(ctx, public_url, wire);

        return rc == OK ? sigv4_verify(ctx, wire, &signature->sigv4, secret_key, &signature->proof)
                        : rc;
}

/* A tunnel may have changed the host that was signed: then it is the one the job was told, which is
 * the provider's s3_public_url where it has one. */
static enum err verify(struct ctx *ctx, struct sigv4_request *wire, struct secret secret_key,
                       struct s3_signature *signature)
{
        enum err rc = verify_with(ctx, wire, ctx->config->public_url, secret_key, signature);
        struct provider_settings settings;

        if (rc != ERR_DENIED || !ctx->code || strcmp(ctx->code, "SignatureDoesNotMatch") != 0)
                return rc;
        rc = provider_settings_load(ctx, ctx->config->default_provider, &settings);
        if (rc != OK)
                return rc;
        return verify_with(ctx, wire, settings.s3_public_url ? settings.s3_public_url : "",
                           secret_key, signature);
}

/* A signing key is good for a day. */
static void wipe_key(void *signature)
{
        struct sigv4_proof *proof = &((struct s3_signature *)signature)->proof;

        secret_wipe(proof->signing_key, sizeof(proof->signing_key));
}

enum err s3_identify(struct ctx *ctx, struct request *request)
{
        struct s3_signature *signature = arena_alloc(ctx->arena, sizeof(*signature));
        struct headers headers = { .ctx = ctx, .request = request };
        struct sigv4_request wire = {
                .method = method_name(request->method),
                .path = request->path,
                .query = request->query,
                .prefix = S3_PATH,
                .host = request_header(request, "Host"),
                .header = header,
                .header_name = header_name,
                .arg = &headers,
                .now_us = clock_wall_us(ctx->clock),
        };
        struct s3_identity identity;
        enum err rc;

        if (!signature || !arena_own(ctx->arena, signature, wipe_key))
                return ctx_nomem(ctx);
        if (!wire.host)
                wire.host = "";
        *signature = (struct s3_signature){ 0 };
        rc = sigv4_parse(ctx, &wire, &signature->sigv4);
        if (rc != OK)
                return rc;
        request->signature = signature;
        rc = s3_auth_secret(ctx, signature->sigv4.access_key_id, &identity);
        if (rc != OK)
                return rc;
        rc = verify(ctx, &wire, identity.secret_key, signature);
        if (rc != OK)
                return rc;
        s3_auth_accept(ctx, &identity);
        return OK;
}

bool s3_signs_header(const struct request *request, const char *name)
{
        return request->signature && sigv4_signs(request->signature->sigv4.signed_headers, name);
}

static const char *const unsupported_queries[] = {
        "acl",
        "policy",
        "policyStatus",
        "versioning",
        "versions",
        "versionId",
        "lifecycle",
        "cors",
        "website",
        "logging",
        "notification",
        "replication",
        "accelerate",
        "encryption",
        "inventory",
        "metrics",
        "analytics",
        "object-lock",
        "legal-hold",
        "retention",
        "torrent",
        "select",
        "restore",
        "ownershipControls",
        "attributes",
        "requestPayment",
        "publicAccessBlock",
        "intelligent-tiering",
        "append",
        "renameObject",
        "session",
        "metadataTable",
        "abac",
        "metadataConfiguration",
};

/* Parameters that may stand there without a value and mean that they do not. */
static const char *const plain_queries[] = {
        "list-type",          "prefix",           "delimiter",          "marker",
        "max-keys",           "encoding-type",    "start-after",        "fetch-owner",
        "continuation-token", "key-marker",       "max-uploads",        "max-parts",
        "partNumber",         "upload-id-marker", "part-number-marker", "max-buckets",
        "bucket-region",
};

static const char *const unsupported_headers[] = {
        "X-Amz-Server-Side-Encryption",
        "X-Amz-Server-Side-Encryption-Customer-Algorithm",
        "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm",
        "X-Amz-Object-Lock-Mode",
        "X-Amz-Object-Lock-Legal-Hold",
        "X-Amz-Object-Lock-Retain-Until-Date",
        "X-Amz-Bucket-Object-Lock-Enabled",
        "X-Amz-Website-Redirect-Location",
        "X-Amz-Grant-Read",
        "X-Amz-Grant-Write",
        "X-Amz-Grant-Full-Control",
        "X-Amz-Grant-Read-Acp",
        "X-Amz-Grant-Write-Acp",
        "X-Amz-Write-Offset-Bytes",
};

static enum err refuse(struct ctx *ctx, const char *what)
{
        return ctx_fail_as(ctx, ERR_UNSUPPORTED, "NotImplemented",
                           "A header or query you provided implies functionality that is not "
                           "implemented: %s",
                           what);
}

/* What every client may say, because it is what happens anyway. */
static enum err check_defaults(struct ctx *ctx, const struct request *request)
{
        const char *acl = request_header(request, "X-Amz-Acl");
        const char *class = request_header(request, "X-Amz-Storage-Class");

        if (acl && strcmp(acl, "private") != 0 && strcmp(acl, "bucket-owner-full-control") != 0)
                return refuse(ctx, "x-amz-acl other than private");
        if (class && strcmp(class, "STANDARD") != 0)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidStorageClass",
                                   "The only storage class here is STANDARD");
        return OK;
}

static bool is_plain(const struct request *request, const char *name, size_t len)
{
        const char *selector = strchr(request->route->path, '?');

        if (len == 0 || strncasecmp(name, "x-", 2) == 0 || strncmp(name, "response-", 9) == 0 ||
            (selector && strlen(selector + 1) == len && strncmp(selector + 1, name, len) == 0))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(plain_queries); i++) {
                if (strlen(plain_queries[i]) == len && strncmp(plain_queries[i], name, len) == 0)
                        return true;
        }
        return false;
}

/* "?tagging" of what has no tags here, or "?something-new": a parameter without a value names what
 * the request is about, and must not be taken for one about the bucket or object itself. */
static enum err check_subresources(struct ctx *ctx, const struct request *request)
{
        for (const char *item = request->query; *item;) {
                size_t len = strcspn(item, "&"), name_len = strcspn(item, "=&");

                if (name_len + 1 >= len && !is_plain(request, item, name_len))
                        return ctx_fail_as(ctx, ERR_UNSUPPORTED, "NotImplemented",
                                           "The query names something that is not implemented: "
                                           "%.*s",
                                           (int)name_len, item);
                item += len + (item[len] == '&');
        }
        return OK;
}

enum err s3_check_supported(struct ctx *ctx, const struct request *request)
{
        enum err rc = check_subresources(ctx, request);

        if (rc != OK)
                return rc;
        for (size_t i = 0; i < ARRAY_SIZE(unsupported_queries); i++) {
                if (request_has_query(request, unsupported_queries[i]))
                        return refuse(ctx, unsupported_queries[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(unsupported_headers); i++) {
                if (request_header(request, unsupported_headers[i]))
                        return refuse(ctx, unsupported_headers[i]);
        }
        return check_defaults(ctx, request);
}
