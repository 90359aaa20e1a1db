/* How far a training says it is, read from the end of its log. */
#ifndef CORE_CLOUD_JOB_PROGRESS_H
#define CORE_CLOUD_JOB_PROGRESS_H

#include "core/base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_LINE_CHARS 80
#define PROGRESS_LINE_SIZE  (4 * PROGRESS_LINE_CHARS + 1)

struct progress {
        const char *stage;             /* "Training", "Saving checkpoint" ...; a constant */
        char line[PROGRESS_LINE_SIZE]; /* the last line that is not blank, cut to 80 characters */
        int64_t permille;              /* of "step N/M" or "epoch N/M"; -1: not said */
};

/* Only the last 50 lines are looked at, however long the log is; a carriage return ends a line as
 * well, since progress bars are written so. False: there is nothing but blanks in it. */
bool progress_read(const char *logs, struct progress *ret);

#endif
