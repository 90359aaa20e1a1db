/* What is exported: whether at all, which categories, and whether the guide's names are among them.
 * An administrator's choice, kept with the other preferences. */
#ifndef CORE_CLOUD_METRICS_METRICS_CONFIG_H
#define CORE_CLOUD_METRICS_METRICS_CONFIG_H

#include "core/cloud/metrics/metrics.h"

struct metrics_config {
        bool enabled;
        unsigned categories; /* bits */
        bool legacy;
};

/* As it is set, else: off, jobs and http, with the guide's names. While the database is away what
 * this process knew last, and before that health alone. *ret_known: false when that is so, as it
 * may have been changed since. ERR_NOMEM. */
NODISCARD enum err metrics_config_get(struct ctx *ctx, struct metrics_config *ret, bool *ret_known);

/* The same for those who would rather have a fault than an old word. */
NODISCARD enum err metrics_config_read(struct ctx *ctx, struct metrics_config *ret);

/* Set it, with its row in the audit log. Faults. */
NODISCARD enum err metrics_config_set(struct ctx *ctx, const struct metrics_config *config);

/* Add a category by its id to a set of bits. ERR_INVALID: there is none; detail lists them. */
NODISCARD enum err metrics_category_add(struct ctx *ctx, const char *id, unsigned *categories);

/* Named sets; the n-th, NULL past the last. ERR_NOT_FOUND: there is none of this id. */
struct metrics_template {
        const char *id, *name, *description;
        unsigned categories;
};
const struct metrics_template *metrics_template_at(size_t n);
NODISCARD enum err metrics_template_find(struct ctx *ctx, const char *id,
                                         const struct metrics_template **ret);

#endif
