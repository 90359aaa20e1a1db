/* Answers in S3's XML: documents, and the one mapping from results to S3's error codes. */
#ifndef FCGI_S3_REPLY_H
#define FCGI_S3_REPLY_H

#include "core/base/xmlw.h"
#include "fcgi/reply.h"

/* Begin an XML body whose root element is open; write to the buffer with xmlw.h. */
struct buf *s3_reply_xml(struct reply *reply, const char *root);
/* Close it. ERR_INTERNAL: the body is too large. */
NODISCARD enum err s3_reply_xml_end(struct ctx *ctx, struct reply *reply, const char *root);

/* Replace the answer by <Error>, with S3's code and the status that belongs to it. */
void s3_reply_error(struct ctx *ctx, struct reply *reply, const struct request *request,
                    enum err rc);
/* S3's code of a result. */
const char *s3_error_code(const struct ctx *ctx, enum err rc);

/* Who has a bucket, an object or an upload, as an element of this name: it is always the service.
 */
void s3_reply_owner(struct buf *out, const char *element);

/* "etag", with quotes, in the arena. */
NODISCARD enum err s3_quote_etag(struct ctx *ctx, const char *etag, const char **ret);

#endif
