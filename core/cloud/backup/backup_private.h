/* private.enc: keys and configuration, without which a restored database is worth little on another
 * machine: credential.key, audit.key, audit.head, the secrets file, cloud.env and the file of rate
 * rules. A JSON document in chunks of AES-256-GCM under a key that scrypt makes of
 * SIMPLETUNER_BACKUP_PASSPHRASE; without that there is none. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_PRIVATE_H
#define CORE_CLOUD_BACKUP_BACKUP_PRIVATE_H

#include "core/cloud/backup/backup.h"

/* ERR_INVALID: there is no passphrase, or it is too short. */
NODISCARD enum err backup_private_ready(struct ctx *ctx);

/* Write the file and fill in private_bytes and private_sha256. */
NODISCARD enum err backup_private_write(struct ctx *ctx, const struct backup_new *made,
                                        struct backup *backup);

/* Decrypt, and unless dry_run put every file in its place, keeping what was there beside it as
 * NAME.before-restore. ERR_CONFLICT: another passphrase, or damaged. ERR_INVALID: no passphrase. */
NODISCARD enum err backup_private_restore(struct ctx *ctx, const struct backup *backup,
                                          bool dry_run);

/* Does the file hash as the manifest says? Needs no passphrase. */
NODISCARD enum err backup_private_check(struct ctx *ctx, const struct backup *backup);

#endif
