/* Is a file that audit_export.h wrote as AUDIT_JSON what was in the log? Needs the audit key, no
 * database. The chain may begin and end anywhere; entries are missing when their numbers have gaps
 * and the file's signed end does not say that some were left out, or when there are fewer than it
 * says, or when there is no such end (AUDIT_HEAD_MISMATCH). */
#ifndef CORE_CLOUD_AUDIT_AUDIT_OFFLINE_H
#define CORE_CLOUD_AUDIT_AUDIT_OFFLINE_H

#include "core/cloud/audit/audit_verify.h"

/* path "-" is standard input. ERR_NOT_FOUND: there is no such file. ERR_INVALID: a line is no
 * entry; detail says which. ERR_UNAVAILABLE: there is no key. Faults. */
NODISCARD enum err audit_offline_verify(struct ctx *ctx, const char *path,
                                        struct audit_report *ret);

#endif
