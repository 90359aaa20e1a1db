/* Lists of uploads in parts that are under way, with prefix and delimiter as those of objects. */
#ifndef CORE_CLOUD_STORAGE_UPLOAD_LIST_H
#define CORE_CLOUD_STORAGE_UPLOAD_LIST_H

#include <stdbool.h>

#include "core/store/store_multiparts.h"

struct upload_query {
        const char *bucket;
        const char *prefix, *delimiter;   /* "": none */
        const char *after_key, *after_id; /* uploads of keys after this one, or of this key after
                                           * this id; "": all */
        unsigned limit;                   /* uploads and common prefixes together */
};

struct upload_visitor {
        void (*upload)(void *arg, const struct multipart *upload);
        void (*prefix)(void *arg, const char *prefix);
        void *arg;
};

struct upload_page {
        bool truncated;
        const char *last_key, *last_id; /* where to go on; "" when there was nothing */
};

/* ERR_NOT_FOUND: no such bucket. */
NODISCARD enum err upload_list(struct ctx *ctx, const struct upload_query *query,
                               const struct upload_visitor *visitor, struct upload_page *ret);

/* Call row for each part of an upload. */
NODISCARD enum err multipart_parts(struct ctx *ctx, const struct part_range *range,
                                   part_row_fn *row, void *arg);

#endif
