/* The keys of this installation, as credential.key has them (key_file.h), read anew whenever the
 * file has changed, so that a rotation needs no restart. Thread safe. */
#ifndef CORE_CLOUD_SECRETS_KEY_RING_H
#define CORE_CLOUD_SECRETS_KEY_RING_H

#include "core/cloud/secrets/key_file.h"

struct key_ring;

/* ERR_NOMEM. */
NODISCARD enum err key_ring_new(struct ctx *ctx, struct key_ring **ret);
void key_ring_free(struct key_ring *ring);
DEFINE_CLEANUP(struct key_ring *, key_ring_free)

/* All keys. The file is made on first use, exclusively, so that two processes agree. One that goes
 * away or is damaged later leaves this process with the keys that it has; the log says so.
 * ERR_UNAVAILABLE: unreadable, unsafe or neither form. */
NODISCARD enum err key_ring_read(struct ctx *ctx, struct key_list *ret);

/* The key to seal with; the one with this id, of which NULL is the oldest's: from before ids were
 * kept. Wipe it. ERR_NOT_FOUND: the file has no such key. ERR_UNAVAILABLE. */
NODISCARD enum err key_ring_sealing(struct ctx *ctx, struct master_key *ret);
NODISCARD enum err key_ring_find(struct ctx *ctx, const char *id, struct master_key *ret);

/* Change the file: locked against other processes, replaced atomically. change answers other than
 * OK to leave it as it is. */
typedef enum err key_change_fn(struct ctx *ctx, struct key_list *list, void *arg);
NODISCARD enum err key_ring_change(struct ctx *ctx, key_change_fn *change, void *arg);

/* Where the file is. Borrowed. */
const char *key_ring_path(const struct key_ring *ring);

#endif
