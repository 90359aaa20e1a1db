/* The series of a meter, in the order of their labels, as one moment found them. */
#ifndef CORE_CLOUD_METRICS_METRICS_SERIES_H
#define CORE_CLOUD_METRICS_METRICS_SERIES_H

#include "core/cloud/metrics/meter.h"

struct metrics_series {
        struct meter_reading *all; /* in the arena */
        size_t count;
};
/* ERR_NOMEM. */
NODISCARD enum err metrics_series_read(struct ctx *ctx, enum meter meter,
                                       struct metrics_series *ret);

#endif
