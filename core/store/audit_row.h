/* One entry of the audit log as it is read. Private to core/store. */
#ifndef CORE_STORE_AUDIT_ROW_H
#define CORE_STORE_AUDIT_ROW_H

#include "core/db/db.h"
#include "core/store/store_audit.h"

#define AUDIT_COLUMNS                                                                              \
        "audit_id, created_at_us, actor_id, event_type, actor, actor_ip, target_type, target_id, " \
        "action, details, correlation_id, previous_hash, entry_hash"

/* The current row of a statement that selects AUDIT_COLUMNS; texts live until the next step. */
struct audit_row audit_row_borrow(struct db_stmt *stmt);

#endif
