#include "fcgi/gate.h"

#include <stdio.h>
#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/audit/security_event.h"
#include "core/cloud/cloud.h"
#include "core/cloud/health/health.h"
#include "core/cloud/storage/bucket.h"
#include "fcgi/access_log.h"
#include "fcgi/auth_log.h"
#include "fcgi/http_meter.h"
#include "fcgi/origin.h"
#include "fcgi/rate_gate.h"
#include "fcgi/router.h"
#include "fcgi/s3.h"
#include "fcgi/s3_reply.h"
#include "fcgi/session_cookie.h"

static const char logger[] = "simpletuner.cloud.http";

/* Adopt the caller's id when it is harmless, else make one of 12 hex digits. */
static void set_correlation_id(struct ctx *ctx, const struct transport *transport)
{
        static const char *const headers[] = { "HTTP_X_CORRELATION_ID", "HTTP_X_REQUEST_ID" };

        for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
                const char *id = transport_param(transport, headers[i]);

                if (ctx_is_correlation_id(id)) {
                        ctx_adopt_correlation_id(ctx, id);
                        return;
                }
        }
        cloud_new_correlation_id(ctx);
}

/* An S3 client signs, or has a token for Bearer; it is never taken for somebody for where it is. */
static enum err identify_s3(struct ctx *ctx, struct request *request,
                            struct credentials *credentials)
{
        enum err rc = s3_identify(ctx, request);

        if (rc != ERR_NOT_FOUND)
                return rc;
        credentials->forwarded = true;
        return auth_identify(ctx, credentials);
}

/* A variable that the front server sets itself; headers have names that begin with HTTP_. */
static const char *front_variable(const struct ctx *ctx, const struct request *request,
                                  const char *name)
{
        const char *value = NULL;

        if (ctx->config->trust_remote_user)
                value = transport_param(request->transport, name);
        return value && *value ? value : NULL;
}

/* All that shows who is asking; public routes do not look. */
static enum err identify_by_all(struct ctx *ctx, struct request *request)
{
        struct credentials credentials = {
                .session = request->session,
                .peer = request->peer,
                .forwarded = request->forwarded,
                .foreign = !origin_is_ours(request, ctx->config->public_url),
                .api_key = request_header(request, "X-API-Key"),
                .authorization = request_header(request, "Authorization"),
                .upload_token = request_header(request, "X-Upload-Token"),
                .remote_user = front_variable(ctx, request, "REMOTE_USER"),
                .remote_groups = front_variable(ctx, request, ctx->config->remote_groups_variable),
        };

        enum err rc;

        if (!credentials.upload_token)
                credentials.upload_token = request_header(request, "X-SimpleTuner-Secret");
        if (request->s3 && !credentials.upload_token)
                rc = identify_s3(ctx, request, &credentials);
        else
                rc = auth_identify(ctx, &credentials);
        if (rc == ERR_UNAUTHENTICATED || (rc == ERR_DENIED && request->signature))
                auth_log_credentials(ctx, request, &credentials);
        return rc;
}

/* Who was known and refused, and what. That it cannot be written down changes no answer. */
static void note_refusal(struct ctx *ctx, const struct request *request, enum security_kind kind)
{
        CLEANUP(json_decrefp)
        json_t *about = json_pack("{s:s, s:s}", "method", method_name(request->method), "reason",
                                  ctx->detail);
        const struct security_event event = {
                .kind = kind,
                .client = request->client,
                .target_type = "endpoint",
                .target_id = request->route->path,
                .action = kind == SECURITY_SUSPICIOUS ? "A request looked forged"
                                                      : "Permission denied",
                .about = about,
        };
        char detail[CTX_DETAIL_SIZE];

        snprintf(detail, sizeof(detail), "%s", ctx->detail);
        if (about && security_event_record(ctx, &event) != OK)
                log_event(ctx, LOG_WARNING, logger, "A refusal is not in the audit log", "reason",
                          ctx->detail);
        snprintf(ctx->detail, sizeof(ctx->detail), "%s", detail);
}

/* Where strangers are answered too, whoever shows something that is no good is one of them. */
static enum err identify(struct ctx *ctx, struct request *request)
{
        const enum permission permission = request->route->permission;
        const bool strangers = permission == PERM_ANYONE || permission == PERM_PROBE;
        enum err rc;

        if (permission == PERM_PUBLIC)
                return OK;
        health_hurry(ctx, permission == PERM_PROBE);
        request->session = session_cookie_get(ctx, request);
        rc = identify_by_all(ctx, request);
        if (rc == OK) {
                rc = session_cookie_check_forgery(ctx, request);
                if (rc == ERR_DENIED && !strangers)
                        note_refusal(ctx, request, SECURITY_SUSPICIOUS);
        }
        if (!strangers || (err_is_fault(rc) && permission != PERM_PROBE))
                return rc;
        if (rc != OK)
                ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        return OK;
}

static enum err check_length(struct ctx *ctx, const struct request *request)
{
        size_t max = request->route->body_max;

        if (max != BODY_NONE && max != BODY_STREAM && request->content_length > (int64_t)max)
                return ctx_fail(ctx, ERR_TOO_LARGE, "The body has more than %zu bytes", max);
        return OK;
}

/* Whatever is done in a bucket, this is where it is looked at whether the caller may. */
static enum err check_bucket(struct ctx *ctx, const struct request *request)
{
        const enum permission permission = request->route->permission;
        const char *bucket = request_param(request, "bucket");

