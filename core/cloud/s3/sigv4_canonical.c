#include "core/cloud/s3/sigv4_canonical.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

#define CANONICAL_MAX (64 * KiB)
#define SECRET_MAX    128
#define KEY_PREFIX    "AWS4"

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(unsigned char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
}

/* Take percent-encoded text in any spelling and write it in the one that is signed. A '%' that
 * starts no escape stands for itself, as does one of the bytes in plain. */
static void put_encoded(struct buf *buf, const char *text, size_t len, char plain)
{
        static const char digits[] = "0123456789ABCDEF";

        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c == '%' && len - i > 2 && hex_value(text[i + 1]) >= 0 &&
                    hex_value(text[i + 2]) >= 0) {
                        c = (unsigned char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
                        i += 2;
                }
                if (is_unreserved(c) || (plain && c == (unsigned char)plain)) {
                        buf_putc(buf, (char)c);
                        continue;
                }
                buf_putc(buf, '%');
                buf_putc(buf, digits[c >> 4]);
                buf_putc(buf, digits[c & 15]);
        }
}

/* In a query '+' is a space, as the server reads it: whoever means a plus writes %2B. */
static void put_query_part(struct buf *buf, const char *text, size_t len)
{
        for (size_t i = 0; i < len;) {
                size_t piece = 0;

                while (i + piece < len && text[i + piece] != '+')
                        piece++;
                put_encoded(buf, text + i, piece, '\0');
                i += piece;
                if (i < len) {
                        buf_puts(buf, "%20");
                        i++;
                }
        }
}

/* CGI writes both '-' and '_' as '_', so they are not told apart here. */
bool sigv4_same_name(const char *a, const char *b, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if ((a[i] == '_' ? '-' : a[i]) != (b[i] == '_' ? '-' : b[i]))
                        return false;
        }
        return true;
}

bool sigv4_signs(const char *signed_headers, const char *name)
{
        size_t name_len = strlen(name);

        for (const char *at = signed_headers; *at;) {
                size_t len = strcspn(at, ";");

                if (len == name_len && sigv4_same_name(at, name, len))
                        return true;
                at += len + (at[len] == ';');
        }
        return false;
}

struct query_item {
        const char *name, *value; /* encoded */
};

static int compare_items(const void *a, const void *b)
{
        const struct query_item *left = a, *right = b;
        int order = strcmp(left->name, right->name);

        return order ? order : strcmp(left->value, right->value);
}

static enum err encode_part(struct ctx *ctx, const char *text, size_t len, const char **ret)
{
        CLEANUP(buf_done) struct buf buf;

        buf_init(&buf, 3 * len);
        put_query_part(&buf, text, len);
        if (!buf_ok(&buf))
                return ctx_nomem(ctx);
        return ctx_strdup(ctx, buf_str(&buf), ret);
}

static enum err read_items(struct ctx *ctx, const char *query, struct query_item *items,
                           size_t *ret_count)
{
        size_t count = 0;
        enum err rc;

        for (const char *at = query; *at;) {
                size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");
                struct query_item *item = &items[count];

                if (len > 0) {
                        rc = encode_part(ctx, at, name_len, &item->name);
                        if (rc != OK)
                                return rc;
                        if (name_len < len)
                                name_len++;
                        rc = encode_part(ctx, at + name_len, len - name_len, &item->value);
                        if (rc != OK)
                                return rc;
                        count++;
                }
                at += len + (at[len] == '&');
        }
        *ret_count = count;
        return OK;
}

/* Sorted by encoded name and value; a signature in the query is not part of what it signs. */
static enum err put_query(struct ctx *ctx, struct buf *buf, const char *query, bool presigned)
{
        struct query_item *items;
        size_t count = 1;
        bool first = true;
        enum err rc;

        for (const char *at = query; *at; at++)
                count += *at == '&';
        items = arena_alloc(ctx->arena, count * sizeof(*items));
        if (!items)
                return ctx_nomem(ctx);
        rc = read_items(ctx, query, items, &count);
        if (rc != OK)
                return rc;
        qsort(items, count, sizeof(*items), compare_items);
        for (size_t i = 0; i < count; i++) {
                if (presigned && strcmp(items[i].name, "X-Amz-Signature") == 0)
                        continue;
                buf_printf(buf, "%s%s=%s", first ? "" : "&", items[i].name, items[i].value);
                first = false;
        }
        return OK;
}

