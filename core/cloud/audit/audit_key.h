/* The key of the audit log: SIMPLETUNER_AUDIT_KEY, else $SIMPLETUNER_HOME/audit.key, which is made
 * exclusively when nothing is signed yet. What it signs has keys of its own, derived from it
 * (HMAC-SHA256 of a label), so that no signature stands for another. Read once by each process;
 * thread safe. Whoever has it can forge entries: keep it, or a copy of audit.head, elsewhere. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_KEY_H
#define CORE_CLOUD_AUDIT_AUDIT_KEY_H

#include <stdbool.h>

#include "core/base/crypto.h"

enum audit_use { AUDIT_ENTRY, AUDIT_HEAD, AUDIT_ANCHOR, AUDIT_EXPORT, AUDIT_USE_COUNT };

struct audit_key_set {
        unsigned char of[AUDIT_USE_COUNT][SHA256_SIZE];
};

struct audit_keys;

/* Reads the key if there is one. ERR_INVALID: it is too short. ERR_UNAVAILABLE: it cannot be read,
 * or others may read it. */
NODISCARD enum err audit_keys_new(struct ctx *ctx, struct audit_keys **ret);
void audit_keys_free(struct audit_keys *keys);
DEFINE_CLEANUP(struct audit_keys *, audit_keys_free)

/* The keys, borrowed from ctx->cloud, or from the arena without one. may_make: nothing is signed
 * yet, so there may be no key yet either. ERR_UNAVAILABLE: there is none, or as audit_keys_new; a
 * key that is gone is never replaced by itself. */
NODISCARD enum err audit_keys_get(struct ctx *ctx, bool may_make, const struct audit_key_set **ret);

/* Read the key anew, after its file was replaced. For a process without other threads. As
 * audit_keys_new. */
NODISCARD enum err audit_keys_reload(struct ctx *ctx);

#endif
