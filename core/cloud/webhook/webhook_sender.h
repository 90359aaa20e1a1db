/* Whose account at the provider sends a webhook. The jobs of an owner with a token of their own run
 * in that owner's account, which signs with a secret of its own; so it can vouch for the one job it
 * was asked to tell of, and for no other. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_SENDER_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_SENDER_H

#include "core/cloud/webhook/webhook_event.h"

struct webhook_sender {
        struct provider_session session; /* of the account */
        const char *job_id;              /* all it may tell of; NULL: of every job */
        const char *external_id;         /* of that job; NULL: not known yet */
};

/* job_hint: the job_id in the webhook's URL, unchecked, or NULL. ERR_NOT_FOUND: no such provider.
 * ERR_UNAVAILABLE. */
NODISCARD enum err webhook_sender_open(struct ctx *ctx, const char *provider_id,
                                       const char *job_hint, struct webhook_sender *ret);

/* May this sender tell this? */
bool webhook_sender_may_tell(const struct webhook_sender *sender,
                             const struct webhook_event *event);

#endif
