#include "core/cloud/auth/level.h"

#include <string.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/setup.h"
#include "core/cloud/auth/user_text.h"

#define LAST_ADMIN      "Cannot remove admin role from the last admin user"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

enum err level_list(struct ctx *ctx, const struct level **ret)
{
        return store_levels_list(ctx, 0, ret);
}

enum err level_get(struct ctx *ctx, int64_t level_id, struct level *ret)
{
        return store_level_get(ctx, level_id, ret);
}

/* ---- what is given ---- */

/* A name of one, "*", or "job.*" of some. */
static bool names_any(const char *word)
{
        return *word && !strchr(word, ' ') && permission_set_parse(word) != 0;
}

/* The names one by one, so that what a later version adds below "job.*" is given to nobody
 * unasked. */
static enum err read_permissions(struct ctx *ctx, const json_t *array, const char **ret)
{
        permission_set set = 0;

        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *word = json_string_value(json_array_get(array, i));

                if (!word || !names_any(word))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "permissions[%zu]: there is no permission '%.64s'", i,
                                        word ? word : "");
                set |= permission_set_parse(word);
        }
        return permission_set_text(ctx, set, ret);
}

static enum err check_name(struct ctx *ctx, const char *name)
{
        const size_t len = strlen(name);

        if (len == 0 || len > LEVEL_NAME_MAX || strspn(name, NAME_CHARACTERS) != len)
                return ctx_fail(ctx, ERR_INVALID,
                                "name must be 1 to %d letters, digits, underscores and hyphens",
                                LEVEL_NAME_MAX);
        return OK;
}

static enum err merge(struct ctx *ctx, const struct level_given *given, struct level *level)
{
        enum err rc = OK;

        if (given->name)
                level->name = given->name;
        if (given->description)
                level->description = given->description;
        if (given->priority)
                level->priority = *given->priority;
        if (given->permissions)
                rc = read_permissions(ctx, given->permissions, &level->permissions);
        if (rc == OK)
                rc = check_name(ctx, level->name);
        if (rc == OK && (level->priority < 0 || level->priority > LEVEL_PRIORITY_MAX))
                return ctx_fail(ctx, ERR_INVALID, "priority must be 0 to %d", LEVEL_PRIORITY_MAX);
        if (rc == OK)
                rc = user_text_prose(ctx, "description", level->description,
                                     (struct text_size){ 0, LEVEL_DESCRIPTION_MAX });
        return rc;
}

/* ---- writing down ---- */

static json_t *shown(const struct level *level)
{
        return level ? json_pack("{s:s, s:s, s:I, s:s}", "name", level->name, "description",
                                 level->description, "priority", (json_int_t)level->priority,
                                 "permissions", level->permissions)
                     : json_null();
}

static enum err audit(struct ctx *ctx, const struct identity_event *event,
                      const struct level *before, const struct level *after)
{
        return identity_audit_change(ctx, event, shown(before), shown(after));
}

/* ---- changing ---- */

enum err level_create(struct ctx *ctx, const struct level_given *given, struct level *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct identity_event event = { "level.created", "level", 0, "Made a level" };
        struct level level = { .name = "", .description = "", .permissions = "" };
        enum err rc = merge(ctx, given, &level);

        if (rc == OK)
                rc = authority_begin_unbound(ctx, &authority);
        if (rc == OK)
                rc = authority_over_permissions(ctx, level.permissions);
        if (rc == OK)
                rc = store_level_insert(ctx, &level, &level.level_id);
        event.target_id = level.level_id;
        if (rc == OK)
                rc = audit(ctx, &event, NULL, &level);
        if (rc == OK)
                rc = store_level_get(ctx, level.level_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

/* A level that the one who acts may change, before he does. */
static enum err take(struct ctx *ctx, int64_t level_id, const char *to_what, struct level *ret)
{
        enum err rc = store_level_get(ctx, level_id, ret);

        if (rc == OK && ret->is_system)
                return ctx_fail(ctx, ERR_CONFLICT, "Cannot %s system levels", to_what);
        return rc == OK ? authority_over_permissions(ctx, ret->permissions) : rc;
}

/* Those who register get a level by its name. */
static enum err check_registration(struct ctx *ctx, const struct level *level)
{
        struct registration setting;
        enum err rc = registration_get(ctx, &setting);

        if (rc == OK && strcmp(setting.default_level, level->name) == 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "Level '%s' is in use: it is the level of those who register",
                                level->name);
        return rc;
}

enum err level_update(struct ctx *ctx, int64_t level_id, const struct level_given *given,
                      struct level *ret)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "level.updated", "level", level_id,
                                              "Changed a level" };
        struct level before, after;
        enum err rc = authority_begin_unbound(ctx, &authority);

        if (rc == OK)
                rc = take(ctx, level_id, "modify", &before);
        if (rc != OK)
                return rc;
        after = before;
        rc = merge(ctx, given, &after);
        if (rc == OK && (strcmp(before.name, after.name) != 0 ||
                         strcmp(before.permissions, after.permissions) != 0))
                rc = check_registration(ctx, &before);
        if (rc == OK)
                rc = authority_over_permissions(ctx, after.permissions);
        if (rc == OK)
                rc = store_level_update(ctx, &after);
        if (rc == OK)
                rc = audit(ctx, &event, &before, &after);
        if (rc == OK)
                rc = store_level_get(ctx, level_id, ret);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err level_delete(struct ctx *ctx, int64_t level_id)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        const struct identity_event event = { "level.deleted", "level", level_id,
                                              "Deleted a level" };
        struct level before;
        int64_t users = 0;
        enum err rc = authority_begin_unbound(ctx, &authority);

        if (rc == OK)
                rc = take(ctx, level_id, "delete", &before);
        if (rc == OK)
                rc = check_registration(ctx, &before);
        if (rc == OK)
                rc = store_level_count_users(ctx, level_id, &users);
        if (rc == OK && users > 0)
                return ctx_fail(ctx, ERR_CONFLICT, "Level '%s' is in use: %lld user%s it",
                                before.name, (long long)users, users == 1 ? " has" : "s have");
        if (rc == OK)
                rc = store_level_delete(ctx, level_id);
        if (rc == OK)
                rc = audit(ctx, &event, &before, NULL);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}
