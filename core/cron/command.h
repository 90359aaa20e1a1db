/* The companion's commands: the tables are commands_<area>.c, joined by commands.c; each command is
 * one file, cmd_<name>.c. */
#ifndef CORE_CRON_COMMAND_H
#define CORE_CRON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/ctx.h"
#include "core/base/jsonw.h"

/* What was given on the command line; zeros where nothing was. */
struct command_options {
        bool json;           /* write for a script, not for a person */
        const char *operand; /* NULL: the command takes none */
        const char *task, *status, *provider, *name;
        const char *description, *output;
        const char *offline, *format, *since, *until;
        const char *only, *url;
        int64_t limit, expires_days;
        int64_t start_id, end_id;
        int64_t every_us, for_us;
        bool dry_run, hashes, repair;
        bool with_config, config_only, rehearse, restart_audit, no_safety;
        const char *user, *email, *display_name, *level, *add, *remove, *scopes;
        bool admin, all, no_password, password_stdin;
        bool reveal, prepare, activate, retire, one_host;
        const char *from, *to, *from_env, *to_env;
        bool verify_only, online;
};

/* One option of a command: --name VALUE or --name=VALUE; a flag is its name alone. */
enum option_kind {
        OPTION_WORD,     /* const char * */
        OPTION_COUNT,    /* int64_t from 1 to max */
        OPTION_DURATION, /* int64_t of microseconds, "30s", from a second to max_s seconds */
        OPTION_FLAG,     /* bool */
};
struct command_option {
        const char *name;  /* "--every"; NULL ends a list */
        const char *value; /* its name in the help: "DURATION"; "" of a flag */
        enum option_kind kind;
        size_t offset;                        /* in struct command_options */
        int64_t max;                          /* of a count; of a duration in seconds */
        bool (*is_allowed)(const char *word); /* of a word; NULL: any is */
        const char *help;
};

/* Do it and write the result to standard output. */
typedef enum err command_fn(struct ctx *ctx, const struct command_options *options);

struct command {
        const char *name;    /* one word or two: "jobs list" */
        const char *operand; /* what it takes one of: "ID"; "[ID]": or none; NULL: none */
        const struct command_option *options; /* NULL: none but --json */
        command_fn *run;
        bool needs_schema; /* refuse to run before the database is migrated */
        const char *summary, *help;
};

#define INTO(member) offsetof(struct command_options, member)

/* A command without a name ends a table. */
extern const struct command commands_work[], commands_jobs[], commands_user[], commands_key[];
extern const struct command commands_doctor[];
extern const struct command commands_audit[], commands_storage[], commands_database[];
extern const struct command commands_backup[];
extern const struct command commands_secret[];

/* The n-th command of all, NULL past the last. */
const struct command *command_at(size_t n);

/* Does it run whatever is wrong? Settings that are no good have their defaults then
 * (config_problem.h), and nothing is opened for it. */
bool command_runs_bare(const struct command *command);

/* A result as one JSON object on a line, printed when it leaves its scope:
 * CLEANUP(command_json_end) struct command_json out = command_json_begin(); */
struct command_json {
        struct buf *text;
        struct jsonw json;
};
struct command_json command_json_begin(void);
void command_json_end(struct command_json *out);

/* Is a person reading? Then commands that cron runs tell of their work; else only of trouble. */
bool command_is_watched(void);

command_fn cmd_doctor, cmd_db_recover;
command_fn cmd_copy, cmd_db_check, cmd_db_stats, cmd_db_vacuum;
command_fn cmd_migrate, cmd_info, cmd_cron, cmd_tasks, cmd_poll;
command_fn cmd_backup, cmd_backups, cmd_verify, cmd_restore, cmd_restore_to, cmd_restore_file;
command_fn cmd_jobs_list, cmd_jobs_show, cmd_jobs_cancel;
command_fn cmd_audit_verify, cmd_audit_export, cmd_audit_restart;
command_fn cmd_storage_fsck, cmd_storage_gc, cmd_storage_usage;
command_fn cmd_user_list, cmd_user_show, cmd_user_add, cmd_user_passwd, cmd_user_level;
command_fn cmd_user_activate, cmd_user_deactivate, cmd_user_remote, cmd_user_local, cmd_user_delete;
command_fn cmd_api_key_add, cmd_api_key_list, cmd_api_key_revoke;
command_fn cmd_secret_get, cmd_secret_set, cmd_secret_delete, cmd_secret_explain, cmd_secret_list;
command_fn cmd_secret_rotate_key;
command_fn cmd_s3_credential_add, cmd_s3_credential_list, cmd_s3_credential_revoke;

#endif
