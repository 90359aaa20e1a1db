#include "fcgi/s3_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crypto.h"
#include "core/base/utf8.h"
#include "core/base/xmlw.h"

#define LIMIT_MAX 1000

enum err s3_list_text(struct ctx *ctx, const struct request *request, const char *name,
                      const char **ret)
{
        enum err rc = request_query(ctx, request, name, ret);

        if (rc == OK && !*ret)
                *ret = "";
        return rc;
}

/* More than S3 gives is asked for often, and means as many as there may be. */
static enum err read_limit(struct ctx *ctx, const struct request *request, const char *name,
                           unsigned *ret)
{
        const char *text;
        long long value;
        char *end;
        enum err rc = s3_list_text(ctx, request, name, &text);

        *ret = LIMIT_MAX;
        if (rc != OK || !*text)
                return rc;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (end == text || *end || errno || value < 0 || value > INT32_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "%s must be a number from 0 to 2147483647", name);
        if (value < LIMIT_MAX)
                *ret = (unsigned)value;
        return OK;
}

enum err s3_list_read(struct ctx *ctx, const struct request *request, const char *limit_name,
                      struct s3_list_frame *ret)
{
        struct s3_list_frame frame;
        const char *encoding;
        enum err rc;

        rc = s3_list_text(ctx, request, "prefix", &frame.prefix);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "delimiter", &frame.delimiter);
        if (rc == OK)
                rc = s3_list_text(ctx, request, "encoding-type", &encoding);
        if (rc == OK)
                rc = read_limit(ctx, request, limit_name, &frame.limit);
        if (rc != OK)
                return rc;
        frame.encode = strcmp(encoding, "url") == 0;
        if (*encoding && !frame.encode)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "Invalid Encoding Method specified in Request");
        *ret = frame;
        return OK;
}

/* boto3 does not decode the prefix of version 1, others do: it is encoded only where decoding would
 * change it, or XML could not hold it. */
static bool decodes_to_itself(const char *text)
{
        for (; *text; text++) {
                if (*text == '%' || *text == '+' || ((unsigned char)*text < ' ' && *text != '\n'))
                        return false;
        }
        return true;
}

void s3_list_write(struct buf *out, const char *limit_element, const struct s3_list_frame *frame)
{
        s3_list_key(out, "Prefix", frame->prefix,
                    frame->encode && !decodes_to_itself(frame->prefix));
        if (*frame->delimiter)
                s3_list_key(out, "Delimiter", frame->delimiter, frame->encode);
        xmlw_int(out, limit_element, frame->limit);
        if (frame->encode)
                xmlw_text(out, "EncodingType", "url");
}

void s3_list_key(struct buf *out, const char *element, const char *key, bool encode)
{
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

        if (!encode) {
                xmlw_text(out, element, key);
                return;
        }
        xmlw_open(out, element);
        for (const char *c = key; *c; c++) {
                if (strchr(plain, *c))
                        buf_putc(out, *c);
                else
                        buf_printf(out, "%%%02X", (unsigned char)*c);
        }
        xmlw_close(out, element);
}

enum err s3_list_make_token(struct ctx *ctx, const char *key, const char **ret)
{
        size_t len = strlen(key);
        char *token = arena_alloc(ctx->arena, 2 * len + 1);

        if (!token)
                return ctx_nomem(ctx);
        crypto_hex(key, len, token); /* nothing that a client could forget to escape */
        *ret = token;
        return OK;
}

enum err s3_list_open_token(struct ctx *ctx, const char *token, const char **ret_key)
{
        size_t len = strlen(token) / 2;
        char *key = arena_alloc(ctx->arena, len + 1);

        if (!key)
                return ctx_nomem(ctx);
        if (crypto_hex_decode(token, strlen(token), key, len)) {
                key[len] = '\0';
                if (strlen(key) == len && utf8_is_valid(key)) {
                        *ret_key = key;
                        return OK;
                }
        }
        return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                           "The continuation token provided is incorrect");
}
