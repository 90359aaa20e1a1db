/* Windows of limits as rows of a table of their own, one for each name, with the times of its calls
 * packed into a text: reading and rewriting one row was measured to be twice as fast as a row per
 * call for limits of a hundred calls, and as fast for ten thousand. The table is no part of the
 * migrations, because it may be in a database of its own. All names are of one case and compared
 * byte by byte; times are the server's, for SQLite the host's. */
#ifndef CORE_STORE_STORE_WINDOWS_H
#define CORE_STORE_STORE_WINDOWS_H

#include "core/base/ctx.h"

#define STORE_WINDOW_NAME_MAX 255 /* bytes */

/* The calls of a name, oldest first. */
struct store_window {
        const char *name;      /* in the arena when it was listed, else as it was asked for */
        int64_t now_us;        /* when this was read */
        int64_t expires_at_us; /* when the last call leaves its window */
        size_t call_count;     /* those that have left it included */
        const char *packed;    /* for store_window_time; in the arena */
};

int64_t store_window_time(const struct store_window *window, size_t index);

/* Make the table unless it is there; many may do so at once. Not inside a transaction. Faults. */
NODISCARD enum err store_windows_prepare(struct ctx *ctx);

/* What the name has; one without a row has no calls. ERR_NOMEM, faults. */
NODISCARD enum err store_window_get(struct ctx *ctx, const char *name, struct store_window *ret);
/* The same inside a transaction, and nobody else changes it before that ends. */
NODISCARD enum err store_window_lock(struct ctx *ctx, const char *name, struct store_window *ret);

/* After store_window_lock: drop its first calls and add one that is not older than the last. */
NODISCARD enum err store_window_add(struct ctx *ctx, const char *name, size_t drop, int64_t at_us,
                                    int64_t expires_at_us);
/* Inside a transaction. Faults. */
NODISCARD enum err store_window_remove(struct ctx *ctx, const char *name);

/* Names that have calls and sort after another one, in order, at most max. */
NODISCARD enum err store_windows_list(struct ctx *ctx, const char *after, size_t max,
                                      struct store_window *ret, size_t *ret_count);

/* Inside a transaction: remove at most max rows whose calls have all left their windows. */
NODISCARD enum err store_windows_sweep(struct ctx *ctx, int64_t max, int64_t *ret_removed);

#endif
