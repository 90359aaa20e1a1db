/* A growing byte buffer with a named maximum. Owns its bytes; always NUL-terminated past len.
 * An append that would pass the maximum changes nothing and makes the buffer refuse from then on,
 * so a chain of appends may be checked once at its end with buf_ok. */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/scope.h"

struct buf {
        char *data; /* NULL while empty; NUL-terminated otherwise */
        size_t len, cap, max;
        bool failed;
};

/* Start empty; max counts bytes without the NUL. */
void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf); /* frees the bytes; a zeroed struct is fine too */

/* Forget the contents, keep the memory. */
void buf_reset(struct buf *buf);

/* Append. False: out of memory, or max passed; buf_ok stays false from then on. */
bool buf_add(struct buf *buf, const void *bytes, size_t len);
bool buf_puts(struct buf *buf, const char *s);
bool buf_put_int(struct buf *buf, int64_t value); /* decimal, without printf's cost */
bool buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);

/* Room for len more bytes, to be written by the caller and then taken. NULL: as for a failed
 * append. */
char *buf_room(struct buf *buf, size_t len);
static inline void buf_took(struct buf *buf, size_t len)
{
        buf->len += len;
        buf->data[buf->len] = '\0';
}

static inline bool buf_putc(struct buf *buf, char c)
{
        if (buf->failed || buf->len == buf->max || buf->len + 1 >= buf->cap)
                return buf_add(buf, &c, 1);
        buf->data[buf->len++] = c;
        buf->data[buf->len] = '\0';
        return true;
}

static inline bool buf_ok(const struct buf *buf)
{
        return !buf->failed;
}

/* The contents as a string; "" while empty. Borrowed. */
static inline const char *buf_str(const struct buf *buf)
{
        return buf->data ? buf->data : "";
}

#endif
