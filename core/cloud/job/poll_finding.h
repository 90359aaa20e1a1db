/* What a poll found out about one job, and writing it down: the news, and when the job is looked at
 * again. A failure to ask never moves a job. */
#ifndef CORE_CLOUD_JOB_POLL_FINDING_H
#define CORE_CLOUD_JOB_POLL_FINDING_H

#include "core/cloud/provider/provider.h"

enum poll_result {
        POLL_NOT_ASKED, /* it stays due */
        POLL_NEWS,      /* the provider has it and says this */
        POLL_MISSING,   /* the provider named it once, and says that there is no such job */
        POLL_ABSENT,    /* it never named the job, and surely does not have it */
        POLL_STRAY,     /* it had the job although that had ended here; it was cancelled there */
        POLL_FAILED,    /* the provider could not be asked, or its answer made no sense */
};

struct poll_finding {
        const struct job *job;
        const struct provider_session *session; /* whom to ask, and as whom */
        enum poll_result result;
        struct provider_job news; /* POLL_NEWS; POLL_STRAY: its external id */
        const char *reason;       /* POLL_FAILED: why */
        int64_t retry_after_s;    /* POLL_FAILED: not earlier, says the provider; 0: not said */
};

/* The jobs one poll round has dealt with. */
struct poll_report {
        unsigned asked;  /* the provider was asked about */
        unsigned moved;  /* of these, whose status changed */
        unsigned found;  /* submissions of unknown outcome found at the provider */
        unsigned failed; /* could not be asked; tried again later */
        unsigned left;   /* due, but their provider's circuit breaker is open */
};

/* The longest that a job which is to be looked at again waits. */
#define POLL_WAIT_MAX_US (15 * 60 * US_PER_S)

/* Set POLL_FAILED with ctx's detail as the reason. ERR_NOMEM. */
NODISCARD enum err poll_finding_fail(struct ctx *ctx, struct poll_finding *finding);

/* Write findings down, those without news in one transaction, and add them to the report. Jobs that
 * could be asked are due again from again_us on. Faults of the database only. */
NODISCARD enum err poll_findings_record(struct ctx *ctx, const struct poll_finding *findings,
                                        size_t count, int64_t again_us, struct poll_report *report);

#endif
