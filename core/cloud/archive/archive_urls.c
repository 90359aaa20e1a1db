#include "core/cloud/archive/archive_urls.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/ipnet.h"
#include "core/base/utf8.h"

#define URL_MAX        4096
#define NAME_MAX_BYTES 200

/* ---- parts of a URL ---- */

struct origin {
        size_t scheme_len;
        const char *host; /* with its brackets, if it has some */
        size_t host_len;
        const char *port;
        size_t port_len;
        const char *path; /* past all that */
};

/* False: not a URL that every parser reads alike. */
static bool read_origin(const char *url, struct origin *ret)
{
        const char *scheme_end = strstr(url, "://");
        const char *host, *colon;
        size_t len;

        for (const unsigned char *at = (const unsigned char *)url; *at; at++) {
                if (*at <= ' ' || *at >= 0x7f || *at == '\\')
                        return false;
        }
        if (!scheme_end || strlen(url) > URL_MAX)
                return false;
        host = scheme_end + 3;
        len = strcspn(host, "/?#");
        if (len == 0 || memchr(host, '@', len))
                return false;
        colon = memrchr(host, ':', len);
        if (colon && memchr(colon, ']', len - (size_t)(colon - host)))
                colon = NULL; /* inside an IPv6 address */
        ret->scheme_len = (size_t)(scheme_end - url);
        ret->host = host;
        ret->host_len = colon ? (size_t)(colon - host) : len;
        ret->port = colon ? colon + 1 : host + len;
        ret->port_len = colon ? len - ret->host_len - 1 : 0;
        ret->path = host + len;
        return ret->host_len > 0;
}

static bool equal_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
        return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static void fill_in_port(const char *url, struct origin *origin)
{
        if (origin->port_len > 0)
                return;
        origin->port = equal_text(url, origin->scheme_len, "https", 5) ? "443" : "80";
        origin->port_len = strlen(origin->port);
}

bool archive_url_same_origin(const char *url, const char *base)
{
        struct origin a, b;

        if (!read_origin(url, &a) || !read_origin(base, &b))
                return false;
        fill_in_port(url, &a);
        fill_in_port(base, &b);
        return equal_text(url, a.scheme_len, base, b.scheme_len) &&
               equal_text(a.host, a.host_len, b.host, b.host_len) &&
               equal_text(a.port, a.port_len, b.port, b.port_len);
}

bool archive_url_looks_public(const char *url)
{
        struct origin origin;
        struct ipaddr address;
        const char *dot;

        if (strncmp(url, "https://", 8) != 0 || !read_origin(url, &origin))
                return false;
        if (ipaddr_parse(origin.host, origin.host_len, &address))
                return ipaddr_is_public(&address);
        /* Every way to write an IPv4 address as a name ends with a number. */
        dot = memrchr(origin.host, '.', origin.host_len);
        return dot && dot > origin.host && dot + 1 < origin.host + origin.host_len &&
               isalpha((unsigned char)dot[1]);
}

/* ---- names ---- */

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo %XX in a text; what comes of it is no longer than it was. */
static void percent_decode(const char *text, char *ret)
{
        for (; *text; text++) {
                int high = *text == '%' ? hex_digit(text[1]) : -1;
                int low = high >= 0 ? hex_digit(text[2]) : -1;

                if (low < 0) {
                        *ret++ = *text;
                } else {
                        *ret++ = (char)(high << 4 | low);
                        text += 2;
                }
        }
        *ret = '\0';
}

/* What no file should be called becomes "_"; of a long name the end stays, with the extension. */
static const char *tame(char *name)
{
        bool is_utf8 = utf8_is_valid(name);
        size_t len = strlen(name);

        for (char *at = name; *at; at++) {
                unsigned char c = (unsigned char)*at;

                if (c < ' ' || c == 0x7f || c == '/' || c == '\\' || (c >= 0x80 && !is_utf8))
                        *at = '_';
        }
        if (len > NAME_MAX_BYTES)
                name += len - NAME_MAX_BYTES;
        while (((unsigned char)*name & 0xc0) == 0x80)
                name++; /* the middle of a character */
        if (*name == '.')
                *name = '_';
        return *name ? name : "output";
}

static bool is_taken(const struct archive_urls *urls, const char *key)
{
        for (size_t i = 0; i < urls->count; i++) {
                if (strcmp(urls->items[i].key, key) == 0)
                        return true;
        }
        return false;
}

/* A key for the URL whose part before the query is bare. */
static enum err name_object(struct ctx *ctx, const struct archive_urls *urls, const char *bare,
                            const char **ret)
{
        struct origin origin;
        const char *path = read_origin(bare, &origin) ? origin.path : "";
        const char *slash = strrchr(path, '/');
        const char *end = slash ? slash + 1 : path;
        char *decoded = arena_alloc(ctx->arena, strlen(end) + 1);
        const char *name, *key;

        if (!decoded)
                return ctx_nomem(ctx);
        percent_decode(end, decoded);
        name = tame(decoded);
        key = arena_printf(ctx->arena, ARCHIVE_OUTPUTS "%s", name);
        for (unsigned n = 2; key && is_taken(urls, key); n++)
                key = arena_printf(ctx->arena, ARCHIVE_OUTPUTS "%u-%s", n, name);
        if (!key)
                return ctx_nomem(ctx);
        *ret = key;
        return OK;
}

/* ---- the output ---- */

static bool is_url(const char *text)
{
        return text && (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0);
}

static enum err add_url(struct ctx *ctx, const char *url, struct archive_urls *urls)
{
        struct archive_url *item = &urls->items[urls->count];
        enum err rc;

        for (size_t i = 0; i < urls->count; i++) {
                if (strcmp(urls->items[i].url, url) == 0)
                        return OK;
        }
        if (urls->count == ARCHIVE_FILES_MAX) {
                urls->left_out++;
                return OK;
        }
        item->url = url;
        item->bare = arena_strndup(ctx->arena, url, strcspn(url, "?#"));
        if (!item->bare)
                return ctx_nomem(ctx);
        rc = name_object(ctx, urls, item->bare, &item->key);
        if (rc == OK)
                urls->count++;
        return rc;
}

/* As deep as the parser of JSON let it be. */
static enum err walk(struct ctx *ctx, const json_t *value, struct archive_urls *urls)
{
        enum err rc = OK;
        const char *name;
        json_t *item;
        size_t i;

        if (is_url(json_string_value(value)))
                return add_url(ctx, json_string_value(value), urls);
        json_array_foreach (value, i, item) {
                rc = walk(ctx, item, urls);
                if (rc != OK)
                        return rc;
        }
        json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
                rc = walk(ctx, item, urls);
                if (rc != OK)
                        return rc;
        }
        return rc;
}

enum err archive_urls_collect(struct ctx *ctx, const json_t *output, struct archive_urls *ret)
{
        ret->count = ret->left_out = 0;
        return walk(ctx, output, ret);
}
