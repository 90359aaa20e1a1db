#include "core/cloud/auth/remote_user.h"

#include <string.h>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/cloud/auth/remote_groups.h"
#include "core/cloud/auth/user.h"
#include "core/cloud/auth/user_text.h"
#include "core/db/db.h"

#define LEVELS_MAX     64
#define VISIT_NOTED_US (60 * 60 * US_PER_S)

static const char logger[] = "simpletuner.cloud.auth";

/* Somebody at the door. */
struct visit {
        const char *name, *key, *groups;
        struct user user;
};

static enum err refuse(struct ctx *ctx, const char *why)
{
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "The front server's user is not let in: %s", why);
}

/* ---- levels ---- */

/* Names of levels, up to NULL. */
struct level_names {
        const char *items[LEVELS_MAX + 1];
        size_t count;
        bool has_all; /* one of them may everything */
};

static void add_name(struct level_names *names, const struct level *level)
{
        if (names->count == LEVELS_MAX)
                return;
        names->items[names->count++] = level->name;
        names->has_all |= strcmp(level->permissions, "*") == 0;
}

static bool is_default(const struct ctx *ctx, const struct level *level)
{
        return strcmp(level->name, ctx->config->remote_user_level) == 0;
}

/* The levels that the visitor should have, the highest first. */
static enum err wanted_levels(struct ctx *ctx, const char *groups, struct level_names *ret)
{
        struct level_names names = { .count = 0 };
        const struct level *levels = NULL;
        enum err rc = store_levels_list(ctx, 0, &levels);

        if (rc != OK)
                return rc;
        for (const struct level *level = levels; level; level = level->next) {
                if (remote_groups_give(ctx->config->remote_group_levels, groups, level->name))
                        add_name(&names, level);
        }
        for (const struct level *level = levels; level && names.count == 0; level = level->next) {
                if (is_default(ctx, level))
                        add_name(&names, level);
        }
        *ret = names;
        return OK;
}

static enum err has_levels(struct ctx *ctx, int64_t user_id, struct level_names *ret)
{
        struct level_names names = { .count = 0 };
        const struct level *levels = NULL;
        enum err rc = store_levels_list(ctx, user_id, &levels);

        for (; rc == OK && levels; levels = levels->next)
                add_name(&names, levels);
        if (rc == OK)
                *ret = names;
        return rc;
}

/* Both are in the same order. */
static bool are_same(const struct level_names *a, const struct level_names *b)
{
        for (size_t i = 0; a->count == b->count && i < a->count; i++) {
                if (strcmp(a->items[i], b->items[i]) != 0)
                        return false;
        }
        return a->count == b->count;
}

static json_t *list_names(const struct level_names *names)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < names->count; i++) {
                if (json_array_append_new(list, json_string(names->items[i])) != 0) {
                        json_decref(list);
                        return NULL;
                }
        }
        return list;
}

static enum err write_levels(struct ctx *ctx, const struct user *user,
                             const struct level_names *before, const struct level_names *after)
{
        const struct identity_event event = { "user.level.changed", "user", user->user_id,
                                              "The groups of a user have changed" };
        enum err rc = store_user_levels_clear(ctx, user->user_id);

        for (size_t i = 0; rc == OK && i < after->count; i++)
                rc = store_user_add_level(ctx, user->user_id, after->items[i]);
        if (rc != OK)
                return rc;
        return identity_audit(ctx, &event,
                              json_pack("{s:s, s:o, s:o}", "username", user->username, "before",
                                        list_names(before), "after", list_names(after)));
}

/* Requests that come at once wait for each other; the first of them does it. Whatever the groups
 * say, the last administrator stays one: nobody else could mend a directory's mistake. */
static enum err change_levels(struct ctx *ctx, const struct visit *visit)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct level_names wanted, has;
        int64_t admins = 0;
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = db_lock(ctx, IDENTITY_LOCK);
        if (rc == OK)
                rc = wanted_levels(ctx, visit->groups, &wanted);
        if (rc == OK)
                rc = has_levels(ctx, visit->user.user_id, &has);
        if (rc == OK && !are_same(&wanted, &has))
                rc = write_levels(ctx, &visit->user, &has, &wanted);
        if (rc == OK)
                rc = store_users_count_admins(ctx, &admins);
        if (rc == OK && admins == 0 && has.has_all) {
                log_event(ctx, LOG_WARNING, logger,
                          "The groups of the last administrator have changed; he keeps his levels",
                          "username", visit->user.username);
                return OK;
        }
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err follow_groups(struct ctx *ctx, const struct visit *visit)
{
        struct level_names wanted, has;
        enum err rc;

        if (!*ctx->config->remote_group_levels)
                return OK;
        rc = wanted_levels(ctx, visit->groups, &wanted);
        if (rc == OK)
                rc = has_levels(ctx, visit->user.user_id, &has);
        return rc == OK && !are_same(&wanted, &has) ? change_levels(ctx, visit) : rc;
}

