#include "core/store/store_users.h"

#include "core/db/db.h"

#define SELECT                                                                                     \
        "SELECT user_id, username, email, display_name, password_hash, auth_provider, is_admin, "  \
        "deactivated_at_us, granted, denied, org_id, created_at_us, last_login_at_us, "            \
        "(SELECT a.updated_at_us FROM user_avatars a WHERE a.user_id = users.user_id) FROM users " \
        "WHERE deleted_at_us IS NULL "

static struct user borrow(struct db_stmt *stmt)
{
        return (struct user){
                .user_id = db_int(stmt, 0),
                .username = db_text(stmt, 1),
                .email = db_text(stmt, 2),
                .display_name = db_text(stmt, 3),
                .password_hash = db_text(stmt, 4),
                .auth_provider = db_text(stmt, 5),
                .is_admin = db_int(stmt, 6) != 0,
                .is_active = db_int(stmt, 7) == 0,
                .granted = db_text(stmt, 8),
                .denied = db_text(stmt, 9),
                .org_id = db_int(stmt, 10),
                .created_at_us = db_int(stmt, 11),
                .last_login_at_us = db_int(stmt, 12),
                .avatar_at_us = db_int(stmt, 13),
        };
}

/* The texts of a borrowed row, copied. */
static enum err keep(struct ctx *ctx, struct user *row)
{
        const char **const texts[] = { &row->username,      &row->email,         &row->display_name,
                                       &row->password_hash, &row->auth_provider, &row->granted,
                                       &row->denied };
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
        return rc;
}

static enum err get(struct ctx *ctx, struct db_stmt *stmt, struct user *ret)
{
        struct user row;
        enum err rc = db_step(ctx, stmt);

        if (rc != OK)
                return rc;
        row = borrow(stmt);
        rc = keep(ctx, &row);
        if (rc == OK)
                *ret = row;
        return rc;
}

static enum err unknown(struct ctx *ctx, int64_t user_id)
{
        return ctx_fail(ctx, ERR_NOT_FOUND, "User %lld not found", (long long)user_id);
}

enum err store_user_insert(struct ctx *ctx, const struct user *row, const struct user_keys *keys,
                           int64_t *ret_user_id)
{
        static const char sql[] =
                "INSERT INTO users (user_id, username, username_key, email, email_key, "
                "display_name, password_hash, auth_provider, is_admin, created_at_us) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
        int64_t user_id, changed = 0;
        enum err rc = db_next(ctx, "user", &user_id);

        if (rc == OK)
                rc = db_run(ctx, &changed, sql, "itttttttii", user_id, row->username,
                            keys->username_key, row->email, keys->email_key, row->display_name,
                            row->password_hash, row->auth_provider, (int64_t)row->is_admin,
                            row->created_at_us);
        if (rc == OK && changed == 0)
                return ERR_CONFLICT;
        if (rc == OK)
                *ret_user_id = user_id;
        return rc;
}

enum err store_user_get(struct ctx *ctx, int64_t user_id, struct user *ret)
{
        static const char sql[] = SELECT "AND user_id = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "i", user_id);
        if (rc == OK)
                rc = get(ctx, stmt, ret);
        return rc == ERR_NOT_FOUND ? unknown(ctx, user_id) : rc;
}

enum err store_user_by_name(struct ctx *ctx, const char *username_key, struct user *ret)
{
        static const char sql[] = SELECT "AND username_key = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", username_key);
        return rc == OK ? get(ctx, stmt, ret) : rc;
}

enum err store_user_by_login(struct ctx *ctx, const char *login_key, struct user *ret)
{
        static const char sql[] = SELECT "AND (username_key = $1 OR email_key = $1) "
                                         "ORDER BY CASE WHEN username_key = $1 THEN 0 ELSE 1 END";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "t", login_key);
        return rc == OK ? get(ctx, stmt, ret) : rc;
}

enum err store_users_each(struct ctx *ctx, const struct user_page *page, user_row_fn *row,
                          void *arg)
{
        static const char sql[] = SELECT "AND ($1 = 1 OR deactivated_at_us IS NULL) "
                                         "ORDER BY user_id LIMIT $2 OFFSET $3";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "iii", (int64_t)page->include_inactive, page->limit,
                               page->offset);

        if (rc != OK)
                return rc;
        while ((rc = db_step(ctx, stmt)) == OK) {
                const struct user user = borrow(stmt);

                row(arg, &user);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_user_update(struct ctx *ctx, const struct user *row, const char *email_key)
{
        static const char sql[] =
                "UPDATE users SET email = $2, email_key = $3, display_name = $4, is_admin = $5, "
                "deactivated_at_us = CASE WHEN $6 = 1 THEN NULL "
                "ELSE COALESCE(deactivated_at_us, $7) END "
                "WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "itttiii", row->user_id, row->email, email_key,
                             row->display_name, (int64_t)row->is_admin, (int64_t)row->is_active,
                             clock_wall_us(ctx->clock));

        if (rc == ERR_CONFLICT)
                return ctx_fail(ctx, rc, "User with email '%.254s' already exists", row->email);
        return rc == OK && changed == 0 ? unknown(ctx, row->user_id) : rc;
}

