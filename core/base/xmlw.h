/* XML 1.0 text written straight into a buffer. Escapes are its business; nesting is the caller's.
 * Strings should be UTF-8: a byte that is not, and a character that XML cannot carry (most control
 * characters), is written as U+FFFD. Check buf_ok once at the end. */
#ifndef CORE_BASE_XMLW_H
#define CORE_BASE_XMLW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"

/* The first line, and the root's opening tag in a default namespace; NULL: in none. */
void xmlw_document(struct buf *out, const char *root, const char *name_space);

void xmlw_open(struct buf *out, const char *name);
void xmlw_close(struct buf *out, const char *name);

/* One element with a value. */
void xmlw_text(struct buf *out, const char *name, const char *value); /* NULL writes nothing */
void xmlw_int(struct buf *out, const char *name, int64_t value);
void xmlw_bool(struct buf *out, const char *name, bool value);
/* An ISO 8601 time of UTC microseconds, "2024-01-15T10:30:00.000Z"; 0 writes nothing. */
void xmlw_time(struct buf *out, const char *name, int64_t wall_us);

/* Escaped text alone, for within an element or a quoted attribute. */
void xmlw_escaped(struct buf *out, const char *text);

#endif
