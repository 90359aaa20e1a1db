/* The companion's commands about the database. */
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option copy_options[] = {
        { "--from", "URL", OPTION_WORD, INTO(from), 0, NULL,
          "the database to read; default: the service's own" },
        { "--from-env", "NAME", OPTION_WORD, INTO(from_env), 0, NULL,
          "the variable that has its URL, with the password" },
        { "--to", "URL", OPTION_WORD, INTO(to), 0, NULL, "the database to write" },
        { "--to-env", "NAME", OPTION_WORD, INTO(to_env), 0, NULL,
          "the variable that has its URL, with the password" },
        { "--dry-run", "", OPTION_FLAG, INTO(dry_run), 0, NULL,
          "read the source and look at the destination, write nothing" },
        { "--verify-only", "", OPTION_FLAG, INTO(verify_only), 0, NULL,
          "compare the two row by row, write nothing" },
        { "--online", "", OPTION_FLAG, INTO(online), 0, NULL,
          "begin while the service works; the same without it does the rest" },
        { 0 },
};

const struct command commands_database[] = {
        { "migrate", NULL, NULL, cmd_migrate, false, "bring the database to this program's schema",
          "Applies what is missing, in one transaction. An existing SQLite database is copied aside\n"
          "first; for PostgreSQL take a pg_dump yourself. Running it twice does no harm." },
        { "info", NULL, NULL, cmd_info, true, "where everything is, and what is in it",
          "Shows version, home, database, schema version, jobs and the state of every part." },
        { "db check", NULL, NULL, cmd_db_check, true, "is the database sound?",
          "SQLite: every page, index and reference of the file; PostgreSQL: every value of every table\n"
          "is read, and all indexes and constraints must be valid. A line for each finding. Exits with\n"
          "65 when there is one. Safe to run while the service works." },
        { "db vacuum", NULL, NULL, cmd_db_vacuum, true, "write the database anew, without gaps",
          "SQLite: writers wait meanwhile, some seconds for a gigabyte, and twice the size of the file\n"
          "must be free on its disk. PostgreSQL: nobody waits. Noted in the audit log." },
        { "db stats", NULL, NULL, cmd_db_stats, true, "how large the database and its tables are",
          "A line for each table: rows, and on PostgreSQL its size with indexes; then the whole." },
        { "copy", NULL, copy_options, cmd_copy, false, "move everything to another database",
          "Copies every row to a database of another kind (sqlite:///absolute/path or\n"
          "postgresql://user@host/name) or of the same, and compares all of them. The destination must\n"
          "be empty; no program uses it before the copy is finished. One that was stopped goes on when\n"
          "it is started again. Files are not in the database: the storage stays where it is, and the\n"
          "keys in SIMPLETUNER_HOME are needed with the copy too. Exits with 65 when rows differ, or\n"
          "when a database is in use or not empty." },
        { 0 },
};
/* clang-format on */
