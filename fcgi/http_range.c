#include "fcgi/http_range.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* A number of digits only. *at moves behind it. False: there is none. */
static bool read_number(const char **at, int64_t *ret)
{
        char *end;

        if (!isdigit((unsigned char)**at))
                return false;
        errno = 0;
        *ret = strtoll(*at, &end, 10);
        if (errno)
                *ret = INT64_MAX;
        *at = end;
        return true;
}

/* "0-99", "100-", "-100". False: it is none of these. ret->size is 0 when nothing is in it. */
static bool read_one(const char **at, int64_t size, struct file_piece *ret)
{
        int64_t first, last;

        if (**at == '-') {
                (*at)++;
                if (!read_number(at, &last))
                        return false;
                last = last < size ? last : size;
                *ret = (struct file_piece){ size - last, last };
                return true;
        }
        if (!read_number(at, &first) || *(*at)++ != '-')
                return false;
        if (!isdigit((unsigned char)**at))
                last = INT64_MAX;
        else if (!read_number(at, &last) || last < first)
                return false;
        last = last < size ? last : size - 1;
        *ret = first < size ? (struct file_piece){ first, last - first + 1 }
                            : (struct file_piece){ 0, 0 };
        return true;
}

/* False: not a list of ranges that we follow. */
static bool read_all(const char *at, int64_t size, struct http_ranges *ret, bool *ret_any)
{
        for (;;) {
                struct file_piece piece;

                at += strspn(at, " \t");
                if (!read_one(&at, size, &piece))
                        return false;
                if (piece.size > 0) {
                        if (ret->count == HTTP_RANGES_MAX)
                                return false;
                        ret->pieces[ret->count++] = piece;
                }
                *ret_any = true;
                at += strspn(at, " \t");
                if (!*at)
                        return true;
                if (*at++ != ',')
                        return false;
        }
}

enum err http_ranges_read(struct ctx *ctx, const char *header, int64_t size,
                          struct http_ranges *ret)
{
        struct http_ranges ranges = { .count = 0 };
        bool any = false;

        if (!header || strncasecmp(header, "bytes=", 6) != 0 ||
            !read_all(header + 6, size, &ranges, &any))
                ranges.count = 0;
        else if (any && ranges.count == 0)
                return ctx_fail_as(ctx, ERR_RANGE, "InvalidRange",
                                   "The requested range is not satisfiable");
        *ret = ranges;
        return OK;
}

/* Is the tag, without quotes, one of a list like "a", W/"b" or *? Lists without quotes are common.
 */
static bool lists_etag(const char *list, const char *etag)
{
        size_t len = strlen(etag);

        while (*list) {
                size_t item;

                list += strspn(list, " \t,");
                if (strncmp(list, "W/", 2) == 0)
                        list += 2;
                list += *list == '"';
                item = strcspn(list, "\", ");
                if ((item == len && strncmp(list, etag, len) == 0) || (item == 1 && *list == '*'))
                        return true;
                list += item;
                list += *list == '"';
        }
        return false;
}

bool http_time_read(const char *text, int64_t *ret_s)
{
        static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
                                             "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y" };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct tm tm = { 0 };
                const char *end = strptime(text, forms[i], &tm);

                if (end && !*end) {
                        *ret_s = timegm(&tm);
                        return true;
                }
        }
        return false;
}

bool http_range_holds(const struct request *request, const struct http_entity *entity)
{
        const char *text = request_header(request, "If-Range");
        int64_t time_s;

        if (!text)
                return true;
        if (http_time_read(text, &time_s))
                return time_s == entity->modified_at_us / US_PER_S;
        return strncmp(text, "W/", 2) != 0 && lists_etag(text, entity->etag);
}

static const char *condition(struct ctx *ctx, const struct request *request, const char *prefix,
                             const char *name)
{
        const char *full = arena_printf(ctx->arena, "%s%s", prefix, name);

        return full ? request_header(request, full) : NULL;
}

enum err http_conditions_check(struct ctx *ctx, const struct request *request, const char *prefix,
                               const struct http_entity *entity, bool *ret_not_modified)
{
        const char *match = condition(ctx, request, prefix, "If-Match");
        const char *none = condition(ctx, request, prefix, "If-None-Match");
        const char *since = condition(ctx, request, prefix, "If-Modified-Since");
        const char *until = condition(ctx, request, prefix, "If-Unmodified-Since");
        int64_t modified_s = entity->modified_at_us / US_PER_S, time_s;
        bool failed = false, not_modified = false;

        if (match)
                failed = !lists_etag(match, entity->etag);
        else if (until && http_time_read(until, &time_s))
                failed = modified_s > time_s;
        if (none)
                not_modified = lists_etag(none, entity->etag);
        else if (since && http_time_read(since, &time_s))
                not_modified = modified_s <= time_s;
        if (failed)
                return ctx_fail_as(ctx, ERR_PRECONDITION, "PreconditionFailed",
                                   "At least one of the pre-conditions you specified did not hold");
        *ret_not_modified = not_modified;
        return OK;
}
