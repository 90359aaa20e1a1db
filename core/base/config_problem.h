/* Settings as somebody sees them who looks for what is wrong: all that is, and where it stands. */
#ifndef CORE_BASE_CONFIG_PROBLEM_H
#define CORE_BASE_CONFIG_PROBLEM_H

#include "core/base/config.h"

/* One thing that config_load would stop at, in its words. */
struct config_problem {
        const struct config_problem *next;
        const char *text;
};

/* config_load that goes on: what is wrong is listed in (*ret)->problems, and has its default
 * instead. False: out of memory. */
NODISCARD bool config_load_all(struct config **ret);

/* The env file that was read, NULL: there is none. Borrowed. */
const char *config_file_path(const struct config *config);

/* The n-th variable of the process environment that looks like a setting and is none: it has no
 * effect. NULL past the last. In the arena. */
const char *config_stray_variable(struct arena *arena, size_t n);

#endif
