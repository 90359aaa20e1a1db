/* Is a backup good, and putting one back: for real, or to see whether it could be. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/base/gzip.h"
#include "core/cloud/backup/backup.h"
#include "core/cloud/backup/backup_pgsql.h"
#include "core/cloud/backup/backup_private.h"
#include "core/cloud/backup/backup_sqlite.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/db/sqlite_copy.h"
#include "core/store/store_totals.h"

#define PLAIN_NAME "plain.db"

static bool is_sqlite(const struct backup *backup)
{
        return strcmp(backup->kind, "sqlite") == 0;
}

static enum err open_file(struct ctx *ctx, const struct backup *backup, int *ret_fd)
{
        const char *path = arena_printf(ctx->arena, "%s/%s", backup->path, backup->file);
        CLEANUP(close_fdp) int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
        struct stat st;

        if (!path)
                return ctx_nomem(ctx);
        if (fd < 0 && (errno == ENOENT || errno == ELOOP))
                return ctx_fail(ctx, ERR_CONFLICT, "%s is missing from the backup", backup->file);
        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        if (!S_ISREG(st.st_mode) || st.st_size != backup->file_bytes)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%s has %" PRId64 " bytes, and had %" PRId64 " when it was made",
                                backup->file, (int64_t)st.st_size, backup->file_bytes);
        *ret_fd = TAKE_FD(fd);
        return OK;
}

static enum err fail_hash(struct ctx *ctx, const char *what)
{
        return ctx_fail(ctx, ERR_CONFLICT, "%s is damaged: its SHA-256 is not that of the manifest",
                        what);
}

/* ---- SQLite ---- */

static enum err unpack(struct ctx *ctx, const struct backup *backup, const char *to)
{
        CLEANUP(close_fdp) int from_fd = -1;
        CLEANUP(close_fdp) int to_fd = -1;
        struct gzip_sums sums;
        enum err rc = open_file(ctx, backup, &from_fd);

        if (rc != OK)
                return rc;
        to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (to_fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", to);
        rc = gzip_unpack(ctx, from_fd, to_fd, backup->plain_bytes, &sums);
        if (rc == ERR_CONFLICT)
                return ctx_prefix(ctx, rc, backup->file);
        if (rc != OK)
                return rc;
        if (strcmp(sums.packed_sha256, backup->sha256) != 0)
                return fail_hash(ctx, backup->file);
        return strcmp(sums.plain_sha256, backup->plain_sha256) == 0
                       ? OK
                       : fail_hash(ctx, "the database in it");
}

struct comparison {
        const json_t *rows;
        size_t tables;
};

static enum err compare_table(struct ctx *ctx, void *arg, const char *table, int64_t rows)
{
        struct comparison *comparison = arg;
        const json_t *wanted = json_object_get(comparison->rows, table);

        comparison->tables++;
        if (json_is_integer(wanted) && json_integer_value(wanted) == rows)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT,
                        "table %s has %" PRId64 " rows, and the manifest says %" PRId64, table,
                        rows, (int64_t)json_integer_value(wanted));
}

static enum err verify_sqlite(struct ctx *ctx, const struct backup *backup, const char *plain)
{
        struct comparison comparison = { backup->rows, 0 };
        enum err rc = unpack(ctx, backup, plain);

        FAULT_POINT("restore.unpacked");
        if (rc == OK)
                rc = sqlite_copy_check(ctx, plain);
        if (rc == OK)
                rc = sqlite_copy_tables(ctx, plain, compare_table, &comparison);
        if (rc == OK && comparison.tables != json_object_size(backup->rows))
                rc = ctx_fail(ctx, ERR_CONFLICT, "the backup lacks tables that its manifest names");
        return rc;
}

/* ---- PostgreSQL ---- */

enum err backup_hash_file(struct ctx *ctx, int fd, char ret_hex[SHA256_HEX_SIZE])
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
        unsigned char sum[SHA256_SIZE], piece[64 * KiB];
        ssize_t len = 0;

        while (hash && (len = read(fd, piece, sizeof(piece))) > 0) {
                if (!crypto_hash_add(hash, piece, (size_t)len))
                        return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        }
        if (!hash || len < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "a file cannot be read: %m");
        if (!crypto_hash_end(hash, sum))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash");
        crypto_hex(sum, sizeof(sum), ret_hex);
        return OK;
}

static enum err verify_pgsql(struct ctx *ctx, const struct backup *backup)
{
        CLEANUP(close_fdp) int fd = -1;
        char hex[SHA256_HEX_SIZE];
        const char *path = arena_printf(ctx->arena, "%s/%s", backup->path, backup->file);
        enum err rc = path ? open_file(ctx, backup, &fd) : ctx_nomem(ctx);

        if (rc == OK)
                rc = backup_hash_file(ctx, fd, hex);
        if (rc == OK && strcmp(hex, backup->sha256) != 0)
                rc = fail_hash(ctx, backup->file);
        return rc == OK ? backup_pgsql_check(ctx, path) : rc;
}

