/* Events for those who listen: written in the transaction of what happened, heard after it. */
#ifndef CORE_CLOUD_EVENT_H
#define CORE_CLOUD_EVENT_H

#include "core/store/store_events.h"
#include "core/store/store_jobs.h"

/* "job_status_changed": {"type", "job_id", "status", "error_message"?}, for the job's owner. Inside
 * a transaction, at its end. Faults. */
NODISCARD enum err event_job_status(struct ctx *ctx, const struct job *job, enum job_status status,
                                    const char *error_message);

#endif
