/* Lists of objects as S3 knows them: keys with a prefix, and what lies behind a delimiter rolled up
 * into common prefixes. A page costs what is on it, not what was rolled up. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_LIST_H
#define CORE_CLOUD_STORAGE_OBJECT_LIST_H

#include <stdbool.h>

#include "core/store/store_objects.h"

struct object_query {
        const char *bucket;
        const char *prefix;    /* "": all */
        const char *delimiter; /* "": nothing is rolled up */
        const char *after; /* keys after this one; or a common prefix, with all in it. "": all */
        unsigned limit;    /* keys and common prefixes together */
};

/* Called in the order of keys; texts live until they return. */
struct object_visitor {
        void (*object)(void *arg, const struct object *object);
        void (*prefix)(void *arg, const char *prefix);
        void *arg;
};

struct object_page {
        bool truncated;   /* there is more */
        const char *last; /* key or prefix that came last, "" when there was none: the next after */
};

/* ERR_NOT_FOUND: no such bucket. */
NODISCARD enum err object_list(struct ctx *ctx, const struct object_query *query,
                               const struct object_visitor *visitor, struct object_page *ret);

/* The common prefix of a key: up to the first delimiter after prefix, that included. 0: it has
 * none, else its length. */
size_t object_common_prefix(const char *key, const char *prefix, const char *delimiter);

#endif
