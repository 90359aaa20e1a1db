/* One open connection with its prepared statements. Private to core/db. */
#ifndef CORE_DB_LINK_H
#define CORE_DB_LINK_H

#include "core/base/ctx.h"
#include "core/db/driver.h"

#define LINK_CACHE_SIZE 256 /* distinct statements kept prepared per connection; power of two */

struct link_stmt {
        const char *sql; /* the key: statements are string constants, compared by address */
        void *native;
        bool busy;   /* being stepped; a second use at the same time gets one of its own */
        bool cached; /* stays prepared after use */
        struct link_stmt *next; /* of those that are not */
};

struct link {
        const struct db_driver *driver;
        struct db_target target;
        int64_t deadline_us;      /* of all that is done on it now; 0: none */
        void *conn;               /* NULL until first use and after a failure */
        unsigned generation;      /* goes up with every close: statements of before are gone */
        struct link_stmt *extras; /* busy statements that have no place in the cache */
        struct link_stmt cache[LINK_CACHE_SIZE];
};

/* Connect unless connected; drops a broken connection first. ERR_UNAVAILABLE. */
NODISCARD enum err link_ready(struct ctx *ctx, struct link *link);
void link_close(struct link *link);
/* See db_set_timeout. */
void link_set_deadline(struct link *link, int64_t deadline_us);

/* A statement ready to bind; give it back with link_release. ERR_UNAVAILABLE, ERR_INTERNAL. */
NODISCARD enum err link_prepare(struct ctx *ctx, struct link *link, const char *sql,
                                struct link_stmt **ret);
/* The same for a text that is no constant: prepared for this use alone. sql outlives it. */
NODISCARD enum err link_prepare_once(struct ctx *ctx, struct link *link, const char *sql,
                                     struct link_stmt **ret);
void link_release(struct link *link, struct link_stmt *stmt);

NODISCARD enum err link_exec(struct ctx *ctx, struct link *link, const char *sql);

/* Put the driver's reason into ctx->detail and return rc: for the log, never for a client. */
NODISCARD enum err link_fail(struct ctx *ctx, struct link *link, enum err rc, const char *what);

#endif
