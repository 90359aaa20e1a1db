#include "fcgi/s3_ranges.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/http_range.h"

static enum err content_range(struct ctx *ctx, struct file_piece piece, int64_t size,
                              const char **ret)
{
        *ret = arena_printf(ctx->arena, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, piece.offset,
                            piece.offset + piece.size - 1, size);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err send_piece(struct ctx *ctx, struct file_piece piece, int64_t size,
                           struct reply *reply)
{
        const char *range;
        enum err rc = content_range(ctx, piece, size, &range);

        if (rc != OK)
                return rc;
        reply->status = 206;
        reply->file_offset = piece.offset;
        reply->file_size = piece.size;
        reply_header(reply, "Content-Range", range);
        return OK;
}

/* multipart/byteranges, RFC 9110 14.6: the head of each piece, and the end. */
struct several {
        struct http_ranges ranges;
        const char *heads[HTTP_RANGES_MAX];
        const char *end;
};

static int64_t send_several(struct ctx *ctx, const struct request *request, struct reply *reply,
                            void *arg)
{
        const struct several *several = arg;
        int64_t sent = 0;

        for (size_t i = 0; i < several->ranges.count; i++) {
                const char *head = several->heads[i];

                if (!transport_write(request->transport, head, strlen(head)))
                        return sent;
                sent += (int64_t)strlen(head) +
                        reply_send_piece(ctx, reply, request, several->ranges.pieces[i]);
        }
        if (transport_write(request->transport, several->end, strlen(several->end)))
                sent += (int64_t)strlen(several->end);
        return sent;
}

static enum err plan_several(struct ctx *ctx, const struct object *object,
                             const struct http_ranges *ranges, struct reply *reply)
{
        struct several *several = arena_alloc(ctx->arena, sizeof(*several));
        const char *boundary = ctx->correlation_id, *range;
        const char *type = arena_printf(ctx->arena, "multipart/byteranges; boundary=%s", boundary);

        if (!several || !type)
                return ctx_nomem(ctx);
        several->ranges = *ranges;
        several->end = arena_printf(ctx->arena, "\r\n--%s--\r\n", boundary);
        if (!several->end)
                return ctx_nomem(ctx);
        reply->stream_length = (int64_t)strlen(several->end);
        for (size_t i = 0; i < ranges->count; i++) {
                enum err rc = content_range(ctx, ranges->pieces[i], object->size_bytes, &range);

                if (rc != OK)
                        return rc;
                several->heads[i] = arena_printf(ctx->arena,
                                                 "\r\n--%s\r\nContent-Type: %s\r\n"
                                                 "Content-Range: %s\r\n\r\n",
                                                 boundary, reply->content_type, range);
                if (!several->heads[i])
                        return ctx_nomem(ctx);
                reply->stream_length += (int64_t)strlen(several->heads[i]) + ranges->pieces[i].size;
        }
        reply->status = 206;
        reply_stream(reply, type, send_several, several);
        return OK;
}

/* Find a part in "8388608x127 1024x1". */
static bool find_part(const char *sizes, int64_t number, struct file_piece *ret, int64_t *ret_count)
{
        int64_t count = 0, offset = 0;
        bool found = false;

        while (*sizes) {
                char *end;
                int64_t size = strtoll(sizes, &end, 10), same = 1;

                if (*end == 'x')
                        same = strtoll(end + 1, &end, 10);
                if (number > count && number <= count + same) {
                        *ret = (struct file_piece){ offset + (number - count - 1) * size, size };
                        found = true;
                }
                count += same;
                offset += same * size;
                sizes = end + strspn(end, " ");
        }
        *ret_count = count;
        return found;
}

static enum err send_part(struct ctx *ctx, int64_t number, const struct object *object,
                          struct reply *reply)
{
        struct file_piece piece = { 0, object->size_bytes };
        int64_t count = 1;
        const char *text;

        if (*object->part_sizes ? !find_part(object->part_sizes, number, &piece, &count)
                                : number != 1)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidPart",
                                   "The object has no part of this number");
        text = arena_printf(ctx->arena, "%" PRId64, count);
        if (!text)
                return ctx_nomem(ctx);
        if (*object->part_sizes)
                reply_header(reply, "x-amz-mp-parts-count", text);
        return piece.size > 0 ? send_piece(ctx, piece, object->size_bytes, reply) : OK;
}

enum err s3_ranges(struct ctx *ctx, const struct request *request, const struct object *object,
                   struct reply *reply)
{
        const struct http_entity entity = { object->etag, object->modified_at_us };
        const char *header = request_header(request, "Range");
        struct http_ranges ranges = { .count = 0 };
        int64_t number = 0;
        enum err rc;

        rc = request_query_int(ctx, request, "partNumber", &number);
        if (rc == OK && number > 0 && header)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "Cannot specify both Range header and partNumber query "
                                   "parameter");
        if (rc == OK && number > 0)
                return send_part(ctx, number, object, reply);
        if (rc == OK && header && http_range_holds(request, &entity))
                rc = http_ranges_read(ctx, header, object->size_bytes, &ranges);
        if (rc != OK)
                return rc;
        if (ranges.count > 1)
                return plan_several(ctx, object, &ranges, reply);
        if (ranges.count == 0 || reply_can_sendfile(reply, request))
                return OK;
        return send_piece(ctx, ranges.pieces[0], object->size_bytes, reply);
}
