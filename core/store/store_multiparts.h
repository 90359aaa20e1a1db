/* Uploads in parts, as rows: what was announced, and the parts that have arrived. */
#ifndef CORE_STORE_STORE_MULTIPARTS_H
#define CORE_STORE_STORE_MULTIPARTS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct multipart {
        const char *upload_id;
        const char *bucket, *key;
        const char *content_type, *metadata, *tags; /* of the object to be */
        const char *checksum_kind;                  /* "" when none was announced */
        const char *checksum_type;                  /* "COMPOSITE", "FULL_OBJECT" or "" */
        int64_t started_at_us, touched_at_us;       /* touched: by the last part */
        const char *remote, *remote_id; /* the S3 store's URL and upload id; NULL or "": files */
        const char *completed_etag;     /* NULL: it is under way */
        int64_t part_bytes;             /* of the parts that have arrived; read only */
};

struct part {
        int64_t number;
        const char *file; /* its name in the upload's directory; in an S3 store: its ETag there */
        int64_t size_bytes;
        const char *etag;     /* MD5 in hex */
        const char *checksum; /* base64 of the upload's kind, "" when it has none */
        int64_t modified_at_us;
};

/* Inside a transaction. */
NODISCARD enum err store_multipart_insert(struct ctx *ctx, const struct multipart *upload);
/* Also one that is finished. ERR_NOT_FOUND: there is none of this id. */
NODISCARD enum err store_multipart_get(struct ctx *ctx, const char *upload_id,
                                       struct multipart *ret);
/* Inside a transaction: the parts go, the row remembers the object's ETag. ERR_NOT_FOUND: it is not
 * under way any more. */
NODISCARD enum err store_multipart_complete(struct ctx *ctx, const char *upload_id,
                                            const char *etag);
/* Inside a transaction: upload and parts are forgotten. ERR_NOT_FOUND: it is gone, or has been
 * completed since it was read. */
NODISCARD enum err store_multipart_delete(struct ctx *ctx, const struct multipart *upload);

/* Inside a transaction: write or replace a part; *ret_old_file: the file that the part had before,
 * NULL: none. ERR_NOT_FOUND: the upload is not under way. */
NODISCARD enum err store_part_put(struct ctx *ctx, const char *upload_id, const struct part *part,
                                  const char **ret_old_file);
/* Call row for each part after a number, in order; texts live until it returns. */
typedef void part_row_fn(void *arg, const struct part *part);
struct part_range {
        const char *upload_id;
        int64_t after;
        unsigned limit;
};
NODISCARD enum err store_parts_each(struct ctx *ctx, const struct part_range *range,
                                    part_row_fn *row, void *arg);

/* Uploads under way whose key is from first on and before end, by key and then by id; of the key
 * after_key only those after after_id. */
struct multipart_range {
        const char *bucket;
        const char *first, *end; /* NULL or "": no bound */
        const char *after_key, *after_id;
        unsigned limit;
};
typedef bool multipart_row_fn(void *arg, const struct multipart *upload);
NODISCARD enum err store_multiparts_each(struct ctx *ctx, const struct multipart_range *range,
                                         multipart_row_fn *row, void *arg);

/* The upload that was touched longest ago, of those not touched since before_us: finished or not.
 * ERR_NOT_FOUND: none. */
NODISCARD enum err store_multipart_stale(struct ctx *ctx, int64_t before_us, struct multipart *ret);
/* All of them. */
NODISCARD enum err store_multiparts_stale_each(struct ctx *ctx, int64_t before_us,
                                               multipart_row_fn *row, void *arg);

#endif
