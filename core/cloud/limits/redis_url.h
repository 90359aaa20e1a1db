/* Where a Redis is: redis://[user:password@]host[:port][/db], rediss:// for TLS, and
 * unix:///path?db=number or redis+unix:///path?db=number. A lone user is a password, as Redis had
 * it before there were users. */
#ifndef CORE_CLOUD_LIMITS_REDIS_URL_H
#define CORE_CLOUD_LIMITS_REDIS_URL_H

#include "core/base/config.h"
#include "core/cloud/http/http_socket.h"

struct redis_place {
        struct http_socket_target target;
        const char *user, *password; /* NULL: not given */
        const char *database;        /* a number */
};

/* STATE_BACKEND_URL and what the other STATE_BACKEND_REDIS_ settings add; texts are in the arena or
 * the configuration's. ERR_INVALID: it is none of the above. */
NODISCARD enum err redis_url_read(struct ctx *ctx, struct arena *arena, struct redis_place *ret);

#endif
