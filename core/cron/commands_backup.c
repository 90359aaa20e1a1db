/* The companion's commands about backups. */
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option backup_options[] = {
        { "--name", "NAME", OPTION_WORD, INTO(name), 0, NULL,
          "a word to go into its id" },
        { "--description", "TEXT", OPTION_WORD, INTO(description), 0, NULL,
          "what it is for" },
        { "--output", "DIRECTORY", OPTION_WORD, INTO(output), 0, NULL,
          "where to make it, instead of SIMPLETUNER_BACKUP_DIR; there it is not listed or pruned" },
        { "--with-config", "", OPTION_FLAG, INTO(with_config), 0, NULL,
          "keys and configuration too, encrypted with SIMPLETUNER_BACKUP_PASSPHRASE" },
        { 0 },
};

static const struct command_option backups_options[] = {
        { "--limit", "N", OPTION_COUNT, INTO(limit), 10000, NULL,
          "at most so many (default 50)" },
        { 0 },
};

static const struct command_option restore_options[] = {
        { "--dry-run", "", OPTION_FLAG, INTO(dry_run), 0, NULL,
          "do all but the last step, and change nothing" },
        { "--to", "TIME", OPTION_WORD, INTO(to), 0, NULL,
          "the database of that moment, 2026-01-15T10:30:00Z, or latest; SQLite" },
        { "--rehearse", "", OPTION_FLAG, INTO(rehearse), 0, NULL,
          "restore into a database that is thrown away" },
        { "--with-config", "", OPTION_FLAG, INTO(with_config), 0, NULL,
          "keys and configuration too; stop the service before" },
        { "--config-only", "", OPTION_FLAG, INTO(config_only), 0, NULL,
          "those alone" },
        { "--restart-audit", "", OPTION_FLAG, INTO(restart_audit), 0, NULL,
          "the backup's audit log is of a key that is lost: begin a new chain" },
        { "--no-safety", "", OPTION_FLAG, INTO(no_safety), 0, NULL,
          "do not back the present database up first" },
        { 0 },
};

const struct command commands_backup[] = {
        { "backup", NULL, backup_options, cmd_backup, false, "make a backup of the database",
          "Writes a consistent, checked and packed copy below SIMPLETUNER_BACKUP_DIR while the service\n"
          "works, with a manifest of what is in it. It appears when it is complete, or not at all." },
        { "backups", NULL, backups_options, cmd_backups, false, "which backups there are",
          "Newest first: id, time, size, jobs, schema version; then the times that restore --to can go\n"
          "back to." },
        { "verify", "BACKUP", NULL, cmd_verify, false, "is a backup good?",
          "BACKUP is an id, a backup's directory, or a file in one. Compares hashes, unpacks it and\n"
          "checks the database in it. Exits with 65 when something is wrong." },
        { "restore", "[BACKUP]", restore_options, cmd_restore, false, "put a backup back",
          "BACKUP is as for verify; a dry run or a rehearsal of none is of the newest. Verifies it,\n"
          "backs up the present database as \"before_restore\", and puts the backup in its place in\n"
          "one step while the service runs. An older schema is brought to this program's. With --to it\n"
          "is made of the kept log instead, up to the last look before that time." },
        { 0 },
};
/* clang-format on */
