/* S3 credentials of users. A secret goes out once, in the answer that makes it. */
#include <string.h>

#include "core/base/config.h"
#include "core/base/fields.h"
#include "core/cloud/s3/s3_credential.h"
#include "fcgi/handlers.h"

struct listing {
        const struct ctx *ctx;
        struct jsonw *json;
};

static void render_row(void *arg, const struct s3_credential *row)
{
        const struct listing *listing = arg;

        s3_credential_render(listing->ctx, listing->json, row);
}

static const struct query list_query[] = {
        QUERY(BOOL, "all"),
        { 0 },
};

static enum err s3_credentials_list_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct jsonw json = reply_json(reply);
        struct listing listing = { ctx, &json };
        bool all = false;
        enum err rc;

        rc = request_query_bool(ctx, request, "all", &all);
        if (rc != OK)
                return rc;
        jsonw_array(&json, "credentials");
        rc = s3_credential_list(ctx, all, render_row, &listing);
        if (rc != OK)
                return rc;
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation s3_credentials_list = {
        OPERATION(s3_credentials_list),
        .summary = "List S3 credentials",
        .query = list_query,
};

/* The public address, or else that by which the caller has reached us. *ret is untouched when that
 * cannot be told. */
static enum err endpoint_url(struct ctx *ctx, const struct request *request, const char **ret)
{
        static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789.-_:[]";
        const char *base = ctx->config->public_url, *host = request_header(request, "Host");
        const char *url;

        if (!*base && (!host || strspn(host, host_bytes) != strlen(host)))
                return OK;
        if (*base)
                url = arena_printf(ctx->arena, "%s" S3_ENDPOINT_PATH, base);
        else
                url = arena_printf(ctx->arena, "%s://%s" S3_ENDPOINT_PATH,
                                   request_is_tls(ctx, request) ? "https" : "http", host);
        if (!url)
                return ctx_nomem(ctx);
        *ret = url;
        return OK;
}

static const struct field given_fields[] = {
        FIELD(struct s3_credential_given, name, FIELD_STRING, .max = S3_CREDENTIAL_NAME_MAX),
        FIELD(struct s3_credential_given, expires_in_days, FIELD_INT, .min = 1,
              .max = S3_CREDENTIAL_DAYS_MAX),
};

static enum err s3_credentials_add_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        struct s3_credential_given given = { 0 };
        struct s3_credential_made made;
        const char *endpoint = NULL;
        struct jsonw json;
        enum err rc;

        rc = request_fields_or_empty(ctx, request, &given);
        if (rc == OK)
                rc = endpoint_url(ctx, request, &endpoint);
        if (rc == OK)
                rc = s3_credential_new(ctx, &given, &made);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_string(&json, "access_key_id", made.access_key_id);
        jsonw_string(&json, "secret_access_key", made.secret_access_key);
        jsonw_string(&json, "name", made.name);
        jsonw_time(&json, "created_at", made.created_at_us);
        jsonw_time(&json, "expires_at", made.expires_at_us);
        jsonw_string(&json, "endpoint_url", endpoint);
        jsonw_string(&json, "region", S3_REGION);
        return reply_json_end(ctx, reply, &json);
}

const struct operation s3_credentials_add = {
        OPERATION(s3_credentials_add),
        .summary = "Make an S3 credential",
        .body = FIELDS(given_fields),
        .status = 201,
};

static enum err s3_credentials_revoke_run(struct ctx *ctx, const struct request *request,
                                          struct reply *reply)
{
        struct jsonw json;
        enum err rc = s3_credential_revoke(ctx, request_param(request, "access_key_id"));

        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        return reply_json_end(ctx, reply, &json);
}

const struct operation s3_credentials_revoke = {
        OPERATION(s3_credentials_revoke),
        .summary = "End an S3 credential",
};
