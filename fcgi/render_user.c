#include "fcgi/render_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void render_permissions(struct jsonw *json, const char *key, permission_set set)
{
        const char *names[PERM_COUNT];
        size_t count = 0;

        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                if (permission_set_has(set, i))
                        names[count++] = permission_name(i);
        }
        qsort(names, count, sizeof(names[0]), compare_names);
        jsonw_array(json, key);
        for (size_t i = 0; i < count; i++)
                jsonw_string(json, NULL, names[i]);
        jsonw_array_end(json);
}

/* Names separated by spaces, in their order. */
static void render_words(struct jsonw *json, const char *key, const char *words)
{
        jsonw_array(json, key);
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                if (permission_set_has(permission_set_parse(words), i))
                        jsonw_string(json, NULL, permission_name(i));
        }
        jsonw_array_end(json);
}

void render_level(struct jsonw *json, const char *key, const struct level *level)
{
        jsonw_object(json, key);
        jsonw_int(json, "id", level->level_id);
        jsonw_string(json, "name", level->name);
        jsonw_string(json, "description", level->description);
        jsonw_int(json, "priority", level->priority);
        jsonw_bool(json, "is_system", level->is_system);
        render_permissions(json, "permissions", permission_set_parse(level->permissions));
        jsonw_time(json, "created_at", level->created_at_us);
        jsonw_object_end(json);
}

void render_resource_rule(struct jsonw *json, const char *key, const struct resource_rule *rule)
{
        jsonw_object(json, key);
        jsonw_int(json, "id", rule->rule_id);
        jsonw_string(json, "name", rule->name);
        jsonw_string(json, "resource_type", rule->resource_type);
        jsonw_string(json, "pattern", rule->pattern);
        jsonw_string(json, "action", rule->action);
        jsonw_int(json, "priority", rule->priority);
        if (*rule->applies_to)
                render_words(json, "applies_to_permissions", rule->applies_to);
        else
                jsonw_null(json, "applies_to_permissions");
        jsonw_string(json, "description", rule->description);
        jsonw_time(json, "created_at", rule->created_at_us);
        jsonw_object_end(json);
}

void render_org(struct jsonw *json, const char *key, const struct org *org)
{
        jsonw_object(json, key);
        jsonw_int(json, "id", org->org_id);
        jsonw_string(json, "name", org->name);
        jsonw_string(json, "description", org->description);
        jsonw_int(json, "member_count", org->members);
        jsonw_time(json, "created_at", org->created_at_us);
        jsonw_object_end(json);
}

void render_team(struct jsonw *json, const char *key, const struct team *team)
{
        jsonw_object(json, key);
        jsonw_int(json, "id", team->team_id);
        jsonw_int(json, "org_id", team->org_id);
        jsonw_string(json, "name", team->name);
        jsonw_string(json, "description", team->description);
        jsonw_int(json, "member_count", team->members);
        jsonw_time(json, "created_at", team->created_at_us);
        jsonw_object_end(json);
}

static void render_avatar(struct jsonw *json, const struct user *user)
{
        char url[80];

        /* It changes with the picture, so that no browser shows an old one. */
        snprintf(url, sizeof(url), "/api/users/%lld/avatar?v=%lld", (long long)user->user_id,
                 (long long)user->avatar_at_us);
        jsonw_string(json, "avatar_url", user->avatar_at_us ? url : NULL);
}

static void render_belongings(struct jsonw *json, const struct user_view *view)
{
        jsonw_array(json, "resource_rules");
        for (const struct resource_rule *rule = view->rules; rule; rule = rule->next)
                render_resource_rule(json, NULL, rule);
        jsonw_array_end(json);
        if (view->org)
                render_org(json, "organization", view->org);
        else
                jsonw_null(json, "organization");
        jsonw_array(json, "teams");
        for (const struct team *team = view->teams; team; team = team->next)
                render_team(json, NULL, team);
        jsonw_array_end(json);
}

static void render_levels(struct jsonw *json, const struct level *levels)
{
        jsonw_array(json, "levels");
        for (; levels; levels = levels->next) {
                jsonw_object(json, NULL);
                jsonw_int(json, "id", levels->level_id);
                jsonw_string(json, "name", levels->name);
                jsonw_int(json, "priority", levels->priority);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
}

void render_user(struct jsonw *json, const char *key, const struct user_view *view)
{
        jsonw_object(json, key);
        render_user_members(json, view);
        jsonw_object_end(json);
}

void render_user_members(struct jsonw *json, const struct user_view *view)
{
        const struct user *user = &view->user;

        jsonw_int(json, "id", user->user_id);
        jsonw_string(json, "email", user->email);
        jsonw_string(json, "username", user->username);
        jsonw_string(json, "display_name", user->display_name);
        render_avatar(json, user);
        jsonw_string(json, "auth_provider", user->auth_provider);
        jsonw_bool(json, "is_active", user->is_active);
        jsonw_bool(json, "is_admin", user->is_admin);
        jsonw_bool(json, "email_verified", false);
        jsonw_time(json, "created_at", user->created_at_us);
        jsonw_time(json, "last_login_at", user->last_login_at_us);
        render_levels(json, view->levels);
        render_permissions(json, "permissions", view->rights);
        if (user->org_id)
                jsonw_int(json, "org_id", user->org_id);
        else
                jsonw_null(json, "org_id");
        if (view->is_whole)
                render_belongings(json, view);
}
