#include "core/cloud/auth/setup.h"

#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/password.h"
#include "core/cloud/auth/user.h"
#include "core/cloud/cloud.h"
#include "core/cloud/preference.h"
#include "core/db/db.h"
#include "core/store/store_levels.h"
#include "core/store/store_preferences.h"

#define SETTING       "registration"
#define DEFAULT_LEVEL "researcher"

/* ---- the setting ---- */

/* It is kept as "on" or "off", a space and the level. */
enum err registration_get(struct ctx *ctx, struct registration *ret)
{
        struct registration setting = { .default_level = DEFAULT_LEVEL };
        const char *value;
        enum err rc = store_preference_get(ctx, SETTING, &value);

        if (rc == ERR_NOT_FOUND) {
                *ret = setting;
                return OK;
        }
        if (rc == OK) {
                setting.enabled = strncmp(value, "on ", 3) == 0;
                setting.default_level = value + strcspn(value, " ") + 1;
        }
        if (rc == OK)
                *ret = setting;
        return rc;
}

/* Nobody may have strangers made what he is not himself; nor may anybody become all by asking. */
static enum err check_level(struct ctx *ctx, const char *name)
{
        struct level level;
        permission_set gives;
        enum err rc = store_level_by_name(ctx, name, &level);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_INVALID, "default_level: there is no level \"%.64s\"",
                                name);
        if (rc != OK)
                return rc;
        gives = permission_set_close(permission_set_parse(level.permissions));
        if (gives == PERMISSION_SET_ALL || !permission_set_within(gives, auth_rights(ctx)))
                return ctx_fail(ctx, ERR_DENIED,
                                "default_level: a level that gives all, or more than you have, "
                                "cannot be had by registering");
        return OK;
}

enum err registration_set(struct ctx *ctx, const struct registration *given)
{
        const char *value = arena_printf(ctx->arena, "%s %s", given->enabled ? "on" : "off",
                                         given->default_level);
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:b, s:s}", "enabled", given->enabled, "default_level",
                                    given->default_level);
        const struct audit_entry entry = {
                .event_type = "config.changed",
                .target_type = "setting",
                .target_id = SETTING,
                .action = "Changed who may register",
                .details = details,
        };
        enum err rc;

        if (!value || !details)
                return ctx_nomem(ctx);
        rc = check_level(ctx, given->default_level);
        return rc == OK ? preference_set(ctx, value, &entry) : rc;
}

/* ---- accounts ---- */

enum err setup_status(struct ctx *ctx, struct setup_status *ret)
{
        struct registration setting;
        bool any;
        enum err rc = identity_any(ctx, &any);

        if (rc == OK)
                rc = registration_get(ctx, &setting);
        if (rc == OK)
                *ret = (struct setup_status){ !any, any && setting.enabled };
        return rc;
}

/* The user in the words of user.h, with the password hashed: before any transaction. */
static enum err prepare(struct ctx *ctx, const struct account_given *given, struct user_given *ret)
{
        const struct secret password = { given->password, strlen(given->password) };
        enum err rc;

        *ret = (struct user_given){
                .username = given->username,
                .email = given->email,
                .display_name = given->display_name,
        };
        rc = user_given_check(ctx, ret);
        if (rc == OK)
                rc = password_check_rules(ctx, "password", given->password);
        return rc == OK ? password_hash(ctx, password, &ret->password_hash) : rc;
}

/* Who is new begins a session. Inside a transaction. */
static enum err begin_session(struct ctx *ctx, const struct account_given *given,
                              struct login_result *result)
{
        const struct session_given session = { result->user_id, result->lifetime_s,
                                               given->user_agent };

        return session_begin(ctx, &session, result->token);
}

static enum err refuse_setup(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_CONFLICT, "Setup already completed. Use normal registration.");
}

enum err setup_first_admin(struct ctx *ctx, const struct account_given *given,
                           struct login_result *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        static const char *const levels[] = { "admin", NULL };
        struct login_result result = { .lifetime_s = SESSION_LONG_S };
        struct user_given user;
        bool any;
        enum err rc = identity_any(ctx, &any);

        if (rc == OK && any)
                return refuse_setup(ctx);
        if (rc == OK)
                rc = auth_require(ctx, PERM_ADMIN_USERS);
        if (rc == OK)
                rc = prepare(ctx, given, &user);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, IDENTITY_LOCK);
        if (rc == OK)
                rc = store_identity_any(ctx, &any);
        if (rc == OK && any)
                return refuse_setup(ctx);
        user.is_admin = true;
        user.level_names = levels;
        if (rc == OK)
                rc = user_add(ctx, &user, &result.user_id);
        if (rc == OK)
                rc = begin_session(ctx, given, &result);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = result;
        return rc;
}

enum err setup_register(struct ctx *ctx, const struct account_given *given,
                        struct login_result *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct login_result result = { .lifetime_s = SESSION_SHORT_S };
        const char *levels[] = { NULL, NULL };
        struct setup_status status;
        struct registration setting;
        struct user_given user;
        enum err rc = setup_status(ctx, &status);

        if (rc == OK && status.needs_setup)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Use /api/auth/setup/first-admin for initial setup");
        if (rc == OK && !status.registration_enabled)
                return ctx_fail(ctx, ERR_DENIED,
                                "Public registration is disabled. Contact an administrator to "
                                "create an account.");
        if (rc == OK)
                rc = prepare(ctx, given, &user);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, IDENTITY_LOCK);
        if (rc == OK)
                rc = registration_get(ctx, &setting);
        if (rc != OK)
                return rc;
        levels[0] = setting.default_level;
        user.level_names = levels;
        rc = user_add(ctx, &user, &result.user_id);
        if (rc == OK)
                rc = begin_session(ctx, given, &result);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret = result;
        return rc;
}
