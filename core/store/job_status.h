/* The statuses of a job. */
#ifndef CORE_STORE_JOB_STATUS_H
#define CORE_STORE_JOB_STATUS_H

#include <stdbool.h>

/* In the order of life: a move goes to a later one only, and the last three are final. */
enum job_status {
        JOB_BLOCKED,   /* waits until somebody approves it; its row is 'queued' */
        JOB_PENDING,   /* written, not yet accepted by the provider */
        JOB_UPLOADING, /* its data is on the way */
        JOB_QUEUED,    /* the provider has it */
        JOB_RUNNING,
        JOB_COMPLETED,
        JOB_FAILED,
        JOB_CANCELLED,
        JOB_STATUS_COUNT
};

const char *job_status_name(enum job_status status);
bool job_status_parse(const char *name, enum job_status *ret);
static inline bool job_status_is_terminal(enum job_status status)
{
        return status >= JOB_COMPLETED;
}

#endif
