/* The companion's commands about the database. */
#include "core/cron/command.h"

/* clang-format off */
const struct command commands_database[] = {
        { "migrate", NULL, NULL, cmd_migrate, false, "bring the database to this program's schema",
          "Applies what is missing, in one transaction. An existing SQLite database is copied aside\n"
          "first; for PostgreSQL take a pg_dump yourself. Running it twice does no harm." },
        { "info", NULL, NULL, cmd_info, true, "where everything is, and what is in it",
          "Shows version, home, database, schema version, jobs and the state of every part." },
        { 0 },
};
/* clang-format on */
