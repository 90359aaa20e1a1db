#include "fcgi/s3_headers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/utf8.h"
#include "fcgi/http_range.h"
#include "fcgi/s3.h"

#define METADATA_MAX       (2 * KiB) /* bytes of names and values, as S3 */
#define METADATA_COUNT_MAX 64        /* Python reads answers of at most 100 headers */
#define TAGS_MAX           10
#define TAG_NAME_MAX       128 /* characters */
#define TAG_VALUE_MAX      256

static const char meta_prefix[] = "x-amz-meta-";

static const char *const standard_headers[] = { "cache-control", "content-disposition",
                                                "content-language", "expires" };

/* Old clients send ISO 8859-1, whose bytes are its code points. */
static const char *to_utf8(struct ctx *ctx, const char *text)
{
        size_t at = 0;
        char *out;

        if (utf8_is_valid(text))
                return text;
        out = arena_alloc(ctx->arena, 2 * strlen(text) + 1);
        for (const unsigned char *c = (const unsigned char *)text; out && *c; c++) {
                if (*c >= 0x80)
                        out[at++] = (char)(0xC0 | *c >> 6);
                out[at++] = (char)(*c < 0x80 ? *c : 0x80 | (*c & 0x3F));
        }
        if (out)
                out[at] = '\0';
        return out;
}

static enum err set(struct ctx *ctx, json_t *json, const char *name, const char *value)
{
        const char *text = to_utf8(ctx, value);

        if (!text || json_object_set_new(json, name, json_string(text)) != 0)
                return ctx_nomem(ctx);
        return OK;
}

/* CGI cannot tell "_" from "-" in a name; the list of signed headers can. */
static const char *spelled_as_signed(struct ctx *ctx, const struct request *request,
                                     const char *name)
{
        size_t len = strlen(name);
        const char *list = request->signature ? request->signature->sigv4.signed_headers : "";

        for (const char *item = list; *item;) {
                size_t item_len = strcspn(item, ";"), i = 0;

                while (i < len && item_len == len &&
                       (item[i] == name[i] || (item[i] == '_' && name[i] == '-')))
                        i++;
                if (i == len && item_len == len)
                        return arena_strndup(ctx->arena, item, len);
                item += item_len + (item[item_len] == ';');
        }
        return name;
}

static enum err check_metadata_size(struct ctx *ctx, const json_t *json, size_t bytes)
{
        if (bytes > METADATA_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "MetadataTooLarge",
                                   "Your metadata headers exceed the maximum allowed metadata size "
                                   "of %zu bytes",
                                   METADATA_MAX);
        if (json_object_size(json) > METADATA_COUNT_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "MetadataTooLarge",
                                   "An object has at most %d metadata headers", METADATA_COUNT_MAX);
        return OK;
}

static bool is_user_metadata(const char *name)
{
        return strncmp(name, meta_prefix, sizeof(meta_prefix) - 1) == 0;
}

/* Front servers drop headers without a value; the list of signed headers still has their names. */
static enum err add_empty_metadata(struct ctx *ctx, const struct request *request, json_t *json)
{
        const char *list = request->signature ? request->signature->sigv4.signed_headers : "";
        enum err rc = OK;

        while (rc == OK && *list) {
                size_t len = strcspn(list, ";");
                const char *name = arena_strndup(ctx->arena, list, len);

                if (!name)
                        return ctx_nomem(ctx);
                if (is_user_metadata(name) && !request_header(request, name))
                        rc = set(ctx, json, name, "");
                list += len + (list[len] == ';');
        }
        return rc;
}

static enum err read_user_metadata(struct ctx *ctx, const struct request *request, json_t *json)
{
        const char *name;
        size_t bytes = 0;
        enum err rc = add_empty_metadata(ctx, request, json);

        for (size_t i = 0; rc == OK && (name = request_header_name(ctx, request, i)); i++) {
                const char *value;

                if (!is_user_metadata(name))
                        continue;
                value = request_header(request, name);
                bytes += strlen(name) - (sizeof(meta_prefix) - 1) + strlen(value);
                name = spelled_as_signed(ctx, request, name);
                rc = name ? set(ctx, json, name, value) : ctx_nomem(ctx);
                if (rc == OK)
                        rc = check_metadata_size(ctx, json, bytes);
        }
        return rc == OK ? check_metadata_size(ctx, json, bytes) : rc;
}