/* Without space at its ends, and one space for each run of them. */
static void put_value(struct buf *buf, const char *value)
{
        bool space = false, started = false;

        for (; *value; value++) {
                if (*value == ' ' || *value == '\t') {
                        space = true;
                        continue;
                }
                if (space && started)
                        buf_putc(buf, ' ');
                buf_putc(buf, *value);
                space = false;
                started = true;
        }
}

/* Some fronts take these away after they acted on them; what they were is no question then. */
static const char *value_when_missing(const char *name)
{
        static const char *const known[][2] = {
                { "content-length", "0" },
                { "expect", "100-continue" },
                { "transfer-encoding", "chunked" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                if (strcmp(name, known[i][0]) == 0)
                        return known[i][1];
        }
        return "";
}

static enum err put_headers(struct ctx *ctx, const struct sigv4_request *request,
                            const struct sigv4 *sigv4, const char *host, struct buf *buf)
{
        for (const char *at = sigv4->signed_headers; *at;) {
                size_t len = strcspn(at, ";");
                const char *name = arena_strndup(ctx->arena, at, len), *value;

                if (!name)
                        return ctx_nomem(ctx);
                value = strcmp(name, "host") == 0 ? host : request->header(request->arg, name);
                buf_printf(buf, "%s:", name);
                put_value(buf, value ? value : value_when_missing(name));
                buf_putc(buf, '\n');
                at += len + (at[len] == ';');
        }
        return OK;
}

enum err sigv4_canonical_request(struct ctx *ctx, const struct sigv4_request *request,
                                 const struct sigv4 *sigv4, const struct sigv4_view *view,
                                 const char **ret)
{
        CLEANUP(buf_done) struct buf buf;
        enum err rc;

        buf_init(&buf, CANONICAL_MAX);
        buf_printf(&buf, "%s\n", request->method);
        if (view->encode_path)
                put_encoded(&buf, view->path, strlen(view->path), '/');
        else
                buf_puts(&buf, view->path);
        buf_putc(&buf, '\n');
        rc = put_query(ctx, &buf, request->query, sigv4->presigned);
        if (rc != OK)
                return rc;
        buf_putc(&buf, '\n');
        rc = put_headers(ctx, request, sigv4, view->host, &buf);
        if (rc != OK)
                return rc;
        buf_printf(&buf, "\n%s\n%s", sigv4->signed_headers, sigv4->payload_hash);
        if (!buf_ok(&buf))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "the signed part of the request is longer than 64 KiB");
        return ctx_strdup(ctx, buf_str(&buf), ret);
}

enum err sigv4_string_to_sign(struct ctx *ctx, const struct sigv4 *sigv4,
                              const char *canonical_request, const char **ret)
{
        char hash[SHA256_HEX_SIZE];
        const char *text;

        if (!crypto_sha256_hex(canonical_request, strlen(canonical_request), hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a canonical request");
        text = arena_printf(ctx->arena, SIGV4_ALGORITHM "\n%s\n%s\n%s", sigv4->amz_date,
                            sigv4->scope, hash);
        if (!text)
                return ctx_nomem(ctx);
        *ret = text;
        return OK;
}

bool sigv4_signing_key(struct secret secret_key, const char *scope,
                       unsigned char ret_key[SHA256_SIZE])
{
        char start[sizeof(KEY_PREFIX) - 1 + SECRET_MAX] = KEY_PREFIX;
        unsigned char key[SHA256_SIZE];
        const char *at = scope;
        size_t len = strcspn(at, "/");
        bool made;

        if (secret_key.len > SECRET_MAX)
                return false;
        memcpy(start + strlen(KEY_PREFIX), secret_key.bytes, secret_key.len);
        made = crypto_hmac_sha256(start, strlen(KEY_PREFIX) + secret_key.len, at, len, key);
        while (made && at[len] == '/') {
                at += len + 1;
                len = strcspn(at, "/");
                made = crypto_hmac_sha256(key, sizeof(key), at, len, ret_key);
                memcpy(key, ret_key, sizeof(key));
        }
        secret_wipe(start, sizeof(start));
        secret_wipe(key, sizeof(key));
        return made;
}

bool sigv4_sign(const unsigned char key[SHA256_SIZE], const char *text,
                char ret_hex[SHA256_HEX_SIZE])
{
        unsigned char mac[SHA256_SIZE];

        if (!crypto_hmac_sha256(key, SHA256_SIZE, text, strlen(text), mac))
                return false;
        crypto_hex(mac, sizeof(mac), ret_hex);
        return true;
}
