/* Sessions as rows. Who shows one is found by store_identity_by_session. */
#ifndef CORE_STORE_STORE_SESSIONS_H
#define CORE_STORE_STORE_SESSIONS_H

#include <stdint.h>

#include "core/base/ctx.h"

struct session {
        const char *session_id; /* what it is called in lists; no credential */
        int64_t user_id;
        int64_t created_at_us, seen_at_us, expires_at_us, lifetime_s;
        const char *client, *user_agent; /* where it began */
};

/* Inside a transaction, as all that write. */
NODISCARD enum err store_session_insert(struct ctx *ctx, const struct session *row,
                                        const char *token_sha256);
/* It was used now, and ends then. */
NODISCARD enum err store_session_seen(struct ctx *ctx, const char *session_id,
                                      int64_t expires_at_us);
/* ERR_NOT_FOUND: the user has no session of this id. */
NODISCARD enum err store_session_delete(struct ctx *ctx, int64_t user_id, const char *session_id);
NODISCARD enum err store_session_delete_by_token(struct ctx *ctx, const char *token_sha256,
                                                 int64_t *ret_deleted);
/* All of a user but keep, which may be NULL. */
NODISCARD enum err store_sessions_delete_all(struct ctx *ctx, int64_t user_id, const char *keep,
                                             int64_t *ret_deleted);
/* At most limit of those that ended before a time. */
NODISCARD enum err store_sessions_prune(struct ctx *ctx, int64_t before_us, unsigned limit,
                                        int64_t *ret_pruned);

/* Call row for each live one of a user, the last used first; texts live until it returns. */
typedef void session_row_fn(void *arg, const struct session *row);
NODISCARD enum err store_sessions_each(struct ctx *ctx, int64_t user_id, session_row_fn *row,
                                       void *arg);

#endif
