/* The writers of each category: one for the names of the guide, one for the well-formed families.
 * Private to metrics*.c. */
#ifndef CORE_CLOUD_METRICS_METRICS_RENDER_H
#define CORE_CLOUD_METRICS_METRICS_RENDER_H

#include "core/cloud/metrics/metrics.h"
#include "core/cloud/metrics/metrics_data.h"
#include "core/cloud/metrics/metrics_text.h"

/* What the database knows is written when data->database_up. ERR_NOMEM. */
typedef enum err metrics_writer(struct ctx *ctx, struct metrics_text *text,
                                const struct metrics_data *data);
extern metrics_writer *const metrics_legacy_writers[METRICS_CATEGORY_COUNT];
extern metrics_writer *const metrics_family_writers[METRICS_CATEGORY_COUNT];

#define METRICS_COMPONENT_STATUS "simpletuner_health_component_status"
#define METRICS_COMPONENT_HELP   "Component health status (0=unhealthy, 1=degraded, 2=healthy)"

/* Jobs of a status that are there now. */
static inline int64_t metrics_jobs_there(const struct metrics_jobs *jobs, enum job_status status)
{
        return jobs->active[status] + jobs->finished[status] - jobs->deleted[status];
}

/* Millionths as a number of units: microseconds as seconds, USD micros as USD. */
static inline double metrics_units(int64_t micros)
{
        return (double)micros / 1e6;
}

#endif
