/* Backups: list, make, show, verify, restore, delete. What takes long goes on without the request.
 */
#include <string.h>

#include "core/base/fields.h"
#include "core/cloud/backup/backup_run.h"
#include "fcgi/handlers.h"

#define LIST_DEFAULT 50
#define LIST_MAX     200
#define COMPONENTS   6
#define PATIENCE_MS  10000 /* front servers give up after 30 seconds and more */

static const char *const components[COMPONENTS] = { "database",  "jobs",          "auth",
                                                    "approvals", "notifications", "config" };

struct make_body {
        const char *name, *description;
        json_t *components;
};
static const struct field make_fields[] = {
        FIELD(struct make_body, name, FIELD_STRING, .max = BACKUP_NAME_MAX),
        FIELD(struct make_body, description, FIELD_STRING, .max = 500),
        FIELD(struct make_body, components, FIELD_STRING_LIST, .max = COMPONENTS),
};

struct restore_body {
        const char *backup_id; /* also in the path; kept for clients that send it */
        json_t *components;
        bool dry_run;
};
static const struct field restore_fields[] = {
        FIELD(struct restore_body, backup_id, FIELD_STRING, .max = BACKUP_ID_SIZE),
        FIELD(struct restore_body, components, FIELD_STRING_LIST, .max = COMPONENTS),
        FIELD(struct restore_body, dry_run, FIELD_BOOL),
};

/* What a list asks for; without one the database alone. */
struct chosen {
        bool database, config;
};

static enum err choose(struct ctx *ctx, const json_t *list, struct chosen *ret)
{
        *ret = (struct chosen){ .database = json_array_size(list) == 0 };
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *word = json_string_value(json_array_get(list, i));
                size_t known = 0;

                while (known < COMPONENTS && strcmp(components[known], word) != 0)
                        known++;
                if (known == COMPONENTS)
                        return ctx_fail(ctx, ERR_INVALID,
                                        "components[%zu] must be database (jobs, auth, approvals "
                                        "and notifications are in it) or config",
                                        i);
                *(strcmp(word, "config") == 0 ? &ret->config : &ret->database) = true;
        }
        return OK;
}

static void render(struct jsonw *json, const struct backup *backup)
{
        backup_render(json, backup);
        jsonw_string(json, "state", "done");
}

static const struct query list_query[] = {
        QUERY(NUMBER, "limit", .min = 1, .max = LIST_MAX),
        { 0 },
};

static enum err backups_list_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        struct backup *backups = NULL;
        int64_t limit = LIST_DEFAULT, bytes = 0;
        struct jsonw json;
        const char *dir;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", &limit);
        if (rc == OK)
                rc = backup_dir(ctx, &dir);
        if (rc == OK)
                rc = backup_list(ctx, (unsigned)limit, &backups, &bytes);
        if (rc != OK)
                return rc;

        json = reply_json(reply);
        jsonw_array(&json, "backups");
        for (; backups; backups = backups->next) {
                jsonw_object(&json, NULL);
                render(&json, backups);
                jsonw_object_end(&json);
        }
        jsonw_array_end(&json);
        jsonw_int(&json, "total_size_bytes", bytes);
        jsonw_string(&json, "backup_dir", dir);
        return reply_json_end(ctx, reply, &json);
}

const struct operation backups_list = {
        OPERATION(backups_list),
        .summary = "List the backups, the newest first",
        .query = list_query,
};

/* ---- what was asked for ---- */

static void render_run(struct jsonw *json, const struct backup_run *run)
{
        jsonw_string(json, "action", backup_action_name(run->action));
        jsonw_string(json, "state", backup_state_name(run->state));
        jsonw_string(json, "requested_by", run->actor);
        jsonw_time(json, "requested_at", run->asked_at_us);
        jsonw_time(json, "finished_at", run->ended_at_us);
        if (run->state == BACKUP_FAILED) {
                jsonw_string(json, "error", err_code(run->rc));
                jsonw_string(json, "detail", run->detail);
        }
}

/* Not done yet: where to ask. */
static enum err answer_later(struct ctx *ctx, struct reply *reply, const struct backup_run *run)
{
        struct jsonw json = reply_json(reply);
        const char *place = arena_printf(ctx->arena, "/api/backup/%s", run->backup_id);

        if (!place)
                return ctx_nomem(ctx);
        reply->status = 202;
        reply_header(reply, "Location", place);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "backup_id", run->backup_id);
        render_run(&json, run);
        return reply_json_end(ctx, reply, &json);
}

/* Ask, and give it some time: small databases take less. *ret_done: it has ended well. */
static enum err ask(struct ctx *ctx, struct reply *reply, struct backup_run *run, bool *ret_done)
{
        enum err rc = backup_run_ask(ctx, run);

        *ret_done = false;
        if (rc == OK)
                rc = backup_run_wait(ctx, PATIENCE_MS, run);
        if (rc != OK)
                return rc;
        if (run->state == BACKUP_FAILED)
                return ctx_fail(ctx, run->rc, "%s", run->detail ? run->detail : "it failed");
        *ret_done = run->state == BACKUP_DONE;
        return *ret_done ? OK : answer_later(ctx, reply, run);
}

