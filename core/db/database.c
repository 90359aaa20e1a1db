#include "core/db/database.h"

#include <stdlib.h>
#include <string.h>

#include "core/db/database_private.h"
#include "core/db/group.h"

/* NULL: no such kind. Where another use than the service's is told, MySQL is one. */
static const struct db_driver *driver_of(const char *url, const struct database_use *use)
{
        if (strncmp(url, "sqlite:///", 10) == 0)
                return &db_sqlite;
        if (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0)
                return &db_pgsql;
#ifdef WITH_MYSQL
        if (use && (strncmp(url, "mysql://", 8) == 0 || strncmp(url, "mariadb://", 10) == 0))
                return &db_mysql;
#endif
        (void)use;
        return NULL;
}

/* False: out of memory. */
static bool copy_texts(struct database *database, const char *url, const struct database_use *use)
{
        static const char sqlite_prefix[] = "sqlite://";

        if (database->driver == &db_sqlite)
                url += sizeof(sqlite_prefix) - 1;
        database->dsn = strdup(url);
        database->ca_bundle = strdup(use && use->ca_bundle ? use->ca_bundle : "");
        return database->dsn && database->ca_bundle;
}

static enum err open_database(struct ctx *ctx, const char *url, const struct database_use *use,
                              struct database **ret)
{
        CLEANUP(database_closep) struct database *database = calloc(1, sizeof(*database));

        if (!database)
                return ctx_nomem(ctx);
        database->driver = driver_of(url, use);
        if (!database->driver)
                return ctx_fail(ctx, ERR_INVALID,
                                "%s must be sqlite:///absolute/path or "
                                "postgresql://user@host/name",
                                use ? use->setting : "SIMPLETUNER_DATABASE_URL");
        if (!copy_texts(database, url, use))
                return ctx_nomem(ctx);
        database->target = (struct db_target){
                .dsn = database->dsn,
                .mode = use && use->read_only ? DB_READ_ONLY : DB_READ_WRITE,
                .existing = use && use->existing,
                .forgettable = use && use->forgettable,
                .ca_bundle = database->ca_bundle,
                .ssl_verify = !use || use->ssl_verify,
        };
        if (database->driver->one_writer && !use) {
                database->group = group_new(database->driver, &database->target);
                if (!database->group)
                        return ctx_nomem(ctx);
                database->target.mode = DB_READ_ONLY;
        }
        *ret = TAKE(database);
        return OK;
}

enum err database_open(struct ctx *ctx, const char *url, struct database **ret)
{
        return open_database(ctx, url, NULL, ret);
}

enum err database_open_as(struct ctx *ctx, const char *url, const struct database_use *use,
                          struct database **ret)
{
        return open_database(ctx, url, use, ret);
}

void database_close(struct database *database)
{
        if (!database)
                return;
        group_free(database->group);
        free(database->dsn);
        free(database->ca_bundle);
        free(database);
}

const char *database_kind(const struct database *database)
{
        return database->driver->name;
}

const char *database_path(const struct database *database)
{
        return database->driver == &db_sqlite ? database->dsn : NULL;
}

void database_watch(struct database *database, db_watch_fn *watch)
{
        database->watch = watch;
}
