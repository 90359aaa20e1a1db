/* What all lists of S3 have in common: prefix, delimiter, a limit, the encoding of keys, and tokens
 * to go on from. */
#ifndef FCGI_S3_LIST_H
#define FCGI_S3_LIST_H

#include "core/base/buf.h"
#include "fcgi/request.h"

struct s3_list_frame {
        const char *prefix, *delimiter; /* "": not given */
        unsigned limit;                 /* 0 to 1000 */
        bool encode;                    /* encoding-type=url */
};

/* limit_name: "max-keys". ERR_INVALID: InvalidArgument. */
NODISCARD enum err s3_list_read(struct ctx *ctx, const struct request *request,
                                const char *limit_name, struct s3_list_frame *ret);
/* Repeat it in an answer; limit_element: "MaxKeys". */
void s3_list_write(struct buf *out, const char *limit_element, const struct s3_list_frame *frame);

/* An element with a key, percent-encoded if so. */
void s3_list_key(struct buf *out, const char *element, const char *key, bool encode);

/* A query parameter; "" when it is not there. ERR_INVALID: badly encoded. */
NODISCARD enum err s3_list_text(struct ctx *ctx, const struct request *request, const char *name,
                                const char **ret);

/* Keys as tokens, which clients take for opaque. ERR_INVALID: InvalidArgument. */
NODISCARD enum err s3_list_make_token(struct ctx *ctx, const char *key, const char **ret);
NODISCARD enum err s3_list_open_token(struct ctx *ctx, const char *token, const char **ret_key);

#endif
