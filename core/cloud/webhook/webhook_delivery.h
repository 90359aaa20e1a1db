/* Stored webhook deliveries as an operator works with them: look at them, and apply one again. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_DELIVERY_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_DELIVERY_H

#include "core/cloud/webhook/webhook_apply.h"

/* *ret_body: the body as it may be shown, JSON text. In the arena. ERR_NOT_FOUND.
 * ERR_UNAVAILABLE: it does not open. */
NODISCARD enum err webhook_delivery_get(struct ctx *ctx, const char *delivery_id,
                                        struct webhook_delivery *ret, const char **ret_body);

/* Call row for each match, newest first; *ret_more: there are more than filter->limit. ERR_INVALID:
 * a filter that nothing can match. */
NODISCARD enum err webhook_delivery_list(struct ctx *ctx, const struct webhook_filter *filter,
                                         webhook_row_fn *row, void *arg, bool *ret_more);

/* Apply a delivery now, whatever came of it before, and say what that changed. Late, repeated and
 * reordered news change nothing, so this is safe. It is audited. ERR_NOT_FOUND. ERR_INVALID: its
 * body is no event. ERR_UNAVAILABLE: it does not open. */
NODISCARD enum err webhook_delivery_replay(struct ctx *ctx, const char *delivery_id,
                                           struct webhook_effect *ret);

#endif
