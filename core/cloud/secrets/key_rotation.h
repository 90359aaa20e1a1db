/* Changing the key under which secrets are kept in the database: a new key seals from now on, what
 * is there is sealed anew, and when nothing is left under an old key, that is dropped. Each step
 * may be broken off at any point and done again. Audited as "key.rotated". */
#ifndef CORE_CLOUD_SECRETS_KEY_ROTATION_H
#define CORE_CLOUD_SECRETS_KEY_ROTATION_H

#include "core/cloud/secrets/key_file.h"

/* No request or task holds on to a key for so long. */
#define KEY_SETTLES_US (600 * US_PER_S)

/* Add a key that opens, to be brought to all hosts before one seals with it; one that is there
 * already is enough. ERR_CONFLICT: there are KEYS_MAX of them. */
NODISCARD enum err key_rotation_prepare(struct ctx *ctx);
/* Seal with the key that was prepared. ERR_CONFLICT: none was. */
NODISCARD enum err key_rotation_activate(struct ctx *ctx);
/* Both at once, unless an old key is there already: then that rotation is to go on. ERR_CONFLICT: a
 * key was prepared; or other hosts may use the database, and nobody said that none does. */
NODISCARD enum err key_rotation_begin(struct ctx *ctx, bool is_one_host);

/* Seal anew what is not under the key that seals, row by row and some rows to a transaction. */
struct key_rotation {
        int64_t sealed;     /* rows that were sealed anew */
        int64_t unreadable; /* rows that do not open, and stay as they are */
};
NODISCARD enum err key_rotation_reseal(struct ctx *ctx, struct key_rotation *ret);

/* What is left under a key. */
struct key_left {
        int64_t rows, uploads; /* uploads: active jobs, until they end */
};
NODISCARD enum err key_rotation_left(struct ctx *ctx, const struct key_list *list, size_t index,
                                     struct key_left *ret);

/* Drop the old keys. ERR_CONFLICT: something is left under one. ERR_NOT_READY: the change is
 * younger than KEY_SETTLES_US. ret_dropped: how many. */
NODISCARD enum err key_rotation_retire(struct ctx *ctx, size_t *ret_dropped);

#endif