/* ---- first sight ---- */

static enum err check_first(struct ctx *ctx, const struct level_names *levels)
{
        bool any;
        enum err rc = identity_any(ctx, &any);

        if (rc == OK && !any && !levels->has_all)
                return refuse(ctx, "there is no administrator yet; make the first one with "
                                   "\"simpletuner-cloud user add --admin\"");
        if (rc == OK && levels->count == 0)
                log_event(ctx, LOG_WARNING, logger,
                          "A user of the front server gets no level: "
                          "SIMPLETUNER_REMOTE_USER_LEVEL names none that there is");
        return rc;
}

static enum err make(struct ctx *ctx, const struct visit *visit)
{
        struct level_names levels;
        struct user_given given = {
                .username = visit->name,
                .auth_provider = USER_REMOTE,
                .level_names = levels.items,
        };
        int64_t user_id;
        enum err rc = wanted_levels(ctx, visit->groups, &levels);

        if (rc == OK)
                rc = check_first(ctx, &levels);
        if (rc == OK)
                rc = user_add(ctx, &given, &user_id);
        if (rc == ERR_CONFLICT)
                return refuse(ctx, "the name was somebody's who is deleted");
        return rc;
}

/* Make the user, unless another request has done so just now. */
static enum err meet(struct ctx *ctx, struct visit *visit)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        if (strcmp(ctx->config->remote_user_level, REMOTE_LEVEL_NONE) == 0)
                return refuse(ctx, "there is no such user here");
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = db_lock(ctx, IDENTITY_LOCK);
        if (rc == OK)
                rc = store_user_by_name(ctx, visit->key, &visit->user);
        if (rc == ERR_NOT_FOUND) {
                rc = make(ctx, visit);
                if (rc == OK)
                        rc = store_user_by_name(ctx, visit->key, &visit->user);
        }
        return rc == OK ? db_commit(&tx) : rc;
}

/* ---- every visit ---- */

static enum err write_visit(struct ctx *ctx, const struct user *user)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = "auth.login.success",
                .target_type = "user",
                .target_id = user->username,
                .action = "Let in by the front server",
        };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_user_note_login(ctx, user->user_id);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

/* Once an hour is often enough to know when somebody was there last. */
static void note_visit(struct ctx *ctx, const struct user *user)
{
        const int64_t now_us = clock_wall_us(ctx->clock);

        if (user->last_login_at_us > now_us - VISIT_NOTED_US && user->last_login_at_us <= now_us)
                return;
        if (write_visit(ctx, user) != OK) /* it may pass at the next request */
                log_event(ctx, LOG_DEBUG, logger, "A visit was not written down", "reason",
                          ctx->detail);
}

static enum err check_user(struct ctx *ctx, const struct user *user)
{
        if (!user->is_active)
                return refuse(ctx, "the account is deactivated");
        if (strcmp(user->auth_provider, USER_REMOTE) != 0)
                return refuse(ctx, "the name is that of an account with a password of its own");
        return OK;
}

static enum err become(struct ctx *ctx, const struct user *user)
{
        struct identity identity;
        enum err rc = store_identity_by_id(ctx, user->user_id, &identity);

        if (rc == ERR_NOT_FOUND)
                return refuse(ctx, "the account is deactivated");
        if (rc == OK)
                ctx->actor = identity_actor(&identity, VIA_FRONT_SERVER, NULL);
        return rc;
}

static enum err let_in(struct ctx *ctx, struct visit *visit)
{
        enum err rc = store_user_by_name(ctx, visit->key, &visit->user);

        if (rc == ERR_NOT_FOUND)
                rc = meet(ctx, visit);
        if (rc == OK)
                rc = check_user(ctx, &visit->user);
        if (rc == OK)
                rc = follow_groups(ctx, visit);
        return rc == OK ? become(ctx, &visit->user) : rc;
}

enum err remote_user_identify(struct ctx *ctx, const char *name, const char *groups)
{
        struct visit visit = { .name = name, .groups = groups };
        enum err rc;

        if (!ctx->config->trust_remote_user)
                return refuse(ctx, "SIMPLETUNER_TRUST_REMOTE_USER is off");
        if (user_text_remote_name(ctx, name) != OK)
                return refuse(ctx, "a name has 1 to 64 letters, digits, dots, underscores, hyphens "
                                   "and @, and is none of the service's own");
        visit.key = identity_name_key(ctx, name);
        if (!visit.key)
                return ctx_nomem(ctx);
        ctx->actor.name = "front server"; /* what is changed on the way in is its doing */
        rc = let_in(ctx, &visit);
        if (rc != OK)
                ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        else
                note_visit(ctx, &visit.user);
        return rc;
}
