/* credential.key, the file of the keys under which secrets are kept in the database. Two forms:
 *
 *   a text of 32 characters or more, which is one key (what is made on first use), and
 *
 *   simpletuner-cloud-keys 1
 *   seals 5b1f20c4 2024-01-15T10:30:00.000Z 64 hex digits
 *   opens 90ad7e31 2024-01-15T10:30:00.000Z 64 hex digits
 *   end
 *
 * of "secret rotate-key": what the key does, its id, since when, the key. One key seals; those that
 * sealed before open what is still under them; a "next" one opens, and is there so that all hosts
 * have it before one of them seals with it. Without the last line the file is cut, and refused. */
#ifndef CORE_CLOUD_SECRETS_KEY_FILE_H
#define CORE_CLOUD_SECRETS_KEY_FILE_H

#include <stdint.h>

#include "core/base/crypto.h"

#define MASTER_KEY_SIZE 32
#define KEY_ID_SIZE     9 /* 8 hex digits */
#define KEYS_MAX        8

struct master_key {
        unsigned char bytes[MASTER_KEY_SIZE];
        char id[KEY_ID_SIZE]; /* of an HMAC under the key, by which a text says what sealed it */
};

enum key_use { KEY_SEALS, KEY_OPENS, KEY_NEXT, KEY_USE_COUNT };
const char *key_use_name(enum key_use use);

struct kept_key {
        struct master_key key;
        enum key_use use;
        int64_t since_us; /* when its use began; 0: always so */
};

/* In the order of age, the newest first, but the one that seals before all. Wipe with secret_wipe.
 */
struct key_list {
        struct kept_key keys[KEYS_MAX];
        size_t count; /* 1 or more, keys[0] seals */
};

/* text is that of path, which messages name. ERR_UNAVAILABLE: it is neither form. */
NODISCARD enum err key_file_parse(struct ctx *ctx, const char *path, const char *text, size_t len,
                                  struct key_list *ret);
/* In the arena; wipe it. ERR_NOMEM. */
NODISCARD enum err key_file_print(struct ctx *ctx, const struct key_list *list, char **ret_text);

/* A new random key. ERR_INTERNAL. */
NODISCARD enum err key_file_make(struct ctx *ctx, struct master_key *ret);

#endif
