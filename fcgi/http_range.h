/* Range and the conditions of GET and HEAD: RFC 9110 13 and 14. */
#ifndef FCGI_HTTP_RANGE_H
#define FCGI_HTTP_RANGE_H

#include "fcgi/reply.h"

#define HTTP_RANGES_MAX 32

struct http_ranges {
        size_t count; /* 0: all of it */
        struct file_piece pieces[HTTP_RANGES_MAX];
};

/* What a "bytes=" header means for so many bytes. Another unit, bad syntax, or more ranges than the
 * maximum: the whole, as RFC 9110 14.2 allows. ERR_RANGE: InvalidRange, none of them is in it. */
NODISCARD enum err http_ranges_read(struct ctx *ctx, const char *header, int64_t size,
                                    struct http_ranges *ret);

/* "Mon, 15 Jan 2024 10:30:00 GMT", and the two older forms of RFC 9110 5.6.7. */
bool http_time_read(const char *text, int64_t *ret_s);

/* If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since of a request, or with a prefix
 * as "X-Amz-Copy-Source-", for what has this ETag (without quotes) and time. *ret_not_modified:
 * 304. ERR_PRECONDITION. ERR_NOMEM. */
struct http_entity {
        const char *etag;
        int64_t modified_at_us;
};
NODISCARD enum err http_conditions_check(struct ctx *ctx, const struct request *request,
                                         const char *prefix, const struct http_entity *entity,
                                         bool *ret_not_modified);

/* Is Range to be followed, as far as If-Range has a say? */
bool http_range_holds(const struct request *request, const struct http_entity *entity);

#endif
