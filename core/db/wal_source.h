/* A live SQLite database for who keeps a copy of its write-ahead log. A read transaction is held
 * open all the time: while it is, no process can begin the log anew with transactions in it that
 * are not in the copy. SQLite lets the log begin anew only when every frame is in the database
 * file, and puts no frame there that is behind a held transaction; and while a held transaction
 * needs nothing of the log, it puts none there at all. So a log that was begun anew under such a
 * hold had ended where that hold stands.
 *
 * Files are read through the connection, never by opening them: closing a second descriptor would
 * take away the locks of all connections of the process (https://sqlite.org/howtocorrupt.html 2.2).
 * For one thread. */
#ifndef CORE_DB_WAL_SOURCE_H
#define CORE_DB_WAL_SOURCE_H

#include "core/base/ctx.h"
#include "core/db/wal_file.h"

struct wal_source;

/* Connect to the SQLite file at path, which must exist. ERR_NOT_FOUND: there is none.
 * ERR_UNAVAILABLE, ERR_NOMEM. */
NODISCARD enum err wal_source_open(struct ctx *ctx, const char *path, struct wal_source **ret);
void wal_source_close(struct wal_source *source);
DEFINE_CLEANUP(struct wal_source *, wal_source_close)

/* Is this still the file that is at its path? */
bool wal_source_is_in_place(struct wal_source *source);

/* Begin a second read transaction at what is committed now, beside the held one, and say what the
 * log is then or a little later: its frames up to ret->last stay, and are committed.
 * wal_source_keep puts it in the place of the held one; until then, and when it is begun again or
 * given up, the one before is held. ERR_UNAVAILABLE. */
NODISCARD enum err wal_source_begin(struct ctx *ctx, struct wal_source *source,
                                    struct wal_index *ret);
void wal_source_keep(struct wal_source *source);
void wal_source_give_up(struct wal_source *source);
/* The same look without a transaction: what it says may be over. Not before the first begin. */
NODISCARD enum err wal_source_peek(struct ctx *ctx, struct wal_source *source,
                                   struct wal_index *ret);
/* Has a transaction been held without interruption since the first wal_source_keep? */
bool wal_source_is_held(struct wal_source *source);

/* len bytes of the log, or of the database file as it is on the disk. ERR_CONFLICT: it is shorter.
 * ERR_UNAVAILABLE. */
NODISCARD enum err wal_source_read_log(struct ctx *ctx, struct wal_source *source, int64_t at,
                                       void *ret, size_t len);
NODISCARD enum err wal_source_read_file(struct ctx *ctx, struct wal_source *source, int64_t at,
                                        void *ret, size_t len);
NODISCARD enum err wal_source_file_size(struct ctx *ctx, struct wal_source *source, int64_t *ret);

/* Nobody writes between the two. ERR_UNAVAILABLE: others do for too long. */
NODISCARD enum err wal_source_stop_writers(struct ctx *ctx, struct wal_source *source);
void wal_source_let_write(struct wal_source *source);

/* Put what readers allow of the log into the database file. *ret_all: the whole of it, so that the
 * next who writes begins it anew. Not between begin and keep. ERR_UNAVAILABLE. */
NODISCARD enum err wal_source_backfill(struct ctx *ctx, struct wal_source *source, bool *ret_all);

#endif
