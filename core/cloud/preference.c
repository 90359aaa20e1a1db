#include "core/cloud/preference.h"

#include "core/db/db.h"
#include "core/store/store_preferences.h"

enum err preference_set(struct ctx *ctx, const char *value, const struct audit_entry *entry)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_preference_put(ctx, entry->target_id, value);
        if (rc == OK)
                rc = audit_add(ctx, entry);
        return rc == OK ? db_commit(&tx) : rc;
}
