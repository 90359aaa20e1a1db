/* Metrics as text: Prometheus' format 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats) and OpenMetrics 1.0
 * (github.com/prometheus/OpenMetrics). A family's head is written with its first sample, so a
 * family without samples leaves no trace. There are no _created lines and no exemplars: the
 * counters do not know when they began nor what made them grow. */
#ifndef CORE_CLOUD_METRICS_METRICS_TEXT_H
#define CORE_CLOUD_METRICS_METRICS_TEXT_H

#include "core/base/buf.h"

enum metrics_type {
        METRICS_COUNTER, /* the name ends in "_total" */
        METRICS_GAUGE,
        METRICS_HISTOGRAM,
        METRICS_INFO,    /* the name ends in "_info", the value is 1 */
        METRICS_UNKNOWN, /* says nothing of itself */
};

struct metrics_text {
        struct buf *out; /* borrowed; check buf_ok at the end */
        bool open_metrics;
        size_t samples; /* written so far */

        /* The family that is open, borrowed; its head is written once it has a sample. */
        const char *name, *help;
        enum metrics_type type;
        bool has_head;
};

/* Names with their values; the last has no name. NULL values are left out. */
struct metrics_label {
        const char *name, *value;
};
#define METRICS_LABELS(...) ((const struct metrics_label[]){ __VA_ARGS__, { NULL, NULL } })

/* What follows is of this family. name: as samples have it. */
void metrics_family(struct metrics_text *text, enum metrics_type type, const char *name,
                    const char *help);
/* labels may be NULL: none. */
void metrics_sample(struct metrics_text *text, const struct metrics_label *labels, double value);

/* A series of a histogram: below[i] are those of at most bounds[i], cumulated. */
struct metrics_histogram {
        const double *bounds;
        const uint64_t *below;
        size_t count;
        uint64_t all;
        double sum;
};
void metrics_buckets(struct metrics_text *text, const struct metrics_label *labels,
                     const struct metrics_histogram *histogram);

/* The end of the text. */
void metrics_end(struct metrics_text *text);

#endif
