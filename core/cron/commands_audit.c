/* The companion's commands about the audit log. */
#include "core/cloud/audit/audit_format.h"
#include "core/cron/command.h"

static bool is_export_format(const char *word)
{
        enum audit_format format;

        return audit_format_parse(word, &format);
}

/* clang-format off */
static const struct command_option verify_options[] = {
        { "--offline", "FILE", OPTION_WORD, INTO(offline), 0, NULL,
          "an export in JSON lines instead of the database; - is standard input" },
        { "--start", "ID", OPTION_COUNT, INTO(start_id), INT64_MAX, NULL,
          "from this entry on (default: the first)" },
        { "--end", "ID", OPTION_COUNT, INTO(end_id), INT64_MAX, NULL,
          "up to this entry (default: the newest)" },
        { 0 },
};

static const struct command_option export_options[] = {
        { "--format", "FORMAT", OPTION_WORD, INTO(format), 0, is_export_format,
          "json (lines, with all hashes; the default), csv or cef" },
        { "--since", "TIME", OPTION_WORD, INTO(since), 0, NULL,
          "entries from this time on: 2024-01-15T10:30:00Z" },
        { "--until", "TIME", OPTION_WORD, INTO(until), 0, NULL,
          "entries up to this time" },
        { 0 },
};

const struct command commands_audit[] = {
        { "audit verify", NULL, verify_options, cmd_audit_verify, false,
          "is the audit log what was written?",
          "Hashes every entry anew and compares it with the one before, with the signed head of the\n"
          "log, and with the note of it in SIMPLETUNER_HOME/audit.head, which it then brings up to\n"
          "date. A line for each entry that is wrong: hash_mismatch, link_mismatch, missing,\n"
          "inserted, head_mismatch, anchor_mismatch or head_behind. Exits with 0 when all is well,\n"
          "with 65 when not. Safe to run while the service works." },
        { "audit export", NULL, export_options, cmd_audit_export, true, "write the audit log out",
          "Oldest first, to standard output. JSON lines can be verified without the database, with\n"
          "\"audit verify --offline\"." },
        { "audit restart", NULL, NULL, cmd_audit_restart, true,
          "begin a new chain after a lost key or a broken log",
          "Nothing is written to a log whose head is not signed with the audit key. When the key is\n"
          "lost for good, or after a broken log was looked into, this lets the log go on: entries\n"
          "up to now count as without a hash, and an entry says so." },
        { 0 },
};
/* clang-format on */
