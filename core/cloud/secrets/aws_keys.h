/* The keys that requests to AWS are signed with, from where AWS's own tools look for them: the
 * environment, systemd's credentials or the file of secrets (AWS_ACCESS_KEY_ID and so on), else the
 * container's endpoint, else the instance's metadata (IMDSv2). Neither of the last two is reached
 * through a proxy. */
#ifndef CORE_CLOUD_SECRETS_AWS_KEYS_H
#define CORE_CLOUD_SECRETS_AWS_KEYS_H

#include "core/base/crypto.h"

struct aws_keys {
        char *id, *secret, *token; /* owned; token NULL: there is none */
        int64_t expires_us;        /* wall clock; 0: never, or not for us to know */
};

/* Have keys that are good for some minutes; what is there is kept while it is. Those that cannot be
 * renewed serve until they expire. ERR_UNAVAILABLE: there are none, with what was tried. */
NODISCARD enum err aws_keys_obtain(struct ctx *ctx, struct aws_keys *keys);

/* Wipe and free what is in it. */
void aws_keys_drop(struct aws_keys *keys);

#endif
