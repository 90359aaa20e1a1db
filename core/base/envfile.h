/* Files of NAME=VALUE lines, as systemd and shells read them: an "export " in front, comments from
 * '#' at the start of a line, one pair of quotes around a value. Nothing is expanded. */
#ifndef CORE_BASE_ENVFILE_H
#define CORE_BASE_ENVFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"

struct env_line {
        const struct env_line *next;
        const char *name, *value;
        unsigned line; /* its number in the file */
};

struct envfile {
        const char *path;
        const struct env_line *lines; /* in the file's order, NULL if there are none */
};

/* Read path into the arena. *ret is NULL when there is no such file and it is not required.
 * Returns NULL, or what is wrong and where, in the arena. */
NODISCARD const char *envfile_read(struct arena *arena, const char *path, bool required,
                                   const struct envfile **ret);

/* The last line that sets name, NULL if none does. file may be NULL. */
const struct env_line *envfile_find(const struct envfile *file, const char *name);

#endif
