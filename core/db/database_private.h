/* What a database handle is made of. Private to core/db. */
#ifndef CORE_DB_DATABASE_PRIVATE_H
#define CORE_DB_DATABASE_PRIVATE_H

#include "core/db/database.h"
#include "core/db/driver.h"

struct database {
        const struct db_driver *driver;
        char *dsn, *ca_bundle;
        struct db_target target; /* of the connections of threads */
        struct group *group;     /* the shared writer; NULL when every connection may write */
        db_watch_fn *watch;      /* NULL: nobody does */
};

#endif