        if (!strstr(request->route->path, "{bucket}") ||
            (permission == PERM_STORAGE_MAKE && ctx->actor.kind != ACTOR_JOB))
                return OK;
        return bucket_require(ctx, bucket,
                              permission == PERM_STORAGE_READ ? BUCKET_READ : BUCKET_WRITE);
}

/* Who asks, as far as the route wants to know. */
static enum err meet(struct ctx *ctx, struct request *request)
{
        enum permission permission = request->route->permission;

        if (permission != PERM_PUBLIC && permission != PERM_PROBE) {
                enum err rc = cloud_check_schema(ctx);

                if (rc != OK)
                        return rc == ERR_CONFLICT ? ERR_NOT_READY : rc;
        }
        return identify(ctx, request);
}

/* May who was met do this? */
static enum err permit(struct ctx *ctx, const struct request *request)
{
        enum err rc = auth_require(ctx, request->route->permission);

        if (rc == ERR_DENIED)
                note_refusal(ctx, request, SECURITY_PERMISSION_DENIED);
        return rc == OK ? check_bucket(ctx, request) : rc;
}

enum err gate_admit(struct ctx *ctx, struct request *request)
{
        enum err rc = meet(ctx, request);

        return rc == OK ? permit(ctx, request) : rc;
}

static enum err run_route(struct ctx *ctx, struct request *request, struct reply *reply)
{
        const struct operation *operation = request->route->operation;
        enum err rc = rate_gate_enter(ctx, request, reply);

        if (rc == OK)
                rc = meet(ctx, request);
        if (rc == OK)
                rc = rate_gate_met(ctx, request, reply);
        if (rc == OK)
                rc = permit(ctx, request);
        if (rc == OK)
                rc = check_length(ctx, request);
        if (rc == OK && request->s3)
                rc = s3_check_supported(ctx, request);
        if (rc == OK) {
                reply->status = operation->status ? operation->status : 200;
                rc = operation->run(ctx, request, reply);
        }
        return rate_gate_leave(ctx, request, reply, rc);
}

/* Find the route and run it; 404, 405 and OPTIONS are answered here. */
static enum err dispatch(struct ctx *ctx, struct request *request, struct reply *reply)
{
        char allow[ROUTER_ALLOW_SIZE];
        enum router_result result;
        const char *allow_copy;
        enum err rc;

        rc = router_match(ctx, request, &result, allow);
        if (rc != OK)
                return rc;
        if (result == ROUTER_FOUND) {
                request->s3 |= strchr(request->route->path, '?') != NULL;
                return run_route(ctx, request, reply);
        }
        rc = rate_gate_enter(ctx, request, reply);
        if (rc != OK)
                return rc;
        if (result == ROUTER_NO_PATH)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Not found");
        if (request->s3)
                return ctx_fail_as(ctx, ERR_INVALID, "MethodNotAllowed",
                                   "The specified method is not allowed against this resource.");
        rc = ctx_strdup(ctx, allow, &allow_copy);
        if (rc != OK)
                return rc;
        reply_header(reply, "Allow", allow_copy);
        if (request->method == METHOD_OPTIONS) {
                reply->status = 204;
                return OK;
        }
        rc = ctx_fail(ctx, OK, "Method not allowed; allowed here: %s", allow_copy);
        reply_error_status(ctx, reply, 405, "method_not_allowed");
        return rc;
}

/* Whoever numbers its requests finds its own number in the answer. */
static void echo_request_id(struct ctx *ctx, const struct transport *transport, struct reply *reply)
{
        const char *id = transport_param(transport, "HTTP_X_REQUEST_ID");

        if (id)
                reply_header(reply, "X-Request-ID",
                             ctx_is_correlation_id(id) ? id : ctx->correlation_id);
}

void gate_handle(struct ctx *ctx, struct transport *transport, struct reply *reply)
{
        int64_t start_us = clock_mono_us(ctx->clock), sent;
        struct request request;
        enum err rc;

        http_meter_begin(ctx);
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        ctx->detail[0] = '\0';
        ctx->code = NULL;
        ctx->retry_after_s = 0;
        ctx->details = NULL;
        ctx_set_job(ctx, NULL);
        health_hurry(ctx, false);
        set_correlation_id(ctx, transport);
        reply_reset(reply);
        rc = request_read_head(ctx, transport, &request);
        s3_recognise(&request);
        ipaddr_format(&request.client, ctx->client);
        if (rc == OK)
                rc = dispatch(ctx, &request, reply);
        if (rc != OK) {
                if (err_is_fault(rc))
                        log_event(ctx, LOG_ERROR, logger, "Request failed", "error", err_code(rc),
                                  "reason", ctx->detail);
                if (request.s3)
                        s3_reply_error(ctx, reply, &request, rc);
                else
                        reply_error(ctx, reply, rc);
                if (rc == ERR_UNAUTHENTICATED && request_header(&request, "Cookie"))
                        session_cookie_clear(reply); /* it is no good any more */
        }
        if (request.s3)
                reply_header(reply, "x-amz-request-id", ctx->correlation_id);
        rate_gate_tell(ctx, &request, reply);
        echo_request_id(ctx, transport, reply);
        sent = reply_send(ctx, reply, &request);
        http_meter_end(ctx, &request, reply->status, sent, start_us);
        access_log(ctx, &request, reply, sent, start_us);
}
