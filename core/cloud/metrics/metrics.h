/* Metrics for Prometheus: the names of the operations guide, "Prometheus metrics", and beside them
 * well-formed families. Counters of memory are of all processes of this host; what the database
 * says is the same on every host. A scrape costs the same however many jobs there are. */
#ifndef CORE_CLOUD_METRICS_METRICS_H
#define CORE_CLOUD_METRICS_METRICS_H

#include "core/base/buf.h"
#include "core/base/ctx.h"

enum metrics_category {
        METRICS_JOBS,
        METRICS_HTTP,
        METRICS_RATE_LIMITS,
        METRICS_APPROVALS,
        METRICS_AUDIT,
        METRICS_HEALTH,
        METRICS_CIRCUIT_BREAKERS,
        METRICS_PROVIDER,
        METRICS_CATEGORY_COUNT
};
#define METRICS_BIT(category) (1u << (category))
#define METRICS_ALL           ((1u << METRICS_CATEGORY_COUNT) - 1)

struct metrics_wish {
        unsigned categories; /* bits */
        bool legacy;         /* the guide's names too */
        bool open_metrics;   /* else the text format 0.0.4 */
};

/* Append the text to out. When the database is away, what memory knows and that it is away.
 * *ret_samples: how many there are. ERR_NOMEM | ERR_INTERNAL: out is full. */
NODISCARD enum err metrics_write(struct ctx *ctx, const struct metrics_wish *wish, struct buf *out,
                                 size_t *ret_samples);

/* What a category is called, and every name it can write; NULL ends the names. */
struct metrics_names {
        const char *id, *name, *description;
        const char *const *legacy;
        const char *const *families;
};
const struct metrics_names *metrics_names(enum metrics_category category);

#endif
