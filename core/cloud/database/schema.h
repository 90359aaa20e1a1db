/* The database as an operator sees it: which, where, how large, at what version; and moving it on.
 */
#ifndef CORE_CLOUD_DATABASE_SCHEMA_H
#define CORE_CLOUD_DATABASE_SCHEMA_H

#include "core/base/ctx.h"
#include "core/db/migrate.h"

struct schema_info {
        const char *kind;   /* "sqlite" or "postgresql" */
        const char *path;   /* the SQLite file, else NULL */
        int64_t size_bytes; /* of that file, or of the database; -1: there is none */
        int64_t wal_bytes;  /* of what is not written back to the file yet; PostgreSQL: 0 */
        unsigned version;   /* of the database, 0 when empty */
        unsigned newest;    /* of this program */
};

/* ERR_CONFLICT: the database is newer than this program. Faults. */
NODISCARD enum err schema_info(struct ctx *ctx, struct schema_info *ret);

struct schema_move {
        unsigned from, to, applied;
        const char *copy; /* the database as it was before; NULL: none was made */
};

/* All migrations, applied and pending (migrate_list). */
NODISCARD enum err schema_migrations(struct ctx *ctx, struct migration **ret);

/* Apply what is missing. An existing SQLite database is copied aside first; PostgreSQL has tools of
 * its own for that. As schema_info. */
NODISCARD enum err schema_migrate(struct ctx *ctx, struct schema_move *ret);

#endif
