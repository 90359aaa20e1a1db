/* The upkeep of a database: statements outside transactions on a connection of their own, which
 * also end in time where a single one of them would take long. */
#ifndef CORE_DB_UPKEEP_H
#define CORE_DB_UPKEEP_H

#include "core/db/db.h"

/* A connection that may write on its own. Used as any other (ctx->db), freed by db_free. NULL: out
 * of memory. */
NODISCARD struct db *upkeep_db_new(struct database *database);

/* What is done on it from now on together may last so long; what is not done then fails with
 * ERR_UNAVAILABLE. 0: without limit. Faults. */
NODISCARD enum err upkeep_set_limit(struct ctx *ctx, unsigned limit_ms);

/* Write the database anew without its gaps, and learn its statistics. SQLite: writers wait, and it
 * takes as much room again, in the log and in temporary files; PostgreSQL: nobody waits. Faults. */
NODISCARD enum err upkeep_vacuum(struct ctx *ctx);

#endif
