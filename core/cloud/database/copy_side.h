/* One of the two databases of a copy: opened by its URL, which is never shown with a password. */
#ifndef CORE_CLOUD_DATABASE_COPY_SIDE_H
#define CORE_CLOUD_DATABASE_COPY_SIDE_H

#include "core/cloud/database/database_copy.h"

struct copy_side {
        struct ctx ctx;   /* with a connection of its own */
        const char *name; /* for people */
        struct database *database;
        struct ctx writer; /* a second connection; without one in read-only sides */
};

/* Open no connection yet. is_source: it must be there, and is only read; has_to_exist: likewise
 * the first. ERR_INVALID, ERR_NOT_FOUND: there is no such file. */
struct copy_side_use {
        bool is_source, has_to_exist;
};
NODISCARD enum err copy_side_open(struct ctx *ctx, const struct copy_place *place,
                                  struct copy_side_use use, struct copy_side *ret);
void copy_side_close(struct copy_side *side);

/* Carry what failed on a side to ctx, with the name of the side before it. Returns rc. */
NODISCARD enum err copy_side_told(struct ctx *ctx, const struct copy_side *side, enum err rc);

/* Who uses the database (bulk_who_else), "" when nobody does; waits a moment for one that is just
 * going. Before anything else is done with the side. */
NODISCARD enum err copy_side_users(struct copy_side *side, const char **ret);

/* OK: it is a database of this service at the version of this program. Else ERR_NOT_FOUND: empty;
 * ERR_NOT_READY, ERR_CONFLICT: another version. *ret_version: in each case. */
NODISCARD enum err copy_side_check_schema(struct copy_side *side, unsigned *ret_version);

#endif
