#include "fcgi/session_cookie.h"

#include <string.h>

#include "core/base/config.h"
#include "core/cloud/auth/session.h"
#include "fcgi/origin.h"

#define NAME "simpletuner_session"

const char *session_cookie_get(struct ctx *ctx, const struct request *request)
{
        const char *at = request_header(request, "Cookie");
        const size_t name_len = strlen(NAME "=");

        while (at && *at) {
                size_t len = strcspn(at, ";");

                if (len >= name_len && strncmp(at, NAME "=", name_len) == 0)
                        return arena_strndup(ctx->arena, at + name_len, len - name_len);
                at += len;
                at += strspn(at, "; ");
        }
        return NULL;
}

enum err session_cookie_set(struct ctx *ctx, const struct request *request, struct reply *reply,
                            const char *token, int64_t max_age_s)
{
        const char *secure = request_is_tls(ctx, request) ? "; Secure" : "", *age = "", *value;

        if (max_age_s)
                age = arena_printf(ctx->arena, "; Max-Age=%lld", (long long)max_age_s);
        value = arena_printf(ctx->arena, NAME "=%s; Path=/; HttpOnly; SameSite=Lax%s%s", token,
                             age ? age : "", secure);
        if (!age || !value)
                return ctx_nomem(ctx);
        reply_header(reply, "Set-Cookie", value);
        return OK;
}

void session_cookie_clear(struct reply *reply)
{
        reply_header(reply, "Set-Cookie", NAME "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
}

static enum err check_token(struct ctx *ctx, const struct request *request)
{
        const char *given = request_header(request, "X-CSRF-Token");
        char expected[SHA256_HEX_SIZE];
        enum err rc = session_csrf_token(ctx, request->session, expected);

        if (rc != OK)
                return rc;
        if (given && secret_equal((struct secret){ given, strlen(given) },
                                  (struct secret){ expected, sizeof(expected) - 1 }))
                return OK;
        return ctx_fail(ctx, ERR_DENIED,
                        "X-CSRF-Token is missing or wrong; GET /api/auth/check gives csrf_token");
}

enum err session_cookie_check_forgery(struct ctx *ctx, const struct request *request)
{
        const enum actor_via via = ctx->actor.via;

        if (request->method == METHOD_GET || request->method == METHOD_HEAD ||
            (via != VIA_SESSION && via != VIA_FRONT_SERVER))
                return OK;
        if (!origin_is_same(request, ctx->config->public_url))
                return ctx_fail(ctx, ERR_DENIED, "This request was made by a page of another site");
        return via == VIA_SESSION ? check_token(ctx, request) : OK;
}
