/* What is counted in memory: counters, histograms and gauges that all processes of a host share,
 * and that begin at nothing when the last of them ends, as Prometheus expects of counters. What
 * must outlive that, as jobs and costs, is counted in the database. A row of meter.c says what each
 * is; metrics_families.c renders them. Counting takes no lock once a series is there, and never
 * fails: where there is no room for one more series, its calls are counted in one whose labels are
 * "other". */
#ifndef CORE_CLOUD_METRICS_METER_H
#define CORE_CLOUD_METRICS_METER_H

#include "core/base/ctx.h"

#define METER_LABELS_MAX  3
#define METER_LABEL_SIZE  96 /* bytes of a value with its NUL; longer ones are cut */
#define METER_BUCKETS_MAX 12

enum meter {
        METER_HTTP_SECONDS,       /* method, route, code */
        METER_HTTP_REQUEST_BYTES, /* method, route */
        METER_HTTP_REPLY_BYTES,   /* method, route */
        METER_HTTP_UNDER_WAY,     /* a level */
        METER_RATE_REJECTED,      /* rule */
        METER_PROVIDER_SECONDS,   /* provider, op, outcome */
        METER_DATABASE_SECONDS,   /* backend, op: read, write, commit */
        METER_DATABASE_BUSY,      /* backend */
        METER_WEBHOOKS,           /* provider, result */
        METER_WEBHOOK_LAST,       /* provider: a gauge, seconds since 1970 */
        METER_STORAGE_BYTES,      /* direction: in, out */
        METER_COUNT
};

/* A level is a gauge of which each process holds a part, by meter_add, that ends with the process
 * however it ends; it has no labels. */
enum meter_kind { METER_IS_COUNTER, METER_IS_GAUGE, METER_IS_LEVEL, METER_IS_HISTOGRAM };

struct meter_row {
        const char *name; /* of the family, with "_total" when it is a counter */
        const char *help;
        enum meter_kind kind;
        double scale;                         /* what is kept are whole numbers: value x scale */
        const char *labels[METER_LABELS_MAX]; /* their names */
        double buckets[METER_BUCKETS_MAX];    /* upper bounds, ascending, 0 ends them; then +Inf */
};
const struct meter_row *meter_row(enum meter meter);

/* One series, as it stands. */
struct meter_reading {
        const char *labels[METER_LABELS_MAX]; /* borrowed as long as the meters are open */
        double value;                         /* counter, gauge; of a histogram the sum */
        uint64_t count;                       /* histogram */
        uint64_t buckets[METER_BUCKETS_MAX];  /* histogram: calls up to each bound, cumulated */
};

/* Attach to the counters of owner, the home directory. Where there is no shared memory they are
 * this process's own, and *ret_shared is false. NULL: out of memory. */
struct meters;
NODISCARD struct meters *meters_open(const char *owner, bool *ret_shared);
void meters_close(struct meters *meters);
/* When everything began at nothing, UTC microseconds: the same in all processes that share it. */
int64_t meters_born_us(const struct ctx *ctx);

/* The labels' values as far as the row has labels; NULL counts as "". Thread safe. ctx->cloud may
 * be NULL, as in tests: then nothing is counted. */
struct meter_labels {
        const char *value[METER_LABELS_MAX];
};
void meter_add(const struct ctx *ctx, enum meter meter, struct meter_labels labels, double value);
void meter_set(const struct ctx *ctx, enum meter meter, struct meter_labels labels, double value);
void meter_observe(const struct ctx *ctx, enum meter meter, struct meter_labels labels,
                   double value);
#define METER_LABELS(...) ((struct meter_labels){ { __VA_ARGS__ } })

/* Call each for every series of a meter, in no order. */
typedef void meter_each_fn(void *arg, const struct meter_reading *reading);
void meter_each(const struct ctx *ctx, enum meter meter, meter_each_fn *each, void *arg);

#endif
