/* Numbers in paths. */
#ifndef FCGI_PARAM_ID_H
#define FCGI_PARAM_ID_H

#include "fcgi/request.h"

/* The number of something in the path; what is not a number, is no number of anything. what:
 * "User". ERR_NOT_FOUND. */
NODISCARD enum err param_id(struct ctx *ctx, const struct request *request, const char *name,
                            const char *what, int64_t *ret);

#endif
