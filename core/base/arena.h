/* Request memory: everything a request or task allocates lives until the arena is reset.
 * Not for long-lived state and not thread safe: one arena per thread.
 * With sanitizers every allocation is a malloc of its own, so that overruns are seen. */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/scope.h"

struct arena;

/* NULL when memory is out. Free with arena_free. */
NODISCARD struct arena *arena_new(void);
void arena_free(struct arena *arena);
DEFINE_CLEANUP(struct arena *, arena_free)

/* Give back everything allocated since arena_new; keeps one block for the next request. */
void arena_reset(struct arena *arena);

/* size bytes, zeroed, aligned for any type. NULL when memory is out (or by failure injection). */
NODISCARD void *arena_alloc(struct arena *arena, size_t size);

/* A NUL-terminated copy. NULL when memory is out. */
NODISCARD char *arena_strdup(struct arena *arena, const char *s);
NODISCARD char *arena_strndup(struct arena *arena, const char *s, size_t len);
NODISCARD char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3);

/* Hand over something that is not arena memory: done(p) runs when the arena is reset or freed, last
 * handed over first. False: out of memory, and done(p) has run already. */
NODISCARD bool arena_own(struct arena *arena, void *p, void (*done)(void *p));

/* Test only: make the n-th allocation from now fail, once; 0 switches it off. */
void arena_fail_after(struct arena *arena, unsigned n);

#endif
