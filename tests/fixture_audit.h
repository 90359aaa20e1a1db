/* What tests of the audit log start from: entries, and a look at what verifying says. */
#ifndef TESTS_FIXTURE_AUDIT_H
#define TESTS_FIXTURE_AUDIT_H

#include "core/cloud/audit/audit_verify.h"
#include "tests/fixture_db.h"

#define ENTRIES 6

/* Append one, as this user, in a transaction of its own. */
NODISCARD enum err fixture_audit_add(struct ctx *ctx, const char *event_type, int64_t user_id);
/* Entries 1 to ENTRIES, a second apart; those with odd numbers by user 7. */
void fixture_audit_fill(struct ctx *ctx);

/* In the arena. 0 and 0: the whole log. */
const struct audit_report *fixture_audit_verify(struct ctx *ctx, int64_t start_id, int64_t end_id);
/* The log is good, and so many entries were checked. */
void assert_valid(struct ctx *ctx, int64_t checked);
/* It is not, and this is the first that is wrong. */
void assert_first(struct ctx *ctx, int64_t audit_id, enum audit_fault fault);

/* SQL: entry "of" once more as entry "as"; and the log cut behind entry 4, with a head that fits.
 */
#define FIXTURE_AUDIT_COPY(of, as)                                                                 \
        "INSERT INTO audit_log (audit_id, created_at_us, event_type, actor, actor_id, actor_ip, "  \
        "target_type, target_id, action, details, correlation_id, previous_hash, entry_hash) "     \
        "SELECT " as ", created_at_us, event_type, actor, actor_id, actor_ip, target_type, "       \
        "target_id, action, details, correlation_id, previous_hash, entry_hash FROM audit_log "    \
        "WHERE audit_id = " of "; "

#define FIXTURE_AUDIT_CUT                                                                          \
        "DELETE FROM audit_log WHERE audit_id > 4; "                                               \
        "UPDATE audit_head SET audit_id = 4, entries = 4, entry_hash = "                           \
        "(SELECT entry_hash FROM audit_log WHERE audit_id = 4)"

#endif
