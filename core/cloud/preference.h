/* Choices that belong to no provider: what was chosen, and who chose it, are written as one. */
#ifndef CORE_CLOUD_PREFERENCE_H
#define CORE_CLOUD_PREFERENCE_H

#include "core/cloud/audit/audit.h"

/* Make the choice that entry is about (its target_id), or take it back with NULL, in a transaction
 * of its own. Faults. */
NODISCARD enum err preference_set(struct ctx *ctx, const char *value,
                                  const struct audit_entry *entry);

#endif
