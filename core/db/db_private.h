/* What a thread's connection and a statement are made of. Private to core/db. */
#ifndef CORE_DB_DB_PRIVATE_H
#define CORE_DB_DB_PRIVATE_H

#include "core/db/database_private.h"
#include "core/db/db.h"
#include "core/db/link.h"

struct db {
        struct database *database;
        struct link link; /* reading; also writing where there is no group */
        bool in_tx;

        int64_t seen;             /* of db_wait: what the driver saw last ... */
        unsigned seen_generation; /* ... on this connection of the link */
};

struct db_stmt {
        struct link *link;
        unsigned generation; /* of the link: a later one means its connection is gone */
        struct link_stmt *prepared;
        int64_t start_us; /* monotonic; 0: it has been stepped, or nobody watches */
};

/* False once the connection it was prepared on is closed, and the statement with it. */
static inline bool db_stmt_is_alive(const struct db_stmt *stmt)
{
        return stmt->generation == stmt->link->generation;
}

#endif
