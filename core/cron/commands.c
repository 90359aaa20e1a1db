/* THE command table of the companion. */
#include "core/cloud/api_key.h"
#include "core/cloud/audit_format.h"
#include "core/cloud/job.h"
#include "core/cloud/s3_credential.h"
#include "core/cron/command.h"
#include "core/cron/tasks.h"

#define DAY_S (24 * 3600)

static bool is_task(const char *word)
{
        return task_find(word) != NULL;
}

static bool is_status(const char *word)
{
        enum job_status status;

        return job_status_parse(word, &status);
}

static bool is_export_format(const char *word)
{
        enum audit_format format;

        return audit_format_parse(word, &format);
}

#define INTO(member) offsetof(struct command_options, member)

/* clang-format off */
static const struct command_option cron_options[] = {
        { "--task", "NAME", OPTION_WORD, INTO(task), 0, is_task,
          "do this task now, due or not; \"simpletuner-cloud tasks\" names them" },
        { 0 },
};

static const struct command_option poll_options[] = {
        { "--every", "DURATION", OPTION_DURATION, INTO(every_us), DAY_S, NULL,
          "again and again, a round every 30s, 5m or 1h" },
        { "--for", "DURATION", OPTION_DURATION, INTO(for_us), 365 * DAY_S, NULL,
          "begin no round later than this after the first (default: never end)" },
        { 0 },
};

static const struct command_option list_options[] = {
        { "--status", "STATUS", OPTION_WORD, INTO(status), 0, is_status,
          "pending, uploading, queued, running, completed, failed or cancelled" },
        { "--provider", "PROVIDER", OPTION_WORD, INTO(provider), 0, NULL,
          "of this provider" },
        { "--limit", "N", OPTION_COUNT, INTO(limit), 1000, NULL,
          "at most so many, the newest (default 50)" },
        { 0 },
};

static const struct command_option add_options[] = {
        { "--name", "NAME", OPTION_WORD, INTO(name), 0, NULL,
          "what it is for, as the list shows it" },
        { "--expires-days", "N", OPTION_COUNT, INTO(expires_days), S3_CREDENTIAL_DAYS_MAX, NULL,
          "it is no good after so many days (default: never)" },
        { 0 },
};

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

static const struct command_option user_list_options[] = {
        { "--all", "", OPTION_FLAG, INTO(all), 0, NULL,
          "deactivated users too" },
        { 0 },
};

#define PASSWORD_STDIN                                                                             \
        { "--password-stdin", "", OPTION_FLAG, INTO(password_stdin), 0, NULL,                      \
          "read the password from standard input, a line (default: make one and show it)" }

static const struct command_option user_add_options[] = {
        { "--admin", "", OPTION_FLAG, INTO(admin), 0, NULL,
          "an administrator, who may everything" },
        { "--level", "NAMES", OPTION_WORD, INTO(level), 0, NULL,
          "levels, separated by commas (default: researcher, or admin with --admin)" },
        { "--email", "ADDRESS", OPTION_WORD, INTO(email), 0, NULL,
          "an address, with which one can log in too" },
        { "--display-name", "NAME", OPTION_WORD, INTO(display_name), 0, NULL,
          "what people call the user" },
        PASSWORD_STDIN,
        { "--no-password", "", OPTION_FLAG, INTO(no_password), 0, NULL,
          "no login by password" },
        { 0 },
};

static const struct command_option user_passwd_options[] = {
        PASSWORD_STDIN,
        { 0 },
};

static const struct command_option user_level_options[] = {
        { "--add", "LEVEL", OPTION_WORD, INTO(add), 0, NULL,
          "give this level" },
        { "--remove", "LEVEL", OPTION_WORD, INTO(remove), 0, NULL,
          "take this level away" },
        { 0 },
};

static const struct command_option key_add_options[] = {
        { "--user", "NAME", OPTION_WORD, INTO(user), 0, NULL,
          "whose it is; must be given" },
        { "--name", "NAME", OPTION_WORD, INTO(name), 0, NULL,
          "what it is for, as the list shows it (default: cron)" },
        { "--expires-days", "N", OPTION_COUNT, INTO(expires_days), API_KEY_DAYS_MAX, NULL,
          "it is no good after so many days (default: never)" },
        { "--scopes", "NAMES", OPTION_WORD, INTO(scopes), 0, NULL,
          "permissions, separated by commas: it may nothing else (default: what its user may)" },
        { 0 },
};

static const struct command_option key_list_options[] = {
        { "--user", "NAME", OPTION_WORD, INTO(user), 0, NULL,
          "of this user (default: of all)" },
        { 0 },
};

static const struct command_option gc_options[] = {
        { "--dry-run", "", OPTION_FLAG, INTO(dry_run), 0, NULL,
          "remove nothing, only say what would be" },
        { 0 },
};

static const struct command_option fsck_options[] = {
        { "--hashes", "", OPTION_FLAG, INTO(hashes), 0, NULL,
          "read every object and compare its hashes" },
        { "--repair", "", OPTION_FLAG, INTO(repair), 0, NULL,
          "set totals right, and forget objects whose file is gone" },
        { 0 },
};

