/* Memory that all processes of one user and one home on a host share: a named POSIX segment. It
 * holds what may be lost, such as windows of limits and counters; what must not be lost is in the
 * database. The last process that closes it takes it away. */
#ifndef CORE_BASE_SHARED_MEMORY_H
#define CORE_BASE_SHARED_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/scope.h"

struct shared_memory;

/* What a segment is: of one kind and layout. */
struct shared_layout {
        const char *kind;  /* "limits": a word of letters */
        const char *owner; /* who shares it: the home directory */
        unsigned version;  /* of the layout: other versions have segments of their own */
        size_t size;       /* bytes, reserved at once, so that touching them cannot fail later */
        /* Make a segment of zeros ready, before anybody else sees it. */
        void (*init)(void *memory, size_t size);
};

/* Attach to the segment, making it when nobody has it. False, errno says why: no room, or no
 * right; *ret is untouched. */
NODISCARD bool shared_memory_open(const struct shared_layout *layout, struct shared_memory **ret);
void shared_memory_close(struct shared_memory *shared); /* NULL is fine */
DEFINE_CLEANUP(struct shared_memory *, shared_memory_close)

/* Its bytes, aligned to a page. */
void *shared_memory_bytes(const struct shared_memory *shared);

/* A lock inside a segment, for init to make ready. */
void shared_mutex_init(pthread_mutex_t *mutex);
/* True: whoever held it died, and what it guards may be half done: make that whole again. */
NODISCARD bool shared_mutex_lock(pthread_mutex_t *mutex);
void shared_mutex_unlock(pthread_mutex_t *mutex);

#endif
