/* Secrets at rest: AES-256-GCM under a key of this installation (key_ring.h), as one word of text,
 * "v1.{key id}.{base64}". Every column that holds such texts has a row in
 * core/store/store_sealed.c. What a text belongs to is part of the seal, so a sealed text copied to
 * another row does not open there. */
#ifndef CORE_CLOUD_SECRETS_SEAL_H
#define CORE_CLOUD_SECRETS_SEAL_H

#include "core/cloud/secrets/key_file.h"

/* place names the row and column: "jobs.request/01hm3v...". The result is in the arena. Faults. */
NODISCARD enum err seal_text(struct ctx *ctx, const char *place, struct secret plain,
                             const char **ret_sealed);

/* ERR_UNAVAILABLE: sealed under another key, for another place, or changed. The result is in the
 * arena, NUL-terminated. */
NODISCARD enum err seal_open(struct ctx *ctx, const char *place, const char *sealed,
                             struct secret *ret_plain);

/* The id of the key that a text is sealed under. False: it is no sealed text. */
bool seal_key_id(const char *sealed, char ret_id[KEY_ID_SIZE]);

#endif
