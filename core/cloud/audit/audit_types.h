/* THE table of event types: whatever is written to the audit log is one of these. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_TYPES_H
#define CORE_CLOUD_AUDIT_AUDIT_TYPES_H

#include <stdbool.h>

#include "core/store/store_audit_list.h"

struct audit_type {
        const char *value; /* "job.submitted" */
        const char *name;  /* "Job submitted" */
};

/* The n-th, NULL past the last. */
const struct audit_type *audit_type_at(size_t n);

bool audit_type_is_known(const char *value);
/* Does it concern security: a refused login, or "security."? */
bool audit_type_is_security(const char *value);

/* Read a list of types, separated by commas, into filter; a name without a dot is one of
 * "security.". What is in it need not be in the table: older logs may have other types.
 * ERR_INVALID: more than AUDIT_TYPES_MAX, or none. */
NODISCARD enum err audit_types_parse(struct ctx *ctx, const char *text,
                                     struct audit_filter *filter);

/* Have filter ask for all that concerns security. */
void audit_types_security(struct audit_filter *filter);

#endif
