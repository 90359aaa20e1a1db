/* What is about to be put back on PostgreSQL, in a file of the backup directory: from it whoever
 * comes next tells of a restore whose process died before it could. Private to restore*.c. */
#ifndef CORE_CLOUD_BACKUP_RESTORE_INTENT_H
#define CORE_CLOUD_BACKUP_RESTORE_INTENT_H

#include "core/store/store_backup.h"

/* Texts are in the arena, or the caller's own. */
struct restore_intent {
        const char *source, *safety; /* as in struct restore_wish and struct restore_report */
        bool restart_audit;
        int64_t cut_from, cut_to;
        const char *actor, *client, *correlation_id; /* who asked */
        int64_t actor_id;
        int64_t begun_at_us; /* no two are alike; never 0 */
        struct store_continuity before;
};

/* In the place of the last one; it is on the disk then. Faults. */
NODISCARD enum err restore_intent_write(struct ctx *ctx, const struct restore_intent *intent);
/* ERR_NOT_FOUND: there is none, or it is damaged. Faults. */
NODISCARD enum err restore_intent_read(struct ctx *ctx, struct restore_intent *ret);
/* ERR_UNAVAILABLE: it cannot be removed. One that is not there is fine. */
NODISCARD enum err restore_intent_drop(struct ctx *ctx);

#endif
