/* The note of the head outside of the database, $SIMPLETUNER_HOME/audit.head: a signed copy of the
 * head as it once was. Whoever cuts the log and puts an older head back has a log that is good in
 * itself; the note tells. Keep the file, or a copy, where those who can write to the database
 * cannot.
 */
#ifndef CORE_CLOUD_AUDIT_AUDIT_NOTE_H
#define CORE_CLOUD_AUDIT_AUDIT_NOTE_H

#include "core/cloud/audit/audit_verify.h"

bool audit_note_exists(struct ctx *ctx);

/* Compare with the log: AUDIT_HEAD_BEHIND is added to report when the entry of the note is not in
 * it, AUDIT_HEAD_MISMATCH when the note is not signed with this key. No note: nothing. Faults. */
NODISCARD enum err audit_note_compare(struct ctx *ctx, const struct audit_key_set *keys,
                                      const struct audit_state *state, struct audit_report *report);

/* Bring the note up to the head, after comparing; a log that is behind it is left noted as it was.
 * ERR_CONFLICT: the log is behind, or the head or the note is not signed with this key; detail says
 * so. *ret_written: it was not up to date. Faults. */
NODISCARD enum err audit_note_write(struct ctx *ctx, bool *ret_written);

/* A backup is about to be put back whose log ends with this head, signed with our key: until it is
 * there the log of now is good, and from then on it. NULL: it is not put back after all. Without a
 * note nothing is written. ERR_UNAVAILABLE. */
NODISCARD enum err audit_note_expect(struct ctx *ctx, const struct audit_head *restored);

/* Forget it: for a chain that was restarted. ERR_UNAVAILABLE: it cannot be removed. */
NODISCARD enum err audit_note_forget(struct ctx *ctx);

#endif
