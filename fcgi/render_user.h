/* Users and what belongs to them, as all resources answer them. */
#ifndef FCGI_RENDER_USER_H
#define FCGI_RENDER_USER_H

#include "core/base/jsonw.h"
#include "core/cloud/auth/user.h"

/* One object: the next item of an array, or the value of key. */
void render_user(struct jsonw *json, const char *key, const struct user_view *view);
/* Its members alone, where the object is open already. */
void render_user_members(struct jsonw *json, const struct user_view *view);

void render_level(struct jsonw *json, const char *key, const struct level *level);
void render_resource_rule(struct jsonw *json, const char *key, const struct resource_rule *rule);
void render_org(struct jsonw *json, const char *key, const struct org *org);
void render_team(struct jsonw *json, const char *key, const struct team *team);

/* An array of the names in a set, sorted. */
void render_permissions(struct jsonw *json, const char *key, permission_set set);

#endif
