/* A provider's public status page, as Statuspage publishes it (status.io/api/v2/summary.json:
 * status.indicator, incidents, scheduled_maintenances). No token is sent there. */
#ifndef CORE_CLOUD_PROVIDER_STATUS_PAGE_H
#define CORE_CLOUD_PROVIDER_STATUS_PAGE_H

#include "core/cloud/provider/provider.h"

struct status_page {
        bool known;                          /* false: nobody knows, error says why */
        bool operational;                    /* it calls its trouble none or minor */
        const char *indicator, *description; /* "minor", "Partially Degraded Service" */
        const char *page_url;                /* for people; NULL: not said */
        const char *error;                   /* NULL when known */
        /* Arrays of {name, status, impact, created_at, scheduled_for, scheduled_until, shortlink}
         * with what is there of it, as JSON text. */
        const char *incidents, *in_progress, *scheduled;
};

/* Ask it, for at most five seconds. Trouble on the way is an answer. Faults only. */
NODISCARD enum err status_page_get(struct ctx *ctx, const struct provider_session *session,
                                   struct status_page *ret);

/* The same for an answer that is there already. Texts are borrowed from it or in the arena. */
NODISCARD enum err status_page_read(struct ctx *ctx, const json_t *answer, struct status_page *ret);

#endif
