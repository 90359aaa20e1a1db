/* The programs that come with PostgreSQL: pg_dump, pg_restore and psql. Private to
 * backup_pgsql.c. */
#ifndef CORE_CLOUD_BACKUP_PGSQL_PROGRAMS_H
#define CORE_CLOUD_BACKUP_PGSQL_PROGRAMS_H

#include "core/base/child.h"

/* The newest one installed, in the arena: pg_dump must not be older than the server.
 * ERR_NOT_READY: there is none; detail says what to install. */
NODISCARD enum err pgsql_program(struct ctx *ctx, const char *name, int64_t server_major,
                                 const char **ret);

/* Where a database is, as a service file in dir that is gone at the end of the scope. */
struct pgsql_place {
        const char *file; /* NULL: none */
};
NODISCARD enum err pgsql_place_make(struct ctx *ctx, const char *dir, const char *url,
                                    struct pgsql_place *ret);
void pgsql_place_clear(struct pgsql_place *place); /* for CLEANUP */

/* Start one, with or without a place; or run it to its end. wanted: as for child_start. */
NODISCARD enum err pgsql_start(struct ctx *ctx, const char *const *argv,
                               const struct pgsql_place *place, int wanted, struct child *ret);
NODISCARD enum err pgsql_run(struct ctx *ctx, const char *const *argv,
                             const struct pgsql_place *place);

/* A psql that takes a script and ends with the first error in it. */
NODISCARD enum err pgsql_psql(struct ctx *ctx, const struct pgsql_place *place, struct child *ret);

#endif