static const struct command commands[] = {
        { "cron", NULL, cron_options, cmd_cron, true, "do whatever is due",
          "Polls the providers, recovers interrupted submissions, sweeps and forgets what is old:\n"
          "each task when it is due, under a lease. Safe to start every minute and several times at\n"
          "once. Without a terminal it speaks only of trouble, so that cron sends no mail." },
        { "poll", NULL, poll_options, cmd_poll, true, "ask the providers about every active job",
          "Asks about the longest unasked first, and finds interrupted submissions again. Safe to\n"
          "start at any time and several times at once. SIGTERM ends --every between two rounds." },
        { "tasks", NULL, NULL, cmd_tasks, true, "what cron does, when it did, and how it went",
          "A line for each task: how often it is done, when it last was, and with what result." },
        { "jobs list", NULL, list_options, cmd_jobs_list, true, "list jobs, the newest first",
          "A line for each job: id, status, when it was made, provider, hardware and configuration." },
        { "jobs show", "ID", NULL, cmd_jobs_show, true, "show all that is known about a job",
          "Shows one job with its times, cost, errors and uploads." },
        { "jobs cancel", "ID", NULL, cmd_jobs_cancel, true, "cancel a job, at its provider too",
          "The job is cancelled at the provider first, then here; if the provider does not do it,\n"
          "nothing is changed." },
        { "user list", NULL, user_list_options, cmd_user_list, true, "list users",
          "A line for each: number, state, when the last login was, name, address and levels. Who may\n"
          "everything is marked with a star." },
        { "user show", "NAME", NULL, cmd_user_show, true, "show all that is known about a user",
          "NAME is the user name or the address." },
        { "user add", "NAME", user_add_options, cmd_user_add, true, "make a user",
          "NAME is 3 to 50 letters, digits, underscores and hyphens, and stays. The first user must be\n"
          "made with --admin. A password is never given on the command line, where others would see\n"
          "it: it is read from standard input, or made and shown this one time." },
        { "user passwd", "NAME", user_passwd_options, cmd_user_passwd, true,
          "set the password of a user",
          "Ends all sessions of the user." },
        { "user level", "NAME", user_level_options, cmd_user_level, true,
          "give a user a level, or take one away",
          "Either or both of --add and --remove; first one is given, then one is taken away." },
        { "user deactivate", "NAME", NULL, cmd_user_deactivate, true, "keep a user out",
          "Ends all sessions of the user, whose keys and credentials are no good until the user is\n"
          "activated again." },
        { "user activate", "NAME", NULL, cmd_user_activate, true, "let a user in again",
          "Undoes user deactivate." },
        { "user remote", "NAME", NULL, cmd_user_remote, true, "leave a user to the front server",
          "From then on the front server says who is this user. Ends the password and all sessions." },
        { "user local", "NAME", NULL, cmd_user_local, true, "take a user back from the front server",
          "Undoes user remote; user passwd gives a password." },
        { "user delete", "NAME", NULL, cmd_user_delete, true, "delete a user for good",
          "Ends all sessions, keys and credentials. Jobs and the audit log keep the name, which nobody\n"
          "else is ever given." },
        { "api-key add", NULL, key_add_options, cmd_api_key_add, true, "make an API key for a user",
          "The key is shown this one time." },
        { "api-key list", NULL, key_list_options, cmd_api_key_list, true, "list API keys",
          "A line for each that is not revoked: number, first characters, state, when it was made and\n"
          "last used, user and name." },
        { "api-key revoke", "ID", NULL, cmd_api_key_revoke, true, "end an API key",
          "Nothing is accepted with it from now on. ID is its number, as the list shows it." },
        { "s3-credential add", NULL, add_options, cmd_s3_credential_add, true,
          "make an S3 credential",
          "Makes an access key id and a secret access key for S3 clients. They act with the rights of\n"
          "the local administrator. The secret is shown this one time." },
        { "s3-credential list", NULL, NULL, cmd_s3_credential_list, true, "list S3 credentials",
          "A line for each that is not revoked, of all owners: access key id, whether it is active or\n"
          "expired, when it was made and last used, owner and name." },
        { "s3-credential revoke", "ID", NULL, cmd_s3_credential_revoke, true,
          "end an S3 credential",
          "Nothing that is signed with it is accepted from now on. ID is the access key id." },
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
        { "storage usage", NULL, NULL, cmd_storage_usage, true, "what lies in the storage",
          "A line for each bucket: files, bytes, and the bytes of parts of unfinished uploads; then all\n"
          "of them together, the quotas, and the free space of each directory that holds buckets." },
        { "storage gc", NULL, gc_options, cmd_storage_gc, true, "remove what is no object",
          "Removes files that dead processes have left, uploads in parts that nobody goes on with, and\n"
          "files in buckets that no row knows; these must be an hour old. A line for each, and a sum.\n"
          "Directories that are no bucket's and symbolic links are named and left alone. Safe to run\n"
          "while the service works." },
        { "storage fsck", NULL, fsck_options, cmd_storage_fsck, true,
          "compare the database with the disk",
          "Finds objects whose file is gone (no_file) or has another size (size) or was replaced\n"
          "(changed), files that are no objects (no_row), missing parts (part), wrong totals of buckets\n"
          "(totals), and with --hashes bytes that are not those that were uploaded (content). A line for\n"
          "each. Nothing is changed without --repair. Exits with 0 when all is well, with 65 when\n"
          "something was found that is not repaired. Safe to run while the service works." },
        { "migrate", NULL, NULL, cmd_migrate, false, "bring the database to this program's schema",
          "Applies what is missing, in one transaction. An existing SQLite database is copied aside\n"
          "first; for PostgreSQL take a pg_dump yourself. Running it twice does no harm." },
        { "info", NULL, NULL, cmd_info, true, "where everything is, and what is in it",
          "Shows version, home, database, schema version, jobs and the state of every part." },
};
/* clang-format on */

const struct command *command_at(size_t n)
{
        return n < ARRAY_SIZE(commands) ? &commands[n] : NULL;
}
