/* The process's handle of a database: the URL picks the driver (sqlite:///abs/path, postgresql://),
 * and where only one may write, all threads share the writer. Working with it: db.h. */
#ifndef CORE_DB_DATABASE_H
#define CORE_DB_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

struct database;

/* No connection is made yet; url is copied. ERR_INVALID: a URL of no known kind. */
NODISCARD enum err database_open(struct ctx *ctx, const char *url, struct database **ret);

/* A database that is not the service's own. Texts are borrowed until database_open_as returns. */
struct database_use {
        const char *setting;   /* that gave the URL: named when it is wrong */
        bool forgettable;      /* a commit may be lost in a power cut, so that it need not wait */
        const char *ca_bundle; /* mysql: added to nothing else; "": the system's certificates */
        bool ssl_verify;       /* mysql */
        bool existing;         /* sqlite: the file must be there already */
        bool read_only;        /* sqlite: nothing is ever written to it */
};
/* The same for such a database, which may also be mysql:// or mariadb:// in builds that have it.
 * Its threads should not share transactions: every db of it has a writing connection of its own. */
NODISCARD enum err database_open_as(struct ctx *ctx, const char *url,
                                    const struct database_use *use, struct database **ret);
void database_close(struct database *database); /* after every db of it is closed */
DEFINE_CLEANUP(struct database *, database_close)
const char *database_kind(const struct database *database); /* "sqlite", "postgresql", "mysql" */
const char *database_path(const struct database *database); /* the SQLite file, else NULL */

/* For those who measure: called after each statement's first step, each commit and each failure to
 * begin, with how long it took. Before the first db_new. */
enum db_op {
        DB_OP_READ,
        DB_OP_WRITE, /* any statement of a transaction */
        DB_OP_COMMIT,
        DB_OP_COUNT
};
typedef void db_watch_fn(const struct ctx *ctx, enum db_op op, int64_t took_us, enum err rc);
void database_watch(struct database *database, db_watch_fn *watch);

#endif
