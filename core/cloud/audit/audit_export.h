/* The audit log, or a part of it, written out oldest first, in batches: its length does not matter
 * for memory. AUDIT_JSON ends with a line of its own, {"export_end": {...}}, which says how many
 * entries there were, which the last was, whether entries in between were left out, and signs that;
 * audit_offline.h checks such files. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_EXPORT_H
#define CORE_CLOUD_AUDIT_AUDIT_EXPORT_H

#include "core/cloud/audit/audit_format.h"

struct audit_export {
        enum audit_format format;
        int64_t since_us, until_us; /* both included; 0: no bound */
        bool security_only;
        /* Takes text as it comes; false: stop, which makes the result ERR_CONFLICT. */
        bool (*write)(void *arg, const char *text, size_t len);
        void *arg;
};

/* What was in the log at the call. ERR_CONFLICT: write said stop. Faults. */
NODISCARD enum err audit_export_run(struct ctx *ctx, const struct audit_export *export);

/* What the last line says without its mac: what is signed. */
struct audit_export_end {
        int64_t entries, first_id, last_id;
        const char *last_hash; /* "": no entry */
        bool filtered;         /* entries in between were left out */
};
#define AUDIT_EXPORT_END_SIZE 256
void audit_export_end_text(const struct audit_export_end *end,
                           char ret_text[AUDIT_EXPORT_END_SIZE]);

#endif
