/* Bells wake the background threads of this process when there is work; they also look by
 * themselves from time to time, for work that other processes left. Thread safe. */
#ifndef CORE_CLOUD_BELL_H
#define CORE_CLOUD_BELL_H

#include "core/base/scope.h"

enum bell {
        BELL_INBOX,       /* a webhook delivery waits to be applied */
        BELL_ARCHIVE,     /* a job has ended, its results wait to be fetched */
        BELL_SUBMISSIONS, /* local data waits to be sent to a provider */
        BELL_AUDIT,       /* where the audit log is forwarded to was changed */
        BELL_EVENTS,      /* something happened that listeners should hear of */
        BELL_LISTENERS,   /* somebody began to listen */
        BELL_REFUSALS,    /* a limit refused somebody for the first time in a minute */
        BELL_CLOCK,       /* nothing rings it but the end: for what goes by the clock alone */
        BELL_BACKUP,      /* a backup or restore was asked for */
        BELL_SECRETS,     /* what is kept of secrets is to be asked for anew */
        BELL_COUNT
};

struct bells;

NODISCARD struct bells *bells_new(void); /* NULL: out of memory */
void bells_free(struct bells *bells);

void bell_ring(struct bells *bells, enum bell bell);
void bells_ring_all(struct bells *bells); /* so that everybody looks whether to stop */

/* Wait until a bell has rung since *seen was last updated by this, at most timeout_ms. *seen is the
 * caller's, 0 at first. */
void bell_wait(struct bells *bells, enum bell bell, unsigned *seen, unsigned timeout_ms);

#endif
