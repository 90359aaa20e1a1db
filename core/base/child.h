/* Programs of others, run with fixed arguments and an environment of our making; never a shell.
 * What they say on standard error becomes the reason of a failure. */
#ifndef CORE_BASE_CHILD_H
#define CORE_BASE_CHILD_H

#include <sys/types.h>

#include "core/base/ctx.h"

struct child {
        pid_t pid; /* 0: none */
        const char *name;
        int in_fd, out_fd; /* to its standard input, from its standard output; -1: /dev/null */
        int err_fd;
};
#define CHILD_NONE ((struct child){ .in_fd = -1, .out_fd = -1, .err_fd = -1 })

enum { CHILD_IN = 1, CHILD_OUT = 2 }; /* which of the two are wanted */

/* argv[0] is the program's path; argv and environment end with NULL. ERR_NOT_READY: it cannot be
 * started. */
NODISCARD enum err child_start(struct ctx *ctx, const char *const *argv,
                               const char *const *environment, int wanted, struct child *ret);

/* Write to its standard input; one that has ended is no signal. ERR_UNAVAILABLE. */
NODISCARD enum err child_write(struct ctx *ctx, struct child *child, const void *bytes, size_t len);

/* Close its standard input and wait for its end. ERR_UNAVAILABLE: it failed; detail has its name
 * and the first line that it complained with. */
NODISCARD enum err child_end(struct ctx *ctx, struct child *child);

/* For CLEANUP: end it, when nobody waited for it. */
void child_kill(struct child *child);

#endif