enum err backup_file_sums(struct ctx *ctx, const struct backup_new *made, struct backup *backup)
{
        CLEANUP(close_fdp) int fd = openat(made->fd, backup->file, O_RDONLY | O_CLOEXEC);
        char hex[SHA256_HEX_SIZE];
        struct stat st;
        enum err rc;

        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", backup->file);
        rc = backup_hash_file(ctx, fd, hex);
        backup->file_bytes = st.st_size;
        return rc == OK ? ctx_strdup(ctx, hex, &backup->sha256) : rc;
}

/* ---- both ---- */

static enum err verify_into(struct ctx *ctx, const struct backup_new *made,
                            const struct backup *backup, const char **ret_plain)
{
        const char *plain = backup_new_path(ctx, made, PLAIN_NAME);
        enum err rc = OK;

        if (!plain)
                return ctx_nomem(ctx);
        if (is_sqlite(backup))
                rc = backup_need_space(ctx, made->fd, backup->plain_bytes, "unpacking");
        if (rc == OK)
                rc = is_sqlite(backup) ? verify_sqlite(ctx, backup, plain)
                                       : verify_pgsql(ctx, backup);
        if (rc == OK && backup->private_bytes)
                rc = backup_private_check(ctx, backup);
        if (rc == OK)
                *ret_plain = plain;
        return rc;
}

enum err backup_verify(struct ctx *ctx, const struct backup_lock *lock, const struct backup *backup,
                       const char *unpacked)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        const char *plain;
        enum err rc = backup_new_begin(ctx, lock, "verify", &made);

        if (rc == OK)
                rc = verify_into(ctx, &made, backup, &plain);
        if (rc == OK && unpacked && is_sqlite(backup) && rename(plain, unpacked) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", unpacked);
        return rc;
}

/* The moments that metrics and alerts look at. */
static enum err note_rehearsal(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_total_set(ctx, TOTAL_BACKUP_VERIFIED_US, clock_wall_us(ctx->clock));
        return rc == OK ? db_commit(&tx) : rc;
}

/* Open it as this program would. */
static enum err try_out(struct ctx *ctx, const char *plain)
{
        CLEANUP(backup_scratch_close) struct backup_scratch scratch = { 0 };
        struct migrate_status status;
        unsigned applied;
        enum err rc = backup_scratch_open(ctx, plain, &scratch);

        if (rc == OK)
                rc = migrate_check(&scratch.ctx, &status);
        if (rc == OK && status.state == MIGRATE_BEHIND)
                rc = migrate_run(&scratch.ctx, &applied);
        if (rc == OK && status.state == MIGRATE_EMPTY)
                rc = ctx_fail(&scratch.ctx, ERR_CONFLICT, "it is no database of this program");
        return rc;
}

enum err backup_rehearse(struct ctx *ctx, const struct backup_lock *lock,
                         const struct backup *backup, bool *ret_partly)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        const char *plain;
        enum err rc = backup_new_begin(ctx, lock, "rehearsal", &made);

        *ret_partly = false;
        if (rc == OK)
                rc = verify_into(ctx, &made, backup, &plain);
        if (rc == OK)
                rc = is_sqlite(backup) ? try_out(ctx, plain)
                                       : backup_pgsql_rehearse(ctx, backup, made.path);
        if (rc == ERR_DENIED) {
                *ret_partly = true;
                rc = OK;
        }
        return rc == OK ? note_rehearsal(ctx) : rc;
}

/* ---- putting it back ---- */

/* All that can be found out without changing anything. */
static enum err try_only(struct ctx *ctx, const struct backup *backup, const char *plain)
{
        const char *newest = is_sqlite(backup) ? plain : NULL;

        return newest ? try_out(ctx, newest) : OK;
}

static enum err restore_database(struct ctx *ctx, const struct backup_lock *lock,
                                 const struct backup *backup,
                                 const struct backup_restore_wish *wish,
                                 struct restore_report *report)
{
        CLEANUP(backup_new_drop) struct backup_new made = BACKUP_NEW_NONE;
        struct restore_wish inner = { .source = backup->id,
                                      .restart_audit = wish->restart_audit,
                                      .no_safety = wish->no_safety };
        enum err rc = backup_new_begin(ctx, lock, "restore", &made);

        if (rc == OK)
                rc = verify_into(ctx, &made, backup, &inner.path);
        if (rc == OK && wish->dry_run)
                return try_only(ctx, backup, inner.path);
        if (rc != OK)
                return rc;
        return is_sqlite(backup) ? restore_sqlite_file(ctx, lock, &inner, report)
                                 : restore_pgsql(ctx, lock, backup, &inner, report);
}

enum err backup_restore(struct ctx *ctx, const struct backup_lock *lock,
                        const struct backup *backup, const struct backup_restore_wish *wish,
                        struct restore_report *ret)
{
        const char *kind = database_kind(ctx->cloud->database);
        struct restore_report report = { 0 };
        enum err rc = OK;

        if (strcmp(kind, backup->kind) != 0 && !wish->no_database)
                return ctx_fail(ctx, ERR_UNSUPPORTED,
                                "the backup is of %s, and SIMPLETUNER_DATABASE_URL is %s",
                                backup->kind, kind);
        if (wish->private_files)
                rc = backup_private_restore(ctx, backup, wish->dry_run);
        if (rc == OK && !wish->no_database)
                rc = restore_database(ctx, lock, backup, wish, &report);
        if (rc == OK)
                *ret = report;
        return rc;
}
