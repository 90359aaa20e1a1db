#include "core/base/service_url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: a bad escape, a NUL, or out of memory. */
static const char *decode(struct arena *arena, const char *text, size_t len)
{
        char *copy = arena_strndup(arena, text, len), *to = copy;

        for (const char *at = copy; at && *at; at++) {
                if (*at == '%') {
                        int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);

                        if (low < 0 || high * 16 + low == 0)
                                return NULL;
                        *to++ = (char)(high * 16 + low);
                        at += 2;
                } else {
                        *to++ = *at;
                }
        }
        if (to)
                *to = '\0';
        return copy;
}

/* user[:password] */
static bool read_userinfo(struct arena *arena, const char *text, size_t len,
                          struct service_url *url)
{
        const char *colon = memchr(text, ':', len);

        url->user = decode(arena, text, colon ? (size_t)(colon - text) : len);
        if (colon) {
                url->password = decode(arena, colon + 1, (size_t)(text + len - colon - 1));
                if (!url->password)
                        return false;
                if (url->user && !*url->user)
                        url->user = NULL;
                return true;
        }
        return url->user != NULL;
}

static bool read_port(const char *text, const char *end, unsigned *ret)
{
        unsigned port = 0;

        for (; text < end; text++) {
                if (!isdigit((unsigned char)*text))
                        return false;
                port = port * 10 + (unsigned)(*text - '0');
                if (port > 65535)
                        return false;
        }
        *ret = port;
        return port > 0;
}

/* host[:port], [address][:port] or nothing */
static bool read_host(struct arena *arena, const char *text, size_t len, struct service_url *url)
{
        const char *end = text + len, *host_end, *colon;

        if (len > 0 && *text == '[') {
                host_end = memchr(text, ']', len);
                if (!host_end)
                        return false;
                url->host = decode(arena, text + 1, (size_t)(host_end - text - 1));
                colon = host_end + 1;
        } else {
                colon = memchr(text, ':', len);
                host_end = colon ? colon : end;
                url->host = decode(arena, text, (size_t)(host_end - text));
                if (!colon)
                        colon = end;
        }
        if (!url->host)
                return false;
        if (colon == end)
                return true;
        return *colon == ':' && *url->host && read_port(colon + 1, end, &url->port);
}

bool service_url_parse(struct arena *arena, const char *text, struct service_url *ret)
{
        const char *colon = strstr(text, "://");
        struct service_url url = { .path = "", .query = "" };
        const char *authority, *at, *path, *query;

        if (!colon || colon == text || strchr(text, '#'))
                return false;
        authority = colon + 3;
        path = authority + strcspn(authority, "/?");
        query = path + strcspn(path, "?");
        at = memrchr(authority, '@', (size_t)(path - authority));
        url.scheme = decode(arena, text, (size_t)(colon - text));
        url.path = decode(arena, path, (size_t)(query - path));
        if (*query)
                url.query = arena_strdup(arena, query + 1);
        if (!url.scheme || !url.path || !url.query)
                return false;
        if (at && !read_userinfo(arena, authority, (size_t)(at - authority), &url))
                return false;
        authority = at ? at + 1 : authority;
        if (!read_host(arena, authority, (size_t)(path - authority), &url))
                return false;
        *ret = url;
        return true;
}

const char *service_url_option(struct arena *arena, const struct service_url *url, const char *name)
{
        size_t name_len = strlen(name);

        for (const char *at = url->query; *at;) {
                size_t len = strcspn(at, "&");

                if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0)
                        return decode(arena, at + name_len + 1, len - name_len - 1);
                at += len + (at[len] == '&');
        }
        return NULL;
}

static bool is_one_of(const char *text, size_t len, const char *const *names)
{
        for (; *names; names++) {
                if (strlen(*names) == len && strncmp(text, *names, len) == 0)
                        return true;
        }
        return false;
}

bool service_url_has_only(const struct service_url *url, const char *const *names)
{
        for (const char *at = url->query; *at;) {
                size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");

                if (!is_one_of(at, name_len, names))
                        return false;
                at += len + (at[len] == '&');
        }
        return true;
}
