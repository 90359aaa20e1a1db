/* One FastCGI request, as a front server would send it, to see whether a socket is served.
 * Protocol: FastCGI 1.0. Private to doctor*.c. */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_FASTCGI_H
#define CORE_CLOUD_DOCTOR_DOCTOR_FASTCGI_H

#include "core/base/ctx.h"

/* GET a path over a Unix socket, with headers as CGI variables: name, value, ..., NULL. *ret: what
 * came on standard output, in the arena. ERR_UNAVAILABLE: no connection, or no answer within
 * timeout_ms; detail says which. ERR_NOMEM. */
NODISCARD enum err doctor_fastcgi_get(struct ctx *ctx, const char *socket_path,
                                      const char *const *variables, unsigned timeout_ms,
                                      const char **ret);

#endif
