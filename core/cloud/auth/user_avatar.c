#include "core/cloud/auth/user_avatar.h"

#include <string.h>

#include "core/base/crypto.h"
#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/identity_audit.h"
#include "core/store/store_avatars.h"

#define LAST_ADMIN "There must be an administrator"

/* How files of each type begin; a "?" is any byte. PNG 3rd edition 5.2, JFIF 1.02, GIF89a 17, RFC
 * 9649 2.4. */
static const struct {
        const char *content_type, *magic;
        size_t len;
} types[] = {
        { "image/png", "\x89PNG\r\n\x1a\n", 8 },
        { "image/jpeg", "\xff\xd8\xff", 3 },
        { "image/gif", "GIF87a", 6 },
        { "image/gif", "GIF89a", 6 },
        { "image/webp", "RIFF????WEBP", 12 },
};

static bool begins_with(const unsigned char *bytes, size_t len, const char *magic, size_t magic_len)
{
        if (len < magic_len)
                return false;
        for (size_t i = 0; i < magic_len; i++) {
                if (magic[i] != '?' && bytes[i] != (unsigned char)magic[i])
                        return false;
        }
        return true;
}

/* What the bytes are, NULL: none of these. */
static const char *type_of(const unsigned char *bytes, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                if (begins_with(bytes, len, types[i].magic, types[i].len))
                        return types[i].content_type;
        }
        return NULL;
}

static enum err refuse(struct ctx *ctx)
{
        return ctx_fail(ctx, ERR_INVALID,
                        "data_url must be data:image/png;base64,... of a PNG, JPEG, GIF or WebP "
                        "picture of at most %zu KB",
                        AVATAR_MAX / 1024);
}

/* The base64 text of a data URL whose type is that of its bytes. */
static enum err read_url(struct ctx *ctx, const char *url, struct avatar_row *ret)
{
        static const char scheme[] = "data:", coding[] = ";base64,";
        const char *type = url + strlen(scheme), *end = strstr(url, coding);
        unsigned char *bytes;
        const char *base64;
        size_t len;

        if (strncmp(url, scheme, strlen(scheme)) != 0 || !end)
                return refuse(ctx);
        base64 = end + strlen(coding);
        if (strlen(base64) >= BASE64_SIZE(AVATAR_MAX))
                return refuse(ctx);
        bytes = arena_alloc(ctx->arena, AVATAR_MAX);
        if (!bytes)
                return ctx_nomem(ctx);
        if (!crypto_base64_decode(base64, strlen(base64), bytes, AVATAR_MAX, &len))
                return refuse(ctx);
        ret->content_type = type_of(bytes, len);
        ret->bytes_base64 = base64;
        if (!ret->content_type || strlen(ret->content_type) != (size_t)(end - type) ||
            strncmp(type, ret->content_type, (size_t)(end - type)) != 0)
                return refuse(ctx);
        return OK;
}

static enum err begin(struct ctx *ctx, struct authority *authority)
{
        if (ctx->actor.kind != ACTOR_USER)
                return ctx_fail(ctx, ERR_NOT_FOUND, "You have no account: you act as %s",
                                ctx_actor_name(ctx));
        return authority_begin(ctx, authority);
}

static enum err audit(struct ctx *ctx, const char *content_type)
{
        const struct identity_event event = { "user.updated", "user", ctx->actor.user_id,
                                              "Changed a picture" };

        return identity_audit(
                ctx, &event,
                json_pack("{s:s, s:s?}", "username", ctx_actor_name(ctx), "avatar", content_type));
}

enum err user_avatar_set(struct ctx *ctx, const char *data_url)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        struct avatar_row row;
        enum err rc = read_url(ctx, data_url, &row);

        if (rc == OK)
                rc = begin(ctx, &authority);
        if (rc == OK)
                rc = store_avatar_put(ctx, ctx->actor.user_id, &row);
        if (rc == OK)
                rc = audit(ctx, row.content_type);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err user_avatar_remove(struct ctx *ctx)
{
        CLEANUP(authority_rollback) struct authority authority = { 0 };
        enum err rc = begin(ctx, &authority);

        if (rc == OK)
                rc = store_avatar_delete(ctx, ctx->actor.user_id);
        if (rc == OK)
                rc = audit(ctx, NULL);
        return rc == OK ? authority_commit(ctx, &authority, LAST_ADMIN) : rc;
}

enum err user_avatar_get(struct ctx *ctx, int64_t user_id, struct avatar *ret)
{
        struct avatar_row row;
        unsigned char *bytes;
        size_t len;
        enum err rc = store_avatar_get(ctx, user_id, &row);

        if (rc != OK)
                return rc;
        bytes = arena_alloc(ctx->arena, AVATAR_MAX);
        if (!bytes)
                return ctx_nomem(ctx);
        if (!crypto_base64_decode(row.bytes_base64, strlen(row.bytes_base64), bytes, AVATAR_MAX,
                                  &len))
                return ctx_fail(ctx, ERR_INTERNAL, "the avatar of user %lld is not base64",
                                (long long)user_id);
        *ret = (struct avatar){ row.content_type, bytes, len };
        return OK;
}
