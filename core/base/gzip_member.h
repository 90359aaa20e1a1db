/* A file of gzip members (RFC 1952), one appended after the other, each with a note in its extra
 * field and its own length beside it: who looks for a note does not unpack what is before it, and
 * what was cut off in the middle is seen. gzip and zcat read the file as one stream. */
#ifndef CORE_BASE_GZIP_MEMBER_H
#define CORE_BASE_GZIP_MEMBER_H

#include <stdint.h>

#include "core/base/ctx.h"

#define GZIP_NOTE_MAX 256 /* bytes */

struct gzip_member; /* one that is being written */

/* Begin a member at the end of what is good: fd is borrowed, at is where. note_len: how long its
 * note will be. ERR_NOMEM, ERR_NO_SPACE, ERR_UNAVAILABLE. */
NODISCARD enum err gzip_member_new(struct ctx *ctx, int fd, int64_t at, size_t note_len,
                                   struct gzip_member **ret);
void gzip_member_free(struct gzip_member *member);
DEFINE_CLEANUP(struct gzip_member *, gzip_member_free)
/* ERR_NO_SPACE, ERR_UNAVAILABLE; after a failure it is good for nothing. */
NODISCARD enum err gzip_member_add(struct ctx *ctx, struct gzip_member *member, const void *bytes,
                                   size_t len);
/* Write what is left and the note. Not synced. ret_end: where the next may begin. As above. */
NODISCARD enum err gzip_member_end(struct ctx *ctx, struct gzip_member *member, const void *note,
                                   int64_t *ret_end);

/* Read the note of the member at at, ret->len bytes, into ret->bytes, and where it ends.
 * ERR_NOT_FOUND: the file ends here. ERR_CONFLICT: it is no such member, or is cut off.
 * ERR_UNAVAILABLE. */
struct gzip_note {
        void *bytes; /* the caller's */
        size_t len;
        int64_t end; /* of the member */
};
NODISCARD enum err gzip_member_note(struct ctx *ctx, int fd, int64_t at, struct gzip_note *ret);

/* Unpack the member at at, piece by piece into sink, which may refuse. ERR_CONFLICT: damaged.
 * ERR_NOMEM, ERR_UNAVAILABLE, and what sink returned. */
typedef enum err gzip_sink_fn(struct ctx *ctx, void *arg, const void *bytes, size_t len);
NODISCARD enum err gzip_member_read(struct ctx *ctx, int fd, int64_t at, gzip_sink_fn *sink,
                                    void *arg);

#endif