static enum err backups_create_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct backup_run run = { .action = BACKUP_ACTION_MAKE };
        struct make_body body = { 0 };
        struct chosen chosen;
        struct backup backup;
        struct jsonw json;
        bool done = false;
        enum err rc = request_fields_or_empty(ctx, request, &body);

        if (rc == OK)
                rc = choose(ctx, body.components, &chosen);
        if (rc == OK && !chosen.database)
                rc = ctx_fail(ctx, ERR_INVALID, "components must have database among them");
        if (rc != OK)
                return rc;
        run.name = body.name;
        run.description = body.description;
        run.with_private = chosen.config;
        rc = ask(ctx, reply, &run, &done);
        if (rc == OK && done)
                rc = backup_get(ctx, run.backup_id, &backup);
        if (rc != OK || !done)
                return rc;

        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "backup_id", backup.id);
        jsonw_string(&json, "path", backup.path);
        render(&json, &backup);
        return reply_json_end(ctx, reply, &json);
}

const struct operation backups_create = {
        OPERATION(backups_create),
        .summary = "Make a backup",
        .body = FIELDS(make_fields),
        .status = 201,
};

/* A backup, and what was last asked for about it. */
static enum err backups_show_run(struct ctx *ctx, const struct request *request,
                                 struct reply *reply)
{
        const char *id = request_param(request, "backup_id");
        struct backup_run run = { 0 };
        struct backup backup;
        struct jsonw json;
        enum err asked = backup_run_get(ctx, &run), rc;

        if (asked != OK || strcmp(run.backup_id, id) != 0)
                run.backup_id = NULL;
        rc = backup_get(ctx, id, &backup);
        if (rc == ERR_NOT_FOUND &&
            (!run.backup_id || run.action != BACKUP_ACTION_MAKE || run.state == BACKUP_DONE))
                return rc;
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;

        json = reply_json(reply);
        if (rc == OK)
                render(&json, &backup);
        else
                jsonw_string(&json, "id", id);
        if (rc == OK && run.backup_id)
                jsonw_object(&json, "last_action");
        if (run.backup_id)
                render_run(&json, &run);
        if (rc == OK && run.backup_id)
                jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation backups_show = {
        OPERATION(backups_show),
        .summary = "Show a backup, or how the one that is being made stands",
};

static enum err answer_restore(struct ctx *ctx, struct reply *reply, const struct backup_run *run)
{
        struct jsonw json = reply_json(reply);

        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "backup_id", run->backup_id);
        jsonw_array(&json, "restored_components");
        if (!run->dry_run)
                jsonw_string(&json, NULL, "database");
        jsonw_array_end(&json);
        jsonw_bool(&json, "dry_run", run->dry_run);
        jsonw_string(&json, "safety", run->safety);
        jsonw_array(&json, "warnings");
        jsonw_string(&json, NULL,
                     run->dry_run ? "Dry run - no changes made"
                                  : "Objects uploaded after the backup have no row now: see "
                                    "\"simpletuner-cloud storage fsck\" before any \"storage gc\"");
        if (run->safety)
                jsonw_string(
                        &json, NULL,
                        arena_printf(ctx->arena, "Existing database backed up to %s", run->safety));
        jsonw_array_end(&json);
        return reply_json_end(ctx, reply, &json);
}

static enum err backups_restore_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct backup_run run = { .action = BACKUP_ACTION_RESTORE,
                                  .backup_id = request_param(request, "backup_id") };
        struct restore_body body = { 0 };
        struct chosen chosen;
        bool done = false;
        enum err rc = request_fields_or_empty(ctx, request, &body);

        if (rc == OK && body.backup_id && strcmp(body.backup_id, run.backup_id) != 0)
                rc = ctx_fail(ctx, ERR_INVALID, "backup_id is not that of the path");
        if (rc == OK)
                rc = choose(ctx, body.components, &chosen);
        if (rc == OK && chosen.config)
                rc = ctx_fail(ctx, ERR_UNSUPPORTED,
                              "config is restored with the service stopped: "
                              "simpletuner-cloud restore %s --config-only",
                              run.backup_id);
        run.dry_run = body.dry_run;
        if (rc == OK)
                rc = ask(ctx, reply, &run, &done);
        return rc == OK && done ? answer_restore(ctx, reply, &run) : rc;
}

const struct operation backups_restore = {
        OPERATION(backups_restore),
        .summary = "Put a backup back, or try whether it could be",
        .body = FIELDS(restore_fields),
};

static enum err backups_verify_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct backup_run run = { .action = BACKUP_ACTION_VERIFY,
                                  .backup_id = request_param(request, "backup_id") };
        struct jsonw json;
        bool done = false;
        enum err rc = ask(ctx, reply, &run, &done);

        if (rc != OK || !done)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "valid", true);
        jsonw_string(&json, "backup_id", run.backup_id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation backups_verify = {
        OPERATION(backups_verify),
        .summary = "Check whether a backup is good",
};

static enum err backups_delete_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        const char *id = request_param(request, "backup_id");
        struct backup backup;
        struct jsonw json;
        enum err rc = backup_get(ctx, id, &backup);

        if (rc == OK || rc == ERR_CONFLICT)
                rc = backup_lock_take(ctx, &lock);
        if (rc == OK)
                rc = backup_delete(ctx, &lock, id);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "deleted", id);
        return reply_json_end(ctx, reply, &json);
}

const struct operation backups_delete = {
        OPERATION(backups_delete),
        .summary = "Delete a backup",
};
