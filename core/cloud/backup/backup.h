/* Backups: each is a directory {SIMPLETUNER_BACKUP_DIR}/{id} with the database (gzip of a SQLite
 * file, or pg_dump's custom form), a manifest.json that says what is in it and how it hashes, and
 * perhaps keys and configuration, encrypted (private.enc). They appear whole or not at all. */
#ifndef CORE_CLOUD_BACKUP_BACKUP_H
#define CORE_CLOUD_BACKUP_BACKUP_H

#include "core/base/crypto.h"
#include "core/base/json.h"
#include "core/cloud/backup/backup_files.h"
#include "core/cloud/backup/restore.h"
#include "core/store/store_audit.h"

#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_PRIVATE  "private.enc"
#define BACKUP_FORMAT   1

/* What a manifest says; texts are in the arena, or borrowed from its tree, which is too. */
struct backup {
        const char *path; /* its directory */
        const char *id, *name, *description, *created_by, *program_version;
        const char *kind;               /* "sqlite" or "postgresql" */
        int64_t created_at_us, took_us; /* the moment it is of */
        unsigned schema_version;
        const char *file, *sha256, *plain_sha256; /* the latter: of the SQLite file */
        int64_t file_bytes, plain_bytes;
        int64_t size_bytes; /* of all its files */
        const char *private_sha256;
        int64_t private_bytes;        /* 0: there is no private.enc */
        const json_t *rows;           /* table: rows */
        const json_t *wal;            /* of those who keep what came after it; NULL */
        struct audit_head audit_head; /* as it was; of a log without a chain mac is NULL */
        struct backup *next;
};

struct backup_wish {
        const char *id;                 /* NULL: one is made */
        const char *name, *description; /* NULL: none */
        bool with_private; /* fail without SIMPLETUNER_BACKUP_PASSPHRASE; with it, keys and
                            * configuration are always included */
        bool quiet;        /* no entry in the audit log, and not in the metrics */
};

/* Make one, verified: the copy is checked before it counts. The caller holds lock.
 * ERR_INVALID: a bad name, or no passphrase. ERR_NO_SPACE: it does not fit. ERR_CONFLICT: the
 * database is damaged. ERR_NOT_READY: the programs of PostgreSQL are missing. Faults. */
NODISCARD enum err backup_make(struct ctx *ctx, const struct backup_lock *lock,
                               const struct backup_wish *wish, struct backup *ret);

/* The one of this id. ERR_INVALID: it is no id. ERR_NOT_FOUND. ERR_CONFLICT: its manifest is
 * damaged, or of a newer program. */
NODISCARD enum err backup_get(struct ctx *ctx, const char *id, struct backup *ret);
/* The same for an operator's word: an id, a backup's directory anywhere, or a file in one; NULL is
 * the newest there is. */
NODISCARD enum err backup_find(struct ctx *ctx, const char *what, struct backup *ret);
/* All good manifests, newest first, at most limit. *ret_bytes of all files. Faults. */
NODISCARD enum err backup_list(struct ctx *ctx, unsigned limit, struct backup **ret,
                               int64_t *ret_bytes);

/* Do the files hash as the manifest says, and is the database in it good? unpacked: where the plain
 * SQLite file shall be left; NULL: nowhere. ERR_CONFLICT: something is wrong; detail says what.
 * ERR_NO_SPACE. Faults. */
NODISCARD enum err backup_verify(struct ctx *ctx, const struct backup_lock *lock,
                                 const struct backup *backup, const char *unpacked);

/* ERR_CONFLICT: it is the only one. */
NODISCARD enum err backup_delete(struct ctx *ctx, const struct backup_lock *lock, const char *id);
/* Delete those that are older than SIMPLETUNER_BACKUP_RETENTION_DAYS while more than
 * SIMPLETUNER_BACKUP_RETENTION_COUNT newer ones are there. */
NODISCARD enum err backup_prune(struct ctx *ctx, const struct backup_lock *lock,
                                unsigned *ret_count);

struct backup_restore_wish {
        bool dry_run;                  /* all but the last step */
        bool private_files;            /* keys and configuration too */
        bool no_database;              /* those alone */
        bool restart_audit, no_safety; /* as in struct restore_wish */
};
/* Put it back. As backup_verify and restore_sqlite_file; ERR_UNSUPPORTED: it is of the other kind
 * of database. */
NODISCARD enum err backup_restore(struct ctx *ctx, const struct backup_lock *lock,
                                  const struct backup *backup,
                                  const struct backup_restore_wish *wish,
                                  struct restore_report *ret);

/* Restore it into a database that is thrown away, bring that to this program's schema, and compare
 * it with the manifest. *ret_partly: PostgreSQL lets us make no database, so the backup was only
 * read to its end. As backup_verify. */
NODISCARD enum err backup_rehearse(struct ctx *ctx, const struct backup_lock *lock,
                                   const struct backup *backup, bool *ret_partly);

/* Count a failure of the above for the metrics, keeping ctx's detail. */
void backup_count_failure(struct ctx *ctx);

/* As an object that is open, for answers: id, name, created_at, size_bytes and so on. */
struct jsonw;
void backup_render(struct jsonw *json, const struct backup *backup);

/* Private to backup*.c: the SHA-256 of a file to its end, and of backup->file; manifests as files.
 */
NODISCARD enum err backup_hash_file(struct ctx *ctx, int fd, char ret_hex[SHA256_HEX_SIZE]);
NODISCARD enum err backup_file_sums(struct ctx *ctx, const struct backup_new *made,
                                    struct backup *backup);
NODISCARD enum err backup_manifest_write(struct ctx *ctx, const struct backup_new *made,
                                         const struct backup *backup);
NODISCARD enum err backup_manifest_read(struct ctx *ctx, const char *path, struct backup *ret);

#endif
