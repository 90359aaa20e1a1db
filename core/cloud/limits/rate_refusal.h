/* Whom limits refuse, in the audit log: "security.rate_limited", one row for each client, rule and
 * minute, whose details have the number of refusals. Requests write nothing: they are counted in
 * memory that the processes of a host share, and a background thread writes the rows. The first
 * refusal is written at once, with "refused": 1; those of the minute that begins with it when that
 * has ended, in one row; and so on until a minute is without any. The sum of "refused" is how many
 * there were. What is left when the last process ends is not written. */
#ifndef CORE_CLOUD_LIMITS_RATE_REFUSAL_H
#define CORE_CLOUD_LIMITS_RATE_REFUSAL_H

#include "core/base/ctx.h"
#include "core/base/ipnet.h"

struct rate_refusals; /* the process's, in cloud->rate_refusals */

NODISCARD struct rate_refusals *rate_refusals_new(const char *owner); /* NULL: out of memory */
void rate_refusals_free(struct rate_refusals *refusals);

struct rate_refusal {
        const char *rule;
        struct ipaddr client;
        const char *endpoint;            /* the route's path */
        const char *method, *user_agent; /* user_agent: NULL: none */
};

/* Count one, of the request ctx answers. Where too many clients are refused at once, those without
 * a place of their own are counted together, as of no address. */
void rate_refusal_note(struct ctx *ctx, const struct rate_refusal *refusal);

/* Write a row that is due; *ret_more: there may be another one. Faults: it is counted still. */
NODISCARD enum err rate_refusal_write(struct ctx *ctx, bool *ret_more);

#endif
