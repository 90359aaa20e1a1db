/* How programs of PostgreSQL are told where the database is, password and all: in a service file
 * (libpq, "The Connection Service File") that only we may read, never as an argument. */
#ifndef CORE_DB_PGSQL_SERVICE_H
#define CORE_DB_PGSQL_SERVICE_H

#include "core/base/ctx.h"

/* The text of the file for url, with the service name; what the URL leaves open comes from the
 * environment, as for our own connections. In the arena. ERR_INVALID: the URL is none. */
NODISCARD enum err pgsql_service_text(struct ctx *ctx, const char *url, const char *service,
                                      const char **ret);

/* url with another database's name. In the arena; NULL: out of memory. */
const char *pgsql_url_for(struct ctx *ctx, const char *url, const char *database);

#endif
