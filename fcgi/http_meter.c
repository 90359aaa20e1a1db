#include "fcgi/http_meter.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/metrics/meter.h"

void http_meter_begin(const struct ctx *ctx)
{
        meter_add(ctx, METER_HTTP_UNDER_WAY, METER_LABELS(NULL), 1);
}

/* The bytes of objects, not of lists and errors. */
static void count_objects(const struct ctx *ctx, const struct route *route, int64_t received,
                          int64_t sent)
{
        if (route->rate != RATE_STORAGE || !strstr(route->path, "{key...}"))
                return;
        if (route->body_max == BODY_STREAM)
                meter_add(ctx, METER_STORAGE_BYTES, METER_LABELS("in"), (double)received);
        else if (route->method == METHOD_GET && !strchr(route->path, '?'))
                meter_add(ctx, METER_STORAGE_BYTES, METER_LABELS("out"), (double)sent);
}

void http_meter_end(const struct ctx *ctx, const struct request *request, int status, int64_t sent,
                    int64_t start_us)
{
        const double took_s = (double)(clock_mono_us(ctx->clock) - start_us) / 1e6;
        const char *route = request->route ? request->route->path : HTTP_METER_UNMATCHED;
        const char *method = method_name(request->method);
        const int64_t received = transport_bytes_read(request->transport);
        char code[16];

        snprintf(code, sizeof(code), "%d", status);
        meter_observe(ctx, METER_HTTP_SECONDS, METER_LABELS(method, route, code), took_s);
        meter_observe(ctx, METER_HTTP_REQUEST_BYTES, METER_LABELS(method, route), (double)received);
        meter_observe(ctx, METER_HTTP_REPLY_BYTES, METER_LABELS(method, route), (double)sent);
        if (request->route && status < 400)
                count_objects(ctx, request->route, received, sent);
        meter_add(ctx, METER_HTTP_UNDER_WAY, METER_LABELS(NULL), -1);
}
