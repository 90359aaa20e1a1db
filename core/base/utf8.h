/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Bytes of the character at s in a NUL-terminated text: 1 to 4, or 0 when it is not UTF-8. */
size_t utf8_sequence(const char *s);

/* The first text, by bytes, after all that begin with s, which is UTF-8; "" when none is. In the
 * arena; NULL: out of memory. */
char *utf8_after_prefix(struct arena *arena, const char *s);

/* True when a NUL-terminated text is UTF-8 throughout. */
bool utf8_is_valid(const char *s);

#endif
