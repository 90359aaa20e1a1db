/* The companion's commands about the database. */
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option recover_options[] = {
        { "--from", "FILE", OPTION_WORD, INTO(from), 0, NULL,
          "the damaged file (default: that of SIMPLETUNER_DATABASE_URL)" },
        { "--output", "FILE", OPTION_WORD, INTO(output), 0, NULL,
          "the new file (default: recovered-TIME.db in SIMPLETUNER_HOME)" },
        { 0 },
};

const struct command commands_database[] = {
        { "migrate", NULL, NULL, cmd_migrate, false, "bring the database to this program's schema",
          "Applies what is missing, in one transaction. An existing SQLite database is copied aside\n"
          "first; for PostgreSQL take a pg_dump yourself. Running it twice does no harm." },
        { "db recover", NULL, recover_options, cmd_db_recover, false,
          "save what is left of a damaged SQLite file",
          "Reads the file and its write-ahead log page by page, whatever is damaged in them, and makes a\n"
          "new database of the rows that are left; then checks it, and says what was lost. The damaged\n"
          "file is not touched. Stop the service before. Exits with 65 when not everything was saved." },
        { "info", NULL, NULL, cmd_info, true, "where everything is, and what is in it",
          "Shows version, home, database, schema version, jobs and the state of every part." },
        { 0 },
};
/* clang-format on */
