/* What no object needs in the S3 store is noted in the transaction that makes it so, and removed
 * there afterwards: at once, or by the sweep when the store is away or we died in between. */
#ifndef CORE_CLOUD_REMOTE_REMOTE_LEFTOVER_H
#define CORE_CLOUD_REMOTE_REMOTE_LEFTOVER_H

#include "core/cloud/remote/remote_store.h"
#include "core/store/store_leftovers.h"

/* Before bytes are sent: a name that becomes an object's, or is swept a day later. */
NODISCARD enum err remote_leftover_expect(struct ctx *ctx, const char *url);

/* Inside a transaction: this is in nobody's use any more; and after it: remove it. What cannot be
 * removed now is left to the sweep and a line in the log. ctx keeps what it says. */
NODISCARD enum err remote_leftover_note(struct ctx *ctx, const char *url, const char *remote_id);
void remote_leftover_remove(struct ctx *ctx, const char *url, const char *remote_id);

/* Something broke off, and some stores keep half of it a moment later: the sweep looks soon. */
void remote_leftover_delay(struct ctx *ctx, const char *url);
/* Nothing ever came under this name. */
void remote_leftover_forget(struct ctx *ctx, const char *url);

/* Look at no more than limit that are due, and remove them; what cannot be removed comes again an
 * hour later. */
NODISCARD enum err remote_leftover_sweep(struct ctx *ctx, unsigned limit, unsigned *ret_swept);

#endif
