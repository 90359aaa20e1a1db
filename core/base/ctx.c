#include "core/base/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err ctx_fail(struct ctx *ctx, enum err rc, const char *fmt, ...)
{
        va_list ap;

        ctx->code = NULL;
        va_start(ap, fmt);
        vsnprintf(ctx->detail, sizeof(ctx->detail), fmt, ap);
        va_end(ap);
        return rc;
}

enum err ctx_fail_as(struct ctx *ctx, enum err rc, const char *code, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(ctx->detail, sizeof(ctx->detail), fmt, ap);
        va_end(ap);
        ctx->code = code;
        return rc;
}

enum err ctx_prefix(struct ctx *ctx, enum err rc, const char *what)
{
        char reason[CTX_DETAIL_SIZE];

        memcpy(reason, ctx->detail, sizeof(reason));
        return ctx_fail_as(ctx, rc, ctx->code, "%s: %s", what, reason);
}

const char *ctx_shown_detail(const struct ctx *ctx, enum err rc)
{
        return err_is_fault(rc) ? "the service had a fault, see its log" : ctx->detail;
}

enum err ctx_nomem(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_NOMEM, "out of memory");
}

enum err ctx_strdup(struct ctx *ctx, const char *s, const char **ret_copy)
{
        char *copy;

        if (!s) {
                *ret_copy = NULL;
                return OK;
        }
        copy = arena_strdup(ctx->arena, s);
        if (!copy)
                return ctx_nomem(ctx);
        *ret_copy = copy;
        return OK;
}

const char *ctx_actor_name(const struct ctx *ctx)
{
        static const char *const by_kind[] = {
                [ACTOR_ANONYMOUS] = "anonymous",
                [ACTOR_LOCAL_ADMIN] = "local",
                [ACTOR_JOB] = "job",
                [ACTOR_USER] = "user",
        };

        return ctx->actor.name ? ctx->actor.name : by_kind[ctx->actor.kind];
}

void ctx_set_job(struct ctx *ctx, const char *job_id)
{
        snprintf(ctx->job_id, sizeof(ctx->job_id), "%s", job_id ? job_id : "");
}

bool ctx_is_correlation_id(const char *id)
{
        static const char safe[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
        size_t len = id ? strnlen(id, CTX_ID_SIZE) : 0;

        return len > 0 && len < CTX_ID_SIZE && strspn(id, safe) == len;
}

void ctx_adopt_correlation_id(struct ctx *ctx, const char *id)
{
        if (ctx_is_correlation_id(id) && id != ctx->correlation_id)
                memcpy(ctx->correlation_id, id, strlen(id) + 1);
}

void ctx_topic_keep(struct ctx *ctx, struct ctx_topic *ret)
{
        ret->ctx = ctx;
        memcpy(ret->correlation_id, ctx->correlation_id, CTX_ID_SIZE);
        memcpy(ret->job_id, ctx->job_id, CTX_ID_SIZE);
}

void ctx_topic_restore(struct ctx_topic *topic)
{
        if (!topic->ctx)
                return;
        memcpy(topic->ctx->correlation_id, topic->correlation_id, CTX_ID_SIZE);
        memcpy(topic->ctx->job_id, topic->job_id, CTX_ID_SIZE);
}
