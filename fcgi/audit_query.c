#include "fcgi/audit_query.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cloud/audit/audit_types.h"

static enum err read_time(struct ctx *ctx, const struct request *request, const char *name,
                          int64_t *ret_us)
{
        const char *text;
        enum err rc = request_query(ctx, request, name, &text);

        if (rc == OK && text && !clock_parse_iso(text, ret_us))
                return ctx_fail(ctx, ERR_INVALID, "%s must be a time like 2024-01-15T10:30:00Z",
                                name);
        return rc;
}

enum err audit_query_times(struct ctx *ctx, const struct request *request, int64_t *ret_since_us,
                           int64_t *ret_until_us)
{
        int64_t until_us = 0;
        enum err rc = read_time(ctx, request, "since", ret_since_us);

        if (rc == OK)
                rc = read_time(ctx, request, "until", &until_us);
        if (rc == OK && until_us)
                *ret_until_us = audit_until(until_us);
        return rc;
}

enum err audit_query_number(struct ctx *ctx, const char *what, const char *text, int64_t *ret)
{
        int64_t number;
        char *end;

        errno = 0;
        number = strtoll(text, &end, 10);
        if (errno || end == text || *end || *text < '0' || *text > '9' || number < 1)
                return ctx_fail(ctx, ERR_INVALID, "%s must be a number from 1 on", what);
        *ret = number;
        return OK;
}

static enum err read_types(struct ctx *ctx, const struct request *request,
                           struct audit_filter *filter)
{
        const char *text;
        enum err rc = request_query(ctx, request, "event_type", &text);

        return rc == OK && text ? audit_types_parse(ctx, text, filter) : rc;
}

enum err audit_query_read(struct ctx *ctx, const struct request *request,
                          struct audit_filter *filter)
{
        const struct {
                const char *name;
                const char **value;
        } texts[] = {
                { "actor", &filter->actor },
                { "target_type", &filter->target_type },
                { "target_id", &filter->target_id },
        };
        enum err rc = read_types(ctx, request, filter);

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = request_query(ctx, request, texts[i].name, texts[i].value);
        if (rc == OK)
                rc = request_query_int(ctx, request, "actor_id", &filter->actor_id);
        if (rc == OK)
                rc = audit_query_times(ctx, request, &filter->since_us, &filter->until_us);
        return rc;
}
