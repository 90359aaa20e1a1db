#include "fcgi/request.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/config.h"
#include "core/base/utf8.h"
#include "fcgi/routes.h"

#define HEADER_NAME_MAX 64

static const char *const method_names[METHOD_COUNT] = {
        [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",
        [METHOD_PUT] = "PUT",         [METHOD_PATCH] = "PATCH",   [METHOD_DELETE] = "DELETE",
        [METHOD_OPTIONS] = "OPTIONS", [METHOD_OTHER] = "(other)",
};

const char *method_name(enum method method)
{
        return method_names[method];
}

static enum method parse_method(const char *name)
{
        for (unsigned i = 0; name && i < METHOD_OTHER; i++) {
                if (strcmp(name, method_names[i]) == 0)
                        return (enum method)i;
        }
        return METHOD_OTHER;
}

/* "X-Upload-Token" is the variable HTTP_X_UPLOAD_TOKEN; two have variables without the prefix. */
const char *request_header(const struct request *request, const char *name)
{
        char variable[HEADER_NAME_MAX + 6] = "HTTP_";
        size_t at = 5;

        if (strcasecmp(name, "Content-Type") == 0)
                return transport_param(request->transport, "CONTENT_TYPE");
        if (strcasecmp(name, "Content-Length") == 0)
                return transport_param(request->transport, "CONTENT_LENGTH");
        for (; *name && at < sizeof(variable) - 1; name++)
                variable[at++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
        variable[at] = '\0';
        return transport_param(request->transport, variable);
}

const char *request_header_name(struct ctx *ctx, const struct request *request, size_t index)
{
        for (size_t i = 0;; i++) {
                const char *entry = transport_param_at(request->transport, i);
                char *name;

                if (!entry)
                        return NULL;
                if (strncmp(entry, "HTTP_", 5) != 0 || index-- > 0)
                        continue;
                name = arena_strndup(ctx->arena, entry + 5, strcspn(entry + 5, "="));
                for (char *c = name; c && *c; c++)
                        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
                return name;
        }
}

static enum err read_target(struct ctx *ctx, struct request *request)
{
        const char *target = transport_param(request->transport, "REQUEST_URI");
        const char *mark, *scheme;

        if (!target || !*target)
                return ctx_fail(ctx, ERR_INVALID, "The front server did not pass REQUEST_URI");
        if (strlen(target) > REQUEST_TARGET_MAX)
                return ctx_fail(ctx, ERR_INVALID, "The request target is longer than %zu bytes",
                                REQUEST_TARGET_MAX);
        scheme = strstr(target, "://"); /* absolute form, RFC 9112 3.2.2 */
        if (scheme && *target != '/') {
                target = strchr(scheme + 3, '/');
                target = target ? target : "/";
        }
        if (*target != '/' && strcmp(target, "*") != 0)
                return ctx_fail(ctx, ERR_INVALID, "The request target must be a path");
        mark = strchr(target, '?');
        request->query = mark ? mark + 1 : "";
        request->path = mark ? arena_strndup(ctx->arena, target, (size_t)(mark - target)) : target;
        return request->path ? OK : ctx_nomem(ctx);
}

static enum err read_length(struct ctx *ctx, struct request *request)
{
        const char *text = transport_param(request->transport, "CONTENT_LENGTH");
        char *end;

        request->content_length = -1;
        if (!text || !*text)
                return OK;
        errno = 0;
        request->content_length = strtoll(text, &end, 10);
        if (*end || errno || request->content_length < 0 || !isdigit((unsigned char)*text))
                return ctx_fail(ctx, ERR_INVALID, "Content-Length must be a number of bytes");
        return OK;
}

static enum err read_addresses(struct ctx *ctx, struct request *request)
{
        static const char *const forwarding[] = { "HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED",
                                                  "HTTP_X_REAL_IP", "HTTP_CF_CONNECTING_IP" };
        const char *peer = transport_param(request->transport, "REMOTE_ADDR");
        const char *chain = transport_param(request->transport, forwarding[0]);

        for (size_t i = 0; i < ARRAY_SIZE(forwarding); i++)
                request->forwarded |= transport_param(request->transport, forwarding[i]) != NULL;
        /* A header spelled with _ and one with - arrive as one variable: believe neither. */
        if (chain && transport_param_count(request->transport, forwarding[0]) > 1)
                return ctx_fail(ctx, ERR_INVALID, "X-Forwarded-For is given twice");
        if (peer && !ipaddr_parse_host(peer, strlen(peer), &request->peer))
                request->peer = (struct ipaddr){ 0 };
        request->client = ipnet_client(&request->peer, chain, ctx->config->trusted_proxies,
                                       ctx->config->trusted_proxy_count);
        return OK;
}

enum err request_read_head(struct ctx *ctx, struct transport *transport, struct request *ret)
{
        enum err rc;

        *ret = (struct request){ .transport = transport, .path = "", .query = "" };
        ret->method = parse_method(transport_param(transport, "REQUEST_METHOD"));
        rc = read_addresses(ctx, ret);
        if (rc == OK)
                rc = read_length(ctx, ret);
        if (rc == OK)
                rc = read_target(ctx, ret);
        return rc;
}

static bool is_trusted(const struct ctx *ctx, const struct ipaddr *peer)
{
        for (size_t i = 0; i < ctx->config->trusted_proxy_count; i++) {
                if (ipnet_contains(&ctx->config->trusted_proxies[i], peer))
                        return true;
        }
        return false;
}

bool request_is_tls(const struct ctx *ctx, const struct request *request)
{
        const char *scheme = transport_param(request->transport, "REQUEST_SCHEME");
        const char *https = transport_param(request->transport, "HTTPS");
        const char *forwarded = request_header(request, "X-Forwarded-Proto");

        if ((scheme && strcasecmp(scheme, "https") == 0) || (https && strcasecmp(https, "on") == 0))
                return true;
        return forwarded && strcasecmp(forwarded, "https") == 0 && is_trusted(ctx, &request->peer);
}

const char *request_param(const struct request *request, const char *name)
{
        for (size_t i = 0; i < request->param_count; i++) {
                const struct request_param *param = &request->params[i];

                if (strlen(name) == param->name_len &&
                    strncmp(name, param->name, param->name_len) == 0)
                        return param->value;
        }
        return "";
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err request_decode(struct ctx *ctx, const char *what, const char *text, size_t len,
                        const char **ret)
{
        char *out = arena_alloc(ctx->arena, len + 1);
        size_t at = 0;

        if (!out)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < len; i++) {
                int high, low;

                if (text[i] != '%') {
                        out[at++] = text[i];
                        continue;
                }
                high = len - i > 2 ? hex_value(text[i + 1]) : -1;
                low = len - i > 2 ? hex_value(text[i + 2]) : -1;
                if (high < 0 || low < 0 || high + low == 0)
                        return ctx_fail(ctx, ERR_INVALID, "%s has a bad percent escape", what);
                out[at++] = (char)(high * 16 + low);
                i += 2;
        }
        out[at] = '\0';
        if (!utf8_is_valid(out))
                return ctx_fail(ctx, ERR_INVALID, "%s is not valid UTF-8", what);
        *ret = out;
        return OK;
}

/* The first item of a raw query that has this name, NULL when there is none. */
static const char *find_item(const char *query, const char *name)
{
        size_t name_len = strlen(name);

        for (const char *item = query; *item;) {
                size_t len = strcspn(item, "&");

                if (len >= name_len && strncmp(item, name, name_len) == 0 &&
                    (len == name_len || item[name_len] == '='))
                        return item;
                item += len + (item[len] == '&');
        }
        return NULL;
}

static const char *find_query(const struct request *request, const char *name)
{
        return find_item(request->query, name);
}

bool request_has_query(const struct request *request, const char *name)
{
        return find_query(request, name) != NULL;
}

/* The value of an item that has this name. */
static enum err decode_item(struct ctx *ctx, const char *item, const char *name, const char **ret)
{
        size_t len, skip;
        char *plain;

        len = strcspn(item, "&");
        skip = strlen(name) + (item[strlen(name)] == '=');
        plain = arena_strndup(ctx->arena, item + skip, len - skip);
        if (!plain)
                return ctx_nomem(ctx);
        for (char *c = plain; *c; c++)
                *c = *c == '+' ? ' ' : *c;
        return request_decode(ctx, name, plain, strlen(plain), ret);
}

/* The row that says what name is; a handler whose table lacks it is a mistake of ours. */
static enum err find_row(struct ctx *ctx, const struct request *request, const char *name,
                         const struct query **ret)
{
        const struct operation *operation = request->route->operation;

        *ret = operation_query(operation, name);
        return *ret ? OK
                    : ctx_fail(ctx, ERR_INTERNAL, "%s does not say that it takes %s", operation->id,
                               name);
}

static enum err read_value(struct ctx *ctx, const struct request *request, const char *name,
                           const char **ret)
{
        const char *item = find_query(request, name);

        *ret = NULL;
        return item ? decode_item(ctx, item, name, ret) : OK;
}

enum err request_query(struct ctx *ctx, const struct request *request, const char *name,
                       const char **ret)
{
        const struct query *row;
        enum err rc = find_row(ctx, request, name, &row);

        *ret = NULL;
        return rc == OK ? read_value(ctx, request, name, ret) : rc;
}

enum err request_query_all(struct ctx *ctx, const struct request *request, const char *name,
                           const char *const **ret, size_t *ret_count)
{
        const char *item = request->query;
        size_t max = 1, count = 0;
        const struct query *row;
        const char **all;
        enum err rc = find_row(ctx, request, name, &row);

        for (const char *c = request->query; *c; c++)
                max += *c == '&';
        all = arena_alloc(ctx->arena, max * sizeof(*all));
        if (!all)
                return ctx_nomem(ctx);
        while (rc == OK && (item = find_item(item, name))) {
                rc = decode_item(ctx, item, name, &all[count++]);
                item += strcspn(item, "&");
                item += *item == '&';
        }
        *ret = all;
        *ret_count = count;
        return rc;
}

enum err request_query_int(struct ctx *ctx, const struct request *request, const char *name,
                           int64_t *ret)
{
        const struct query *row;
        const char *text;
        long long value;
        char *end;
        enum err rc;

        rc = find_row(ctx, request, name, &row);
        if (rc == OK)
                rc = read_value(ctx, request, name, &text);
        if (rc != OK || !text)
                return rc;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (end == text || *end || errno || value < row->min || value > row->max)
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must be a number from %" PRId64 " to %" PRId64, name, row->min,
                                row->max);
        *ret = value;
        return OK;
}

enum err request_query_bool(struct ctx *ctx, const struct request *request, const char *name,
                            bool *ret)
{
        const char *text;
        enum err rc = request_query(ctx, request, name, &text);

        if (rc != OK || !text)
                return rc;
        if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
                *ret = true;
        else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
                *ret = false;
        else
                return ctx_fail(ctx, ERR_INVALID, "%s must be true or false", name);
        return OK;
}

size_t request_read(const struct request *request, void *buffer, size_t size)
{
        return transport_read(request->transport, buffer, size);
}

bool request_ended_well(const struct request *request, int64_t bytes_read)
{
        return transport_read_ended_well(request->transport) &&
               (request->content_length < 0 || request->content_length == bytes_read);
}

static void free_buf(void *buf)
{
        buf_done(buf);
}

enum err request_body(struct ctx *ctx, const struct request *request, const char **ret,
                      size_t *ret_len)
{
        struct buf *body = arena_alloc(ctx->arena, sizeof(*body));
        char chunk[8 * KiB];
        size_t n;

        if (!body)
                return ctx_nomem(ctx);
        buf_init(body, request->route->body_max);
        if (!arena_own(ctx->arena, body, free_buf))
                return ctx_nomem(ctx);
        while ((n = request_read(request, chunk, sizeof(chunk))) > 0) {
                if (!buf_add(body, chunk, n))
                        return ctx_fail(ctx, ERR_TOO_LARGE, "The body has more than %zu bytes",
                                        request->route->body_max);
        }
        if (!request_ended_well(request, (int64_t)body->len))
                return ctx_fail(ctx, ERR_INVALID, "The body ended before its announced length");
        *ret = buf_str(body);
        *ret_len = body->len;
        return OK;
}

static bool is_json_type(const char *type)
{
        size_t len = type ? strcspn(type, "; \t") : 0;

        return (len == 16 && strncasecmp(type, "application/json", len) == 0) ||
               (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

static enum err check_type(struct ctx *ctx, const struct request *request)
{
        if (is_json_type(request_header(request, "Content-Type")))
                return OK;
        return ctx_fail(ctx, ERR_UNSUPPORTED_TYPE,
                        "The body must be JSON: send the header Content-Type: application/json");
}

/* Any JSON value, or an object: as they are parsed. */
typedef enum err parse_fn(struct ctx *ctx, const char *what, const char *text, size_t len,
                          json_t **ret);

/* Parse a body into a tree that the arena owns. */
static enum err parse_body(struct ctx *ctx, parse_fn *parse, const char *body, size_t len,
                           json_t **ret)
{
        json_t *json;
        enum err rc;

        rc = parse(ctx, "body", body, len, &json);
        if (rc == OK)
                rc = json_keep(ctx, json);
        if (rc == OK)
                *ret = json;
        return rc;
}

static enum err read_json(struct ctx *ctx, const struct request *request, parse_fn *parse,
                          json_t **ret)
{
        const char *body;
        size_t len;
        enum err rc;

        rc = check_type(ctx, request);
        if (rc == OK)
                rc = request_body(ctx, request, &body, &len);
        return rc == OK ? parse_body(ctx, parse, body, len, ret) : rc;
}

enum err request_json(struct ctx *ctx, const struct request *request, json_t **ret)
{
        return read_json(ctx, request, json_parse_object, ret);
}

enum err request_json_value(struct ctx *ctx, const struct request *request, json_t **ret)
{
        return read_json(ctx, request, json_parse, ret);
}

enum err request_fields_of(struct ctx *ctx, const struct request *request, const json_t *object,
                           void *out)
{
        const struct field_table *table = request->route->operation->body;

        return fields_decode(ctx, table->rows, table->count, object, out);
}

enum err request_fields(struct ctx *ctx, const struct request *request, void *out)
{
        json_t *body;
        enum err rc = request_json(ctx, request, &body);

        return rc == OK ? request_fields_of(ctx, request, body, out) : rc;
}

enum err request_json_or_empty(struct ctx *ctx, const struct request *request, json_t **ret)
{
        const char *body;
        size_t len;
        enum err rc;

        rc = request_body(ctx, request, &body, &len);
        if (rc == OK && len == 0)
                return parse_body(ctx, json_parse_object, "{}", 2, ret);
        if (rc == OK)
                rc = check_type(ctx, request);
        return rc == OK ? parse_body(ctx, json_parse_object, body, len, ret) : rc;
}

enum err request_fields_or_empty(struct ctx *ctx, const struct request *request, void *out)
{
        json_t *body;
        enum err rc = request_json_or_empty(ctx, request, &body);

        return rc == OK ? request_fields_of(ctx, request, body, out) : rc;
}
