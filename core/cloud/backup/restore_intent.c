#include "core/cloud/backup/restore_intent.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/cloud/backup/backup_lock.h"
#include "core/cloud/secrets/private_file.h"

#define FILE_NAME ".restore.json"

static enum err path_of(struct ctx *ctx, const char **ret)
{
        const char *dir;
        enum err rc = backup_dir(ctx, &dir);

        if (rc != OK)
                return rc;
        *ret = arena_printf(ctx->arena, "%s/" FILE_NAME, dir);
        return *ret ? OK : ctx_nomem(ctx);
}

static json_t *pack_continuity(const struct store_continuity *from)
{
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "restores",
                         (json_int_t)from->restores, "event", (json_int_t)from->event, "success_us",
                         (json_int_t)from->success_us, "verified_us", (json_int_t)from->verified_us,
                         "bytes", (json_int_t)from->bytes, "took_us", (json_int_t)from->took_us,
                         "failed", (json_int_t)from->failed);
}

enum err restore_intent_write(struct ctx *ctx, const struct restore_intent *intent)
{
        CLEANUP(json_decrefp)
        json_t *json = json_pack(
                "{s:s, s:s?, s:b, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:o}", "source",
                intent->source, "safety", intent->safety, "restart_audit", intent->restart_audit,
                "cut_from", (json_int_t)intent->cut_from, "cut_to", (json_int_t)intent->cut_to,
                "actor", intent->actor, "client", intent->client, "correlation_id",
                intent->correlation_id, "actor_id", (json_int_t)intent->actor_id, "begun_at_us",
                (json_int_t)intent->begun_at_us, "before", pack_continuity(&intent->before));
        const char *path = NULL, *text = NULL;
        enum err rc = json ? path_of(ctx, &path) : ctx_nomem(ctx);

        if (rc == OK)
                rc = json_text(ctx, json, &text);
        return rc == OK ? private_file_replace(ctx, path, text) : rc;
}

static int64_t int_at(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static bool take(const json_t *json, struct restore_intent *ret)
{
        const json_t *before = json_object_get(json, "before");

        *ret = (struct restore_intent){
                .source = json_string_at(json, "source"),
                .safety = json_string_at(json, "safety"),
                .restart_audit = json_is_true(json_object_get(json, "restart_audit")),
                .cut_from = int_at(json, "cut_from"),
                .cut_to = int_at(json, "cut_to"),
                .actor = json_string_at(json, "actor"),
                .client = json_string_at(json, "client"),
                .correlation_id = json_string_at(json, "correlation_id"),
                .actor_id = int_at(json, "actor_id"),
                .begun_at_us = int_at(json, "begun_at_us"),
                .before = { .restores = int_at(before, "restores"),
                            .event = int_at(before, "event"),
                            .success_us = int_at(before, "success_us"),
                            .verified_us = int_at(before, "verified_us"),
                            .bytes = int_at(before, "bytes"),
                            .took_us = int_at(before, "took_us"),
                            .failed = int_at(before, "failed") },
        };
        return ret->source && ret->actor && ret->client && ret->correlation_id && ret->begun_at_us;
}

enum err restore_intent_read(struct ctx *ctx, struct restore_intent *ret)
{
        const char *path;
        json_t *json = NULL;
        char *text = NULL;
        size_t len = 0;
        enum err rc = path_of(ctx, &path);

        if (rc == OK)
                rc = private_file_read(ctx, path, &text, &len);
        if (rc == OK && json_parse_object(ctx, FILE_NAME, text, len, &json) != OK)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s is damaged", path);
        if (rc == OK)
                rc = json_keep(ctx, json);
        if (rc == OK && !take(json, ret))
                rc = ctx_fail(ctx, ERR_NOT_FOUND, "%s is damaged", path);
        return rc;
}

enum err restore_intent_drop(struct ctx *ctx)
{
        const char *path;
        enum err rc = path_of(ctx, &path);

        if (rc == OK && unlink(path) != 0 && errno != ENOENT)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be removed: %m", path);
        return rc;
}
