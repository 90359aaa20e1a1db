/* Numbers that stand in a path. */
#ifndef FCGI_PATH_ID_H
#define FCGI_PATH_ID_H

#include "fcgi/request.h"

/* The parameter name of the path as the number of a thing, from 1. ERR_NOT_FOUND, as of one that
 * there is not: "Quota not found: abc". */
NODISCARD enum err path_id(struct ctx *ctx, const struct request *request, const char *name,
                           const char *thing, int64_t *ret);

#endif
