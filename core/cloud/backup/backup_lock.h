/* The backup directory, SIMPLETUNER_BACKUP_DIR, and the lock in it: one backup, restore, rehearsal
 * or deletion at a time over all processes of the host. Whoever dies gives it up. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_LOCK_H
#define CORE_CLOUD_BACKUP_BACKUP_LOCK_H

#include "core/base/ctx.h"

struct backup_lock {
        int dir_fd, lock_fd; /* -1: not held */
        const char *dir;     /* its path; in the arena of who took the lock */
};
#define BACKUP_LOCK_NONE ((struct backup_lock){ .dir_fd = -1, .lock_fd = -1 })

/* The directory's path. ERR_NOMEM. */
NODISCARD enum err backup_dir(struct ctx *ctx, const char **ret);

/* Make the directory when it is not there, take the lock, and remove what dead processes have left.
 * ERR_CONFLICT: another process is at it. ERR_UNAVAILABLE: the directory cannot be used, or others
 * may write to it. */
NODISCARD enum err backup_lock_take(struct ctx *ctx, struct backup_lock *ret);
/* The same of another directory, which is made likewise. */
NODISCARD enum err backup_lock_take_in(struct ctx *ctx, const char *dir, struct backup_lock *ret);
void backup_lock_drop(struct backup_lock *lock); /* for CLEANUP; one that is not held is fine */

/* Is it held by anybody? Only looks. */
bool backup_lock_is_held(struct ctx *ctx);

#endif
