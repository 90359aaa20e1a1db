/* Backups that are asked for over HTTP. They take as long as they take, so a thread of the
 * responder makes them, one at a time over all processes of the host; the last one and how it went
 * is in a file of the backup directory, because the database may be the very thing that is
 * replaced. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_RUN_H
#define CORE_CLOUD_BACKUP_BACKUP_RUN_H

#include "core/cloud/backup/backup.h"

enum backup_action { BACKUP_ACTION_MAKE, BACKUP_ACTION_VERIFY, BACKUP_ACTION_RESTORE };
enum backup_state { BACKUP_QUEUED, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED };
const char *backup_action_name(enum backup_action action); /* "backup", "verify", "restore" */
const char *backup_state_name(enum backup_state state);    /* "queued" */

/* All texts are in the arena. */
struct backup_run {
        const char *run_id;
        enum backup_action action;
        enum backup_state state;
        const char *backup_id;
        const char *name, *description; /* of a backup to be made */
        bool with_private, dry_run;
        const char *actor, *client; /* who asked, and from where */
        int64_t actor_id;
        int64_t asked_at_us, ended_at_us;
        enum err rc;        /* of one that failed */
        const char *detail; /* why */
        const char *safety; /* of a restore */
};

/* Ask for one: run_id, actor and times are filled in, and the backup_id of one that is to be made.
 * ERR_CONFLICT: another one is queued or under way. ERR_INVALID, ERR_NOT_FOUND: it would fail at
 * once. Faults. */
NODISCARD enum err backup_run_ask(struct ctx *ctx, struct backup_run *run);

/* The last one asked for. ERR_NOT_FOUND: there was none. Faults. */
NODISCARD enum err backup_run_get(struct ctx *ctx, struct backup_run *ret);

/* Wait for the end of run, at most so long; *run is how it is then. Faults. */
NODISCARD enum err backup_run_wait(struct ctx *ctx, unsigned timeout_ms, struct backup_run *run);

/* For a background thread: do what was asked for, if anything was; see whether another process has
 * restored the database; and tell of a restore that is untold. As work_fn. */
NODISCARD enum err backup_run_work(struct ctx *ctx, bool *ret_more);

#endif
