/* Holding a SQLite file while another is put in its place. Whoever closes its last connection takes
 * its log away by name, and that name may be the new file's by then: not while somebody else has a
 * lock on it. By SQLite, as in sqlite_copy.h; the file need be no database. */
#ifndef CORE_DB_SQLITE_HOLD_H
#define CORE_DB_SQLITE_HOLD_H

#include "core/base/ctx.h"

struct sqlite_hold;

/* Hold the file at path, which goes on to be read and written by others. ERR_UNAVAILABLE: there is
 * none, or others have it for themselves for a minute. ERR_NOMEM. */
NODISCARD enum err sqlite_hold_begin(struct ctx *ctx, const char *path, struct sqlite_hold **ret);
void sqlite_hold_end(struct sqlite_hold *hold);
DEFINE_CLEANUP(struct sqlite_hold *, sqlite_hold_end)

#endif
