/* Webhook bodies as pure functions over JSON: the provider's own object, or the trainer's events
 * {event_type|type, job_id|prediction_id, status, output, error, message}. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_EVENT_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_EVENT_H

#include "core/cloud/provider/provider.h"

struct webhook_event {
        const char *subject;      /* the id it names: the provider's or ours; NULL: none */
        struct provider_job news; /* texts borrowed from the body */
};

/* Read a body; a subject of NULL means it is about no job. ERR_INVALID: a member of a wrong type.
 */
NODISCARD enum err webhook_event_read(struct ctx *ctx, const struct provider *provider,
                                      const json_t *body, struct webhook_event *ret);

/* The body as it may be shown: what a remote job was given, its token among it, is left out; our id
 * in it stays. In the arena. ERR_NOMEM. */
NODISCARD enum err webhook_body_to_show(struct ctx *ctx, const json_t *body, const char **ret);

#endif
