/* The bytes of an object or of a part on their way in: hashed while they are written, checked
 * against what the sender said of them, and made durable. Either in a temporary file, which at last
 * is given its name; or in an S3 store, where they go as they come when their number is known, and
 * by way of a temporary file when it is not. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_BODY_H
#define CORE_CLOUD_STORAGE_OBJECT_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/checksum.h"
#include "core/base/ctx.h"

struct object_body;
struct remote_target;

struct object_body_intent {
        const char *bucket_directory;       /* the file lies in the same file system */
        const struct remote_target *remote; /* in the S3 store; NULL: a file */
        const char *resume_key; /* go on with what an earlier body of this key left; NULL: new */
        int64_t size;           /* bytes to come; -1: not said */
        enum checksum_kind checksum; /* beside MD5 and SHA-256 */
};

/* What the sender says the bytes are. NULL: nothing. */
struct object_expect {
        const char *md5, *sha256; /* hex, lower case */
        const char *checksum;     /* base64, of the intent's kind */
};

struct object_sums {
        int64_t size_bytes;
        const char *md5, *sha256; /* hex */
        const char *checksum;     /* base64; "" when no kind was wanted */
        const char *remote_etag;  /* the S3 store's; NULL: it gave none, or it is a file */
};

/* ERR_INVALID: XAmzContentSHA256Mismatch, BadDigest. */
NODISCARD enum err object_expect_check(struct ctx *ctx, const struct object_expect *expect,
                                       const struct object_sums *sums);

/* ERR_TOO_LARGE. ERR_NO_SPACE: the disk would fall below its floor. ERR_CONFLICT: another process
 * resumes it. ERR_UNAVAILABLE. */
NODISCARD enum err object_body_begin(struct ctx *ctx, const struct object_body_intent *intent,
                                     struct object_body **ret);
/* Unlinks what was not placed, unless keep leaves it to the sweep or to who resumes it. */
void object_body_free(struct object_body *body, bool keep);

/* Is something of it in the S3 store already, or may be? */
bool object_body_is_remote(const struct object_body *body);
/* A name no other body has. Borrowed. */
const char *object_body_id(const struct object_body *body);
/* Of one that resumes: the bytes that are there, and throw them away. */
int64_t object_body_size(const struct object_body *body);
NODISCARD enum err object_body_restart(struct ctx *ctx, struct object_body *body);
/* Will so many bytes in all be taken? ERR_TOO_LARGE, ERR_NO_SPACE. */
NODISCARD enum err object_body_expect(struct ctx *ctx, const struct object_body *body,
                                      int64_t total);

/* ERR_TOO_LARGE, ERR_NO_SPACE, ERR_UNAVAILABLE. */
NODISCARD enum err object_body_write(struct ctx *ctx, struct object_body *body, const void *bytes,
                                     size_t len);
/* Append bytes of another file without hashing them and, where the file system can, without reading
 * them: they have been hashed before. The sums of such a body mean nothing. The same errors. */
NODISCARD enum err object_body_append(struct ctx *ctx, struct object_body *body, int fd,
                                      int64_t size);

/* All bytes are there: are they what they should be? expect may be NULL. Those of another store are
 * there then. ERR_INVALID: they are others (BadDigest, XAmzContentSHA256Mismatch). Faults. */
NODISCARD enum err object_body_end(struct ctx *ctx, struct object_body *body,
                                   const struct object_expect *expect, struct object_sums *ret);

/* Of a file: make it durable, and the name in dir that it was given before; -1: none.
 * ERR_UNAVAILABLE, ERR_NO_SPACE. */
NODISCARD enum err object_body_sync(struct ctx *ctx, const struct object_body *body, int dir,
                                    int64_t *ret_mtime_ns);
/* Give it its name, replacing what is there. ERR_CONFLICT: a directory is. ERR_NOT_FOUND: the
 * directory was removed meanwhile. */
NODISCARD enum err object_body_place(struct ctx *ctx, struct object_body *body, int dir,
                                     const char *leaf);
/* The same where nothing has the name yet. ERR_CONFLICT: something has, or it is one that may be
 * resumed, which keeps its own until the rows are written. */
NODISCARD enum err object_body_place_new(struct ctx *ctx, struct object_body *body, int dir,
                                         const char *leaf);
/* Is it this file that has the name? */
bool object_body_is_at(const struct object_body *body, int dir, const char *leaf);

#endif
