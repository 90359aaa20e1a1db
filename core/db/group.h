/* Group commit: the one writing connection that all threads of a process share (SQLite).
 * Transactions run one after the other, each in a savepoint of one open database transaction; the
 * last one with nobody waiting behind it commits for all, with a single fsync. A member is told
 * of success only after that commit, so what it acknowledges is durable; if the commit fails, every
 * member fails. Private to core/db. */
#ifndef CORE_DB_GROUP_H
#define CORE_DB_GROUP_H

#include "core/db/link.h"

struct group;

/* NULL: out of memory. */
NODISCARD struct group *group_new(const struct db_driver *driver, const struct db_target *target);
void group_free(struct group *group);

/* Wait for the turn and open a member transaction. OK: the caller owns the writing connection
 * until group_commit or group_rollback. ERR_UNAVAILABLE. */
NODISCARD enum err group_begin(struct ctx *ctx, struct group *group);
struct link *group_link(struct group *group);

/* End the member transaction; returns when it is durable. ERR_UNAVAILABLE: nothing was written. */
NODISCARD enum err group_commit(struct ctx *ctx, struct group *group);
void group_rollback(struct ctx *ctx, struct group *group);

#endif