/* aws-chunked is of the way here, not of the object. */
static enum err read_encoding(struct ctx *ctx, const struct request *request, json_t *json)
{
        const char *value = request_header(request, "Content-Encoding");
        const char *kept = "";

        while (value && *value) {
                size_t len = strcspn(value, ","), end = len;

                while (end > 0 && value[end - 1] == ' ')
                        end--;
                if (end > 0 && (end != 11 || strncasecmp(value, "aws-chunked", end) != 0))
                        kept = arena_printf(ctx->arena, "%s%s%.*s", kept, *kept ? "," : "",
                                            (int)end, value);
                if (!kept)
                        return ctx_nomem(ctx);
                value += len;
                value += strspn(value, ", ");
        }
        return *kept ? set(ctx, json, "content-encoding", kept) : OK;
}

enum err s3_read_metadata(struct ctx *ctx, const struct request *request, const char **ret_json)
{
        CLEANUP(json_decrefp) json_t *json = json_object();
        enum err rc;

        if (!json)
                return ctx_nomem(ctx);
        rc = read_user_metadata(ctx, request, json);
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(standard_headers); i++) {
                const char *value = request_header(request, standard_headers[i]);

                if (value)
                        rc = set(ctx, json, standard_headers[i], value);
        }
        if (rc == OK)
                rc = read_encoding(ctx, request, json);
        return rc == OK ? json_text(ctx, json, ret_json) : rc;
}

static size_t characters(const char *text)
{
        size_t count = 0;

        for (; *text; text++)
                count += ((unsigned char)*text & 0xC0) != 0x80;
        return count;
}

enum err s3_tag_add(struct ctx *ctx, json_t *tags, const char *name, const char *value)
{
        if (!*name || characters(name) > TAG_NAME_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidTag",
                                   "The TagKey you have provided is invalid: it has 1 to %d "
                                   "characters",
                                   TAG_NAME_MAX);
        if (characters(value) > TAG_VALUE_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidTag",
                                   "The TagValue you have provided is invalid: it has at most %d "
                                   "characters",
                                   TAG_VALUE_MAX);
        if (json_object_get(tags, name))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidTag",
                                   "Cannot provide multiple Tags with the same key");
        if (json_object_size(tags) == TAGS_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidTag",
                                   "Object tags cannot be greater than %d", TAGS_MAX);
        return json_object_set_new(tags, name, json_string(value)) == 0 ? OK : ctx_nomem(ctx);
}

/* "name=value" of a form: "+" is a space. */
static enum err decode_form(struct ctx *ctx, const char *text, size_t len, const char **ret)
{
        char *plain = arena_strndup(ctx->arena, text, len);

        if (!plain)
                return ctx_nomem(ctx);
        for (char *c = plain; *c; c++)
                *c = *c == '+' ? ' ' : *c;
        return request_decode(ctx, "x-amz-tagging", plain, len, ret);
}

enum err s3_read_tagging(struct ctx *ctx, const struct request *request, const char **ret_json)
{
        CLEANUP(json_decrefp) json_t *tags = json_object();
        const char *text = request_header(request, "X-Amz-Tagging");
        enum err rc = tags ? OK : ctx_nomem(ctx);

        while (rc == OK && text && *text) {
                size_t len = strcspn(text, "&"), name_len = strcspn(text, "=&");
                size_t skip = name_len + (name_len < len);
                const char *name, *value;

                rc = decode_form(ctx, text, name_len, &name);
                if (rc == OK)
                        rc = decode_form(ctx, text + skip, len - skip, &value);
                if (rc == OK)
                        rc = s3_tag_add(ctx, tags, name, value);
                text += len + (text[len] == '&');
        }
        return rc == OK ? json_text(ctx, tags, ret_json) : rc;
}

static enum err parse_stored(struct ctx *ctx, const char *text, json_t **ret)
{
        enum err rc = json_parse_object(ctx, "metadata", text, strlen(text), ret);

        return rc == OK ? json_keep(ctx, *ret) : rc;
}

