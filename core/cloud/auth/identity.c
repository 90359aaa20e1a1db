#include "core/cloud/auth/identity.h"

#include "core/cloud/cloud.h"

permission_set identity_rights(const struct identity *identity)
{
        permission_set given;

        if (identity->is_admin)
                return PERMISSION_SET_ALL;
        given = permission_set_parse(identity->levels) | permission_set_parse(identity->granted);
        return permission_set_close(given) & ~permission_set_parse(identity->denied);
}

struct actor identity_actor(const struct identity *identity, enum actor_via via, const char *scopes)
{
        permission_set rights = identity_rights(identity);

        if (scopes)
                rights &= permission_set_close(permission_set_parse(scopes));
        return (struct actor){
                .kind = ACTOR_USER,
                .via = via,
                .name = identity->username,
                .is_bounded = scopes != NULL,
                .user_id = identity->user_id,
                .rights = rights,
        };
}

const char *identity_name_key(struct ctx *ctx, const char *username)
{
        char *key = arena_strdup(ctx->arena, username);

        for (char *c = key; c && *c; c++) {
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        }
        return key;
}

enum err identity_any(struct ctx *ctx, bool *ret)
{
        atomic_bool *known = &ctx->cloud->has_users;
        bool any = true;
        enum err rc = OK;

        if (!atomic_load_explicit(known, memory_order_relaxed)) {
                rc = store_identity_any(ctx, &any);
                if (rc == OK && any)
                        atomic_store(known, true);
        }
        if (rc == OK)
                *ret = any;
        return rc;
}
