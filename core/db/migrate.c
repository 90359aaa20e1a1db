#include "core/db/migrate.h"

#include <string.h>

#include "core/base/crypto.h"
#include "core/db/db.h"

static const char create_table[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                   " version BIGINT PRIMARY KEY,"
                                   " name TEXT NOT NULL,"
                                   " sha256 TEXT NOT NULL,"
                                   " applied_at_us BIGINT NOT NULL)";

/* The file of a version for this database, NULL when there is none. */
static const struct migration_file *find_file(const char *dialect, unsigned version)
{
        for (size_t i = 0; i < migration_file_count; i++) {
                const struct migration_file *file = &migration_files[i];

                if (file->version == version &&
                    (!file->dialect || strcmp(file->dialect, dialect) == 0))
                        return file;
        }
        return NULL;
}

static unsigned newest_version(void)
{
        return migration_file_count ? migration_files[migration_file_count - 1].version : 0;
}

static enum err check_applied(struct ctx *ctx, unsigned version, const char *name,
                              const char *sha256)
{
        const struct migration_file *file = find_file(db_dialect(ctx->db), version);
        char hex[SHA256_HEX_SIZE];

        if (!file)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "the database has migration %s, which this program does not know: "
                                "it was written by a newer version; install that version",
                                name);
        if (!crypto_sha256_hex(file->sql, strlen(file->sql), hex))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash migration %s", file->name);
        if (strcmp(hex, sha256) != 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "migration %s was applied in another form than this program has; "
                                "install the version that wrote this database",
                                file->name);
        return OK;
}

enum err migrate_check(struct ctx *ctx, struct migrate_status *ret)
{
        static const char sql[] =
                "SELECT version, name, sha256 FROM schema_migrations ORDER BY version";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct migrate_status status = { .state = MIGRATE_EMPTY, .newest = newest_version() };
        bool exists = false;
        enum err rc;

        rc = db_has_table(ctx, "schema_migrations", &exists);
        if (rc != OK)
                return rc;
        if (exists) {
                rc = db_query(ctx, &stmt, sql, "");
                if (rc != OK)
                        return rc;
                while ((rc = db_step(ctx, stmt)) == OK) {
                        status.current = (unsigned)db_int(stmt, 0);
                        rc = check_applied(ctx, status.current, db_text(stmt, 1), db_text(stmt, 2));
                        if (rc != OK)
                                return rc;
                }
                if (rc != ERR_NOT_FOUND)
                        return rc;
        }
        if (status.current > 0)
                status.state = status.current < status.newest ? MIGRATE_BEHIND : MIGRATE_CURRENT;
        *ret = status;
        return OK;
}

static enum err apply(struct ctx *ctx, const struct migration_file *file)
{
        static const char sql[] = "INSERT INTO schema_migrations (version, name, sha256, "
                                  "applied_at_us) VALUES ($1, $2, $3, $4)";
        char hex[SHA256_HEX_SIZE];
        enum err rc;

        if (!crypto_sha256_hex(file->sql, strlen(file->sql), hex))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash migration %s", file->name);
        rc = db_exec_script(ctx, file->sql);
        if (rc != OK)
                return rc;
        return db_run(ctx, NULL, sql, "itti", (int64_t)file->version, file->name, hex,
                      clock_wall_us(ctx->clock));
}

enum err migrate_run(struct ctx *ctx, unsigned *ret_applied)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct migrate_status status;
        unsigned applied = 0;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc != OK)
                return rc;
        rc = db_lock(ctx, "migrate");
        if (rc != OK)
                return rc;
        rc = db_exec_script(ctx, create_table);
        if (rc != OK)
                return rc;
        rc = migrate_check(ctx, &status);
        if (rc != OK)
                return rc;
        for (unsigned version = status.current + 1; version <= status.newest; version++) {
                const struct migration_file *file = find_file(db_dialect(ctx->db), version);

                if (!file)
                        continue;
                rc = apply(ctx, file);
                if (rc != OK)
                        return rc;
                applied++;
        }
        rc = db_commit(&tx);
        if (rc == OK)
                *ret_applied = applied;
        return rc;
}

enum err migrate_at_start(struct ctx *ctx, struct migrate_status *ret)
{
        unsigned applied;
        enum err rc;

        rc = migrate_check(ctx, ret);
        if (rc != OK || ret->state != MIGRATE_EMPTY)
                return rc;
        rc = migrate_run(ctx, &applied);
        if (rc != OK)
                return rc;
        return migrate_check(ctx, ret);
}

static enum err read_migration(struct ctx *ctx, struct db_stmt *stmt, void *row)
{
        struct migration *migration = row;

        migration->version = (unsigned)db_int(stmt, 0);
        migration->applied_at_us = db_int(stmt, 2);
        return db_text_dup(ctx, stmt, 1, &migration->name);
}

static enum err list_applied(struct ctx *ctx, struct migration **ret)
{
        static const char sql[] =
                "SELECT version, name, applied_at_us FROM schema_migrations ORDER BY version";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        bool exists = false;
        enum err rc = db_has_table(ctx, "schema_migrations", &exists);

        *ret = NULL;
        if (rc != OK || !exists)
                return rc;
        rc = db_query(ctx, &stmt, sql, "");
        return rc == OK ? db_collect(ctx, stmt, DB_LIST(struct migration, read_migration), ret)
                        : rc;
}

enum err migrate_list(struct ctx *ctx, struct migration **ret)
{
        struct migration *first = NULL, **next = &first;
        enum err rc = list_applied(ctx, &first);
        unsigned version = 0;

        if (rc != OK)
                return rc;
        for (; *next; next = &(*next)->next)
                version = (*next)->version;
        while (++version <= newest_version()) {
                const struct migration_file *file = find_file(db_dialect(ctx->db), version);

                if (!file)
                        continue;
                *next = arena_alloc(ctx->arena, sizeof(**next));
                if (!*next)
                        return ctx_nomem(ctx);
                (*next)->version = version;
                (*next)->name = file->name;
                next = &(*next)->next;
        }
        *ret = first;
        return OK;
}
