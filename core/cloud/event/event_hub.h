/* Tells the listeners of this process that something has happened, whoever wrote it: this process,
 * another one, or another host. It looks at the database while somebody listens, and only then. */
#ifndef CORE_CLOUD_EVENT_EVENT_HUB_H
#define CORE_CLOUD_EVENT_EVENT_HUB_H

#include "core/base/ctx.h"

/* Background work, woken by BELL_LISTENERS: wait for news a moment, and ring BELL_EVENTS if there
 * are some. *ret_more: somebody listens, so call again at once. Faults. */
NODISCARD enum err event_hub_watch(struct ctx *ctx, bool *ret_more);

#endif
