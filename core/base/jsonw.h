/* JSON text written straight into a buffer: for answers, where building a tree first would cost
 * more than the query did. Commas and escapes are its business; nesting is the caller's.
 * Strings must be UTF-8; a byte that is not is written as U+FFFD. Check buf_ok once at the end. */
#ifndef CORE_BASE_JSONW_H
#define CORE_BASE_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"

struct jsonw {
        struct buf *out; /* borrowed */
        bool comma;      /* the next value needs one before it */
};

static inline struct jsonw jsonw_to(struct buf *out)
{
        return (struct jsonw){ .out = out };
}

/* key is NULL inside arrays and at the top. */
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_array_end(struct jsonw *w);
void jsonw_string(struct jsonw *w, const char *key, const char *value); /* NULL writes null */
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
/* Fixed number of decimals, as JSON number; NaN and infinities write null. */
void jsonw_number(struct jsonw *w, const char *key, double value, int decimals);
/* An ISO time of UTC microseconds; 0 writes null. */
void jsonw_time(struct jsonw *w, const char *key, int64_t wall_us);
/* Text that is JSON already; NULL or "" writes null. The caller vouches for it. */
void jsonw_raw(struct jsonw *w, const char *key, const char *json);

/* One step of escaping, for those who write into memory of their own: how many bytes of s, at
 * least one, come next and what they are inside a JSON string, at most max bytes of it and never
 * half a character. Control characters come out as escapes, so the text is one safe line.
 * 0: s is at its end, or the next character needs more than max. */
struct jsonw_piece {
        const char *text; /* points into s or at escape */
        size_t len;
        char escape[8];
};
size_t jsonw_piece(const char *s, size_t max, struct jsonw_piece *ret);

#endif
