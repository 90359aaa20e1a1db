/* What both kinds of restoring end with. Private to restore*.c. */
#ifndef CORE_CLOUD_BACKUP_RESTORE_MEMORY_H
#define CORE_CLOUD_BACKUP_RESTORE_MEMORY_H

#include "core/base/ctx.h"

/* Forget what this process remembers of the old database, and bring the note of the audit log's
 * head up to date. Faults. */
NODISCARD enum err restore_finish(struct ctx *ctx);

/* The backup's audit log is of another key. ERR_CONFLICT. */
NODISCARD enum err restore_fail_key(struct ctx *ctx);

#endif
