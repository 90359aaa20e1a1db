#include "core/cloud/remote/remote_multipart.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/xml.h"
#include "core/base/xmlw.h"

#define COMPLETE_MAX (2 * MiB) /* 10,000 parts with their ETags */
#define PART_SIZE    ((int64_t)1024 * (int64_t)MiB)

/* The answer's root element; an error may come with status 200. */
static enum err read_answer(struct ctx *ctx, const struct http_answer *answer, const char *root,
                            struct xml **ret)
{
        enum err rc = xml_parse(ctx, answer->body, answer->body_len, ret);
        const char *code;

        if (rc == ERR_INVALID)
                return ctx_prefix(ctx, ERR_UNAVAILABLE, "the S3 store's answer");
        if (rc != OK || strcmp((*ret)->name, root) == 0)
                return rc;
        code = xml_text(*ret, "Code");
        return ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store answered %.60s in place of %s",
                        code ? code : (*ret)->name, root);
}

/* Percent-encoded for a query that is signed. In the arena. */
static enum err encode(struct ctx *ctx, const char *text, const char **ret)
{
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
        CLEANUP(buf_done) struct buf out = { 0 };

        buf_init(&out, 4 * KiB);
        for (const char *c = text; *c; c++) {
                if (strchr(plain, *c))
                        buf_putc(&out, *c);
                else
                        buf_printf(&out, "%%%02X", (unsigned char)*c);
        }
        if (!buf_ok(&out))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store's upload id is too long");
        return ctx_strdup(ctx, buf_str(&out), ret);
}

enum err remote_multipart_create(struct ctx *ctx, const char *url, const char **ret_id)
{
        const struct remote_ask ask = { .method = "POST", .url = url, .query = "uploads=" };
        struct http_answer answer;
        struct xml *root;
        const char *id;
        enum err rc;

        rc = remote_ask(ctx, &ask, &answer);
        if (rc == ERR_NOT_FOUND)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store has no such bucket: %.200s", url);
        if (rc == OK)
                rc = read_answer(ctx, &answer, "InitiateMultipartUploadResult", &root);
        if (rc != OK)
                return rc;
        id = xml_text(root, "UploadId");
        if (!id || !*id)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store gave no upload id");
        return encode(ctx, id, ret_id);
}

static enum err upload_query(struct ctx *ctx, const char *id, const char **ret)
{
        *ret = arena_printf(ctx->arena, "uploadId=%s", id);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err write_list(struct ctx *ctx, const struct remote_part *parts, size_t count,
                           const char **ret)
{
        static const char root[] = "CompleteMultipartUpload";
        CLEANUP(buf_done) struct buf out = { 0 };

        buf_init(&out, COMPLETE_MAX);
        xmlw_document(&out, root, "http://s3.amazonaws.com/doc/2006-03-01/");
        for (size_t i = 0; i < count; i++) {
                xmlw_open(&out, "Part");
                xmlw_int(&out, "PartNumber", parts[i].number);
                xmlw_text(&out, "ETag", parts[i].etag);
                xmlw_close(&out, "Part");
        }
        xmlw_close(&out, root);
        return buf_ok(&out) ? ctx_strdup(ctx, buf_str(&out), ret) : ctx_nomem(ctx);
}

/* Is the object there? Names are used once: then it is this one. */
static enum err find_object(struct ctx *ctx, const char *url)
{
        const struct remote_ask ask = { .method = "GET", .url = url, .header = "Range: bytes=0-0" };
        struct http_answer answer;

        return remote_ask(ctx, &ask, &answer);
}

enum err remote_multipart_complete(struct ctx *ctx, const struct remote_target *target,
                                   const struct remote_part *parts, size_t count)
{
        struct remote_ask ask = { .method = "POST", .url = target->url, .slow = true };
        struct http_answer answer;
        struct xml *root;
        enum err rc;

        rc = upload_query(ctx, target->remote_id, &ask.query);
        if (rc == OK)
                rc = write_list(ctx, parts, count, &ask.body);
        if (rc == OK)
                rc = remote_ask(ctx, &ask, &answer);
        if (rc == ERR_NOT_FOUND)
                return find_object(ctx, target->url);
        return rc == OK ? read_answer(ctx, &answer, "CompleteMultipartUploadResult", &root) : rc;
}

enum err remote_multipart_abort(struct ctx *ctx, const char *url, const char *id)
{
        struct remote_ask ask = { .method = "DELETE", .url = url };
        struct http_answer answer = { 0 };
        enum err rc;

        rc = upload_query(ctx, id, &ask.query);
        if (rc == OK)
                rc = remote_ask(ctx, &ask, &answer);
        /* A store that cannot do this is left to its own ways of forgetting. */
        return rc == ERR_NOT_FOUND || answer.status == 405 || answer.status == 501 ? OK : rc;
}

enum err remote_in_parts(struct ctx *ctx, const char *url, int64_t size, remote_part_fn *make,
                         void *arg)
{
        const size_t count = (size_t)((size + PART_SIZE - 1) / PART_SIZE);
        struct remote_part *parts = arena_alloc(ctx->arena, count * sizeof(*parts));
        struct remote_target target = { .url = url };
        enum err rc = parts ? OK : ctx_nomem(ctx);

        if (rc == OK)
                rc = remote_multipart_create(ctx, url, &target.remote_id);
        if (rc != OK)
                return rc;
        for (size_t i = 0; rc == OK && i < count; i++) {
                int64_t from = (int64_t)i * PART_SIZE, left = size - from;

                target.number = parts[i].number = (int64_t)i + 1;
                rc = make(ctx, arg, &target,
                          (struct remote_piece){ from, left < PART_SIZE ? left : PART_SIZE },
                          &parts[i].etag);
        }
        if (rc == OK)
                rc = remote_multipart_complete(ctx, &target, parts, count);
        if (rc != OK && remote_multipart_abort(ctx, url, target.remote_id) != OK)
                return ERR_UNAVAILABLE;
        return rc;
}

/* UploadPartCopy. */
static enum err copy_part(struct ctx *ctx, void *arg, const struct remote_target *target,
                          struct remote_piece piece, const char **ret_etag)
{
        struct remote_ask ask = { .method = "PUT", .url = target->url, .slow = true };
        struct http_answer answer;
        struct xml *root;
        enum err rc;

        ask.query = arena_printf(ctx->arena, "partNumber=%" PRId64 "&uploadId=%s", target->number,
                                 target->remote_id);
        ask.header = arg;
        ask.header2 =
                arena_printf(ctx->arena, "x-amz-copy-source-range: bytes=%" PRId64 "-%" PRId64,
                             piece.offset, piece.offset + piece.size - 1);
        if (!ask.query || !ask.header2)
                return ctx_nomem(ctx);
        rc = remote_ask(ctx, &ask, &answer);
        if (rc == OK)
                rc = read_answer(ctx, &answer, "CopyPartResult", &root);
        if (rc != OK)
                return rc;
        *ret_etag = xml_text(root, "ETag");
        return *ret_etag ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, "the S3 store gave no ETag");
}

enum err remote_copy_any(struct ctx *ctx, const char *from_url, const char *to_url, int64_t size)
{
        char *source;

        if (size <= REMOTE_PUT_MAX)
                return remote_copy(ctx, from_url, to_url);
        source = arena_printf(ctx->arena, "x-amz-copy-source: /%s", from_url + strlen("s3://"));
        return source ? remote_in_parts(ctx, to_url, size, copy_part, source) : ctx_nomem(ctx);
}
