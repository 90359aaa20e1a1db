/* The audit log as a chain: how entries are made one, and the signatures beside it.
 *
 * An entry's hash is HMAC-SHA256 over its canonical form: all its fields, its number, its time and
 * the hash of the entry before (AUDIT_GENESIS before the first) as netstrings ("3:abc,"
 * https://cr.yp.to/proto/netstrings.txt), with "-," for a field that is not there, so that no two
 * entries have the same form. The head (number and hash of the newest, and how many there were) and
 * the anchor (where the chain begins) are signed with keys of their own.
 *
 * Appending takes the head's row until the end of the transaction, on SQLite and PostgreSQL alike:
 * any number of processes write one chain, numbered in the order of commits. Nobody appends to a
 * head that is not signed with this key: a log that was tampered with is not made good again by
 * going on with it. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_CHAIN_H
#define CORE_CLOUD_AUDIT_AUDIT_CHAIN_H

#include "core/base/buf.h"
#include "core/cloud/audit/audit_key.h"
#include "core/store/store_audit.h"

#define AUDIT_GENESIS   "genesis"
#define AUDIT_HASH_SIZE SHA256_HEX_SIZE

/* Give row its number, time and hashes and insert it. Inside a transaction, late in it. Faults. */
NODISCARD enum err audit_append(struct ctx *ctx, struct audit_row *row);

/* For those who hash many entries; not thread safe. */
struct audit_hasher;
NODISCARD enum err audit_hasher_new(struct ctx *ctx, const struct audit_key_set *keys,
                                    struct audit_hasher **ret);
void audit_hasher_free(struct audit_hasher *hasher);
DEFINE_CLEANUP(struct audit_hasher *, audit_hasher_free)

/* The hash that an entry with row's fields and previous_hash has. ERR_NOMEM | ERR_INTERNAL. */
NODISCARD enum err audit_hash_row(struct ctx *ctx, struct audit_hasher *hasher,
                                  const struct audit_row *row, char ret_hash[AUDIT_HASH_SIZE]);

/* Sign; the mac is in the arena. Faults. */
NODISCARD enum err audit_head_sign(struct ctx *ctx, const struct audit_key_set *keys,
                                   struct audit_head *head);
NODISCARD enum err audit_anchor_sign(struct ctx *ctx, const struct audit_key_set *keys,
                                     struct audit_anchor *anchor);
/* Is it signed with these keys? Out of memory counts as not. */
bool audit_head_is_good(const struct audit_key_set *keys, const struct audit_head *head);
bool audit_anchor_is_good(const struct audit_key_set *keys, const struct audit_anchor *anchor);

/* Sign, or check, what an export says of itself at its end: text is all but the mac. */
bool audit_export_mac(const struct audit_key_set *keys, const char *text,
                      char ret_mac[AUDIT_HASH_SIZE]);

/* Equal hashes, in time that does not tell where they differ. NULL equals nothing. */
bool audit_hash_equal(const char *a, const char *b);

/* Give up the chain as it is, when its key is lost or it is broken and that was looked into: what
 * there is counts as without a hash, and a new chain begins with an entry that says so. In a
 * transaction of its own. Faults. */
NODISCARD enum err audit_chain_restart(struct ctx *ctx, int64_t *ret_first_id);

#endif