enum err store_user_set_overrides(struct ctx *ctx, int64_t user_id, const char *granted,
                                  const char *denied)
{
        static const char sql[] = "UPDATE users SET granted = $2, denied = $3 "
                                  "WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "itt", user_id, granted, denied);

        return rc == OK && changed == 0 ? unknown(ctx, user_id) : rc;
}

enum err store_user_set_org(struct ctx *ctx, int64_t user_id, int64_t org_id)
{
        static const char sql[] = "UPDATE users SET org_id = $2 "
                                  "WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "iz", user_id, org_id);

        return rc == OK && changed == 0 ? unknown(ctx, user_id) : rc;
}

enum err store_user_delete(struct ctx *ctx, int64_t user_id)
{
        static const char sql[] =
                "UPDATE users SET deleted_at_us = $2, email = NULL, email_key = NULL, "
                "display_name = '', password_hash = NULL, is_admin = 0, granted = '', "
                "denied = '', org_id = NULL WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, NULL, "DELETE FROM user_levels WHERE user_id = $1", "i", user_id);

        if (rc == OK)
                rc = db_run(ctx, NULL, "DELETE FROM team_members WHERE user_id = $1", "i", user_id);
        if (rc == OK)
                rc = db_run(ctx, NULL, "DELETE FROM user_avatars WHERE user_id = $1", "i", user_id);
        if (rc == OK)
                rc = db_run(ctx, &changed, sql, "ii", user_id, clock_wall_us(ctx->clock));
        return rc == OK && changed == 0 ? unknown(ctx, user_id) : rc;
}

enum err store_user_set_password(struct ctx *ctx, int64_t user_id, const char *hash)
{
        static const char sql[] = "UPDATE users SET password_hash = $2 "
                                  "WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "it", user_id, hash);

        return rc == OK && changed == 0 ? unknown(ctx, user_id) : rc;
}

enum err store_user_set_provider(struct ctx *ctx, int64_t user_id, const char *provider)
{
        static const char sql[] = "UPDATE users SET auth_provider = $2, password_hash = NULL "
                                  "WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "it", user_id, provider);

        return rc == OK && changed == 0 ? unknown(ctx, user_id) : rc;
}

enum err store_user_note_login(struct ctx *ctx, int64_t user_id)
{
        static const char sql[] = "UPDATE users SET last_login_at_us = $2 "
                                  "WHERE user_id = $1 AND deleted_at_us IS NULL";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "ii", user_id, clock_wall_us(ctx->clock));

        return rc == OK && changed == 0 ? unknown(ctx, user_id) : rc;
}

static enum err count(struct ctx *ctx, const char *sql, int64_t *ret)
{
        return db_number(ctx, ret, sql, "");
}

enum err store_users_count_admins(struct ctx *ctx, int64_t *ret)
{
        static const char sql[] =
                "SELECT COUNT(*) FROM users u WHERE u.deleted_at_us IS NULL "
                "AND u.deactivated_at_us IS NULL AND (u.is_admin = 1 OR (u.denied = '' "
                "AND EXISTS (SELECT 1 FROM user_levels m JOIN levels l "
                "ON l.level_id = m.level_id WHERE m.user_id = u.user_id "
                "AND l.permissions = '*')))";

        return count(ctx, sql, ret);
}

enum err store_users_count(struct ctx *ctx, int64_t *ret)
{
        static const char sql[] = "SELECT COUNT(*) FROM users WHERE deleted_at_us IS NULL";

        return count(ctx, sql, ret);
}

enum err store_users_count_active(struct ctx *ctx, int64_t *ret)
{
        static const char sql[] = "SELECT COUNT(*) FROM users WHERE deleted_at_us IS NULL "
                                  "AND deactivated_at_us IS NULL";

        return count(ctx, sql, ret);
}

enum err store_user_add_level(struct ctx *ctx, int64_t user_id, const char *level)
{
        static const char sql[] =
                "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                "SELECT $1, level_id, $3, $4 FROM levels WHERE name = $2 "
                "ON CONFLICT (user_id, level_id) DO UPDATE SET granted_by = user_levels.granted_by";
        int64_t changed = 0;
        enum err rc = db_run(ctx, &changed, sql, "itti", user_id, level, ctx_actor_name(ctx),
                             clock_wall_us(ctx->clock));

        if (rc == OK && changed == 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "Level not found: %.64s", level);
        return rc;
}