static enum err write_metadata(struct ctx *ctx, const struct object *object, struct reply *reply)
{
        json_t *json, *value;
        const char *name;
        enum err rc;

        if (strcmp(object->metadata, "{}") == 0)
                return OK;
        rc = parse_stored(ctx, object->metadata, &json);
        if (rc != OK)
                return rc;
        json_object_foreach (json, name, value)
                reply_header(reply, name, json_string_value(value));
        return OK;
}

static enum err write_tag_count(struct ctx *ctx, const struct object *object, struct reply *reply)
{
        const char *count;
        json_t *tags;
        enum err rc;

        if (strcmp(object->tags, "{}") == 0)
                return OK;
        rc = parse_stored(ctx, object->tags, &tags);
        if (rc != OK)
                return rc;
        count = arena_printf(ctx->arena, "%zu", json_object_size(tags));
        if (!count)
                return ctx_nomem(ctx);
        reply_header(reply, "x-amz-tagging-count", count);
        return OK;
}

enum err s3_write_checksum(struct ctx *ctx, const struct object *object, struct reply *reply)
{
        char *name;

        if (!object->checksum_kind || !*object->checksum_kind)
                return OK;
        name = arena_printf(ctx->arena, "x-amz-checksum-%s", object->checksum_kind);
        if (!name)
                return ctx_nomem(ctx);
        for (char *c = name; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        reply_header(reply, name, object->checksum);
        reply_header(reply, "x-amz-checksum-type",
                     strchr(object->checksum, '-') ? "COMPOSITE" : "FULL_OBJECT");
        return OK;
}

/* That of the whole does not belong to a piece of it. */
static bool wants_checksum(const struct request *request)
{
        const char *mode = request_header(request, "X-Amz-Checksum-Mode");

        if (request_header(request, "Range") || request_has_query(request, "partNumber"))
                return false;
        return (mode && strcasecmp(mode, "ENABLED") == 0) ||
               request_has_query(request, "x-amz-checksum-mode");
}

enum err s3_write_headers(struct ctx *ctx, const struct request *request,
                          const struct object *object, struct reply *reply)
{
        char *modified = arena_alloc(ctx->arena, CLOCK_HTTP_SIZE);
        const char *etag = arena_printf(ctx->arena, "\"%s\"", object->etag);
        enum err rc;

        if (!modified || !etag)
                return ctx_nomem(ctx);
        clock_format_http(object->modified_at_us, modified);
        reply->content_type = object->content_type;
        reply_header(reply, "ETag", etag);
        reply_header(reply, "Last-Modified", modified);
        reply_header(reply, "Accept-Ranges", "bytes");
        rc = write_metadata(ctx, object, reply);
        if (rc == OK)
                rc = write_tag_count(ctx, object, reply);
        if (rc == OK && wants_checksum(request))
                rc = s3_write_checksum(ctx, object, reply);
        return rc;
}

static const char *etag_of(struct ctx *ctx, const char *text)
{
        const char *etag;

        text += *text == '"';
        etag = arena_strndup(ctx->arena, text, strcspn(text, "\""));
        return etag ? etag : ""; /* which no object has */
}

struct object_condition s3_read_condition(struct ctx *ctx, const struct request *request)
{
        const char *none = request_header(request, "If-None-Match");
        const char *match = request_header(request, "If-Match");
        struct object_condition only = { .if_absent = none && strcmp(none, "*") == 0 };

        if (none && !only.if_absent)
                only.if_none_match = etag_of(ctx, none);
        if (match)
                only.if_match = etag_of(ctx, match);
        return only;
}

enum err s3_condition(struct ctx *ctx, const struct s3_condition_texts *texts,
                      struct object_condition *ret)
{
        struct object_condition only = { .if_size = texts->size, .if_modified = texts->modified };
        char *end;

        if (texts->etag)
                only.if_match = etag_of(ctx, texts->etag);
        if (texts->size) {
                only.size_bytes = strtoll(texts->size, &end, 10);
                if (end == texts->size || *end || only.size_bytes < 0)
                        return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                           "The size to match must be a number of bytes");
        }
        if (texts->modified && !http_time_read(texts->modified, &only.modified_s))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "The time to match must be a date of HTTP");
        *ret = only;
        return OK;
}
