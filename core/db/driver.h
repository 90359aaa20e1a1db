/* What a database driver is: one connection, its statements, and no policy. Threads, transactions
 * and reconnecting are db.c's and group.c's business. Used by the files of core/db only. */
#ifndef CORE_DB_DRIVER_H
#define CORE_DB_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/db/value.h"

#define DB_DETAIL_SIZE 512

enum db_mode { DB_READ_ONLY, DB_READ_WRITE };

/* What to connect to, and how. Texts are borrowed. */
struct db_target {
        const char *dsn;
        enum db_mode mode; /* advice for one_writer drivers */
        bool forgettable;  /* commits may be lost in a power cut: they need not wait for disks */
        const char *ca_bundle; /* for drivers whose URL cannot name one; "" or NULL: the system's */
        bool ssl_verify;       /* likewise */
        bool upkeep;           /* one statement may take long: it is to heed stop_at_us too */
        int64_t stop_at_us;    /* of the monotonic clock; 0: never */
        bool existing;         /* never make the file of the database */
};

struct db_driver {
        const char *name;           /* "sqlite", "postgresql" */
        const char *dialect;        /* in the names of migrations: "sqlite", "pgsql" */
        const char *begin;          /* the statement that opens a writing transaction */
        const char *begin_snapshot; /* what opens a reading one, which sees this moment only */
        const char *vacuum;         /* outside transactions; NULL: none */
        const char *find_table;     /* a row when the table named $1 exists */
        bool one_writer; /* all writes of a process go through one connection, in groups */

        /* A failed open leaves its reason in detail. deadline_us: of the monotonic clock, when to
         * give up connecting; 0: the driver's own patience. */
        enum err (*open)(const struct db_target *target, int64_t deadline_us, void **ret_conn,
                         char detail[DB_DETAIL_SIZE]);
        /* From now on what is not done at this time fails with ERR_UNAVAILABLE; 0: as open. */
        void (*set_deadline)(void *conn, int64_t deadline_us);
        void (*close)(void *conn);
        const char *(*message)(void *conn); /* why the last call on this connection failed */
        bool (*broken)(void *conn); /* cannot be used any more; asked outside transactions */

        /* sql has $1.. placeholders, resolved by number. sql outlives the statement. */
        enum err (*prepare)(void *conn, const char *sql, void **ret_stmt);
        enum err (*bind)(void *stmt, unsigned number, const struct db_value *value);
        /* Before the first step: fetch row by row, and nothing else until reset. NULL: as always.
         */
        void (*stream)(void *stmt);
        enum err (*step)(
                void *stmt); /* OK a row | ERR_NOT_FOUND the end | ERR_CONFLICT a constraint */
        enum err (*column)(void *stmt, unsigned index, struct db_value *ret); /* from 0 */
        int64_t (*changes)(void *stmt); /* rows the finished statement wrote */
        void (*reset)(void *stmt);      /* ready to be bound and stepped again */
        void (*finalize)(void *stmt);

        enum err (*exec)(void *conn, const char *sql); /* BEGIN, COMMIT, migrations */
        /* Feed bytes to a "COPY ... FROM STDIN"; NULL where there is no such thing. */
        enum err (*load)(void *conn, const char *sql, const char *bytes, size_t len);
        /* Hold name until the transaction ends: one at a time over all processes and hosts. */
        enum err (*lock)(void *conn, const char *name);
        /* When this transaction is committed, end the waits of all processes and hosts. Nothing to
         * do where wait sees each commit. */
        enum err (*notify)(void *conn);
        /* Outside transactions: return when *seen is no longer what this connection sees, at most
         * after timeout_ms, and update it; 0 is what no connection ever sees. */
        enum err (*wait)(void *conn, unsigned timeout_ms, int64_t *seen);
};

extern const struct db_driver db_sqlite, db_pgsql;
extern const struct db_driver db_mysql; /* WITH_MYSQL; no lock, notify and wait: ERR_UNSUPPORTED */

#endif
