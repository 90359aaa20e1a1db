/* Events for those who listen: written in the transaction of what happened, heard after it. Call
 * these at the end of the transaction: until it ends, all who write events wait. */
#ifndef CORE_CLOUD_EVENT_EVENT_H
#define CORE_CLOUD_EVENT_EVENT_H

#include "core/store/store_events.h"
#include "core/store/store_jobs.h"

/* A job has moved on to status: "job_status_changed", {"type", "job_id", "status",
 * "error_message"?}, for the job's owner; and event_notification where people want to know. job is
 * the job as it was before. Faults. */
NODISCARD enum err event_job_status(struct ctx *ctx, const struct job *job, enum job_status status,
                                    const char *error_message);

/* A running job is farther: "job_progress", {"type", "job_id", "stage"?, "progress"?, "last_log"?},
 * for the job's owner; told for each stage and each whole percent, not for each line. Faults. */
struct job_progress;
NODISCARD enum err event_job_progress(struct ctx *ctx, const struct job *job,
                                      const struct job_progress *progress);

/* A file of a job has arrived: "job_file_received", {"type", "job_id", "key", "size", "etag"}, for
 * the job's owner. Buckets that are no job's, and jobs that are forgotten, have no listeners. */
struct bucket;
struct object;
NODISCARD enum err event_job_file(struct ctx *ctx, const struct bucket *bucket,
                                  const struct object *object);

/* For people: "notification", {"type", "message_type", "message", "severity", "job_id", "source",
 * "config_name", "provider"}, for the job's owner. */
enum event_notice {
        NOTICE_JOB_SUBMITTED, /* the provider has accepted it */
        NOTICE_JOB_COMPLETED,
        NOTICE_JOB_FAILED,
        NOTICE_JOB_CANCELLED,
};
NODISCARD enum err event_notification(struct ctx *ctx, const struct job *job,
                                      enum event_notice notice, const char *error_message);

#endif
