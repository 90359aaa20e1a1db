/* Schema versions. Migrations are the numbered files of migrations/, embedded at build,
 * append-only: all that are missing run in one transaction, and their versions and SHA-256 are
 * recorded in schema_migrations. An empty database is initialised by whoever comes first; an
 * existing one is moved forward only by migrate_run, which the companion calls. */
#ifndef CORE_DB_MIGRATE_H
#define CORE_DB_MIGRATE_H

#include "core/base/ctx.h"

struct migration_file {
        unsigned version;
        const char *name;    /* "0001_jobs" */
        const char *dialect; /* "sqlite", "pgsql", or NULL for both */
        const char *sql;
};

/* Sorted by version; made by core/db/embed-migrations.sh. */
extern const struct migration_file migration_files[];
extern const size_t migration_file_count;

enum migrate_state {
        MIGRATE_EMPTY,   /* no table yet */
        MIGRATE_CURRENT, /* nothing to do */
        MIGRATE_BEHIND,  /* waits for "simpletuner-cloud migrate" */
};

struct migrate_status {
        enum migrate_state state;
        unsigned current; /* version of the database, 0 when empty */
        unsigned newest;  /* version of this program */
};

/* ERR_CONFLICT: the database is newer than this program, or an applied migration has changed;
 * detail says which. Faults. */
NODISCARD enum err migrate_check(struct ctx *ctx, struct migrate_status *ret);

/* Apply every missing migration, one process at a time; others wait and find nothing to do.
 * ret_applied: how many. As migrate_check. */
NODISCARD enum err migrate_run(struct ctx *ctx, unsigned *ret_applied);

/* At start: check, and initialise an empty database. As migrate_check; *ret may be BEHIND. */
NODISCARD enum err migrate_at_start(struct ctx *ctx, struct migrate_status *ret);

/* What happened to each migration of this database, oldest first: *ret is a list in the arena.
 * Faults. */
struct migration {
        struct migration *next;
        unsigned version;
        const char *name;
        int64_t applied_at_us; /* 0: it is not applied yet */
};
NODISCARD enum err migrate_list(struct ctx *ctx, struct migration **ret);

#endif
