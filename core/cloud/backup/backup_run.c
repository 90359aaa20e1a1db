#include "core/cloud/backup/backup_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/cloud/backup/backup_private.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/secrets/private_file.h"

#define RUN_FILE ".run.json"
#define ASK_LOCK ".ask.lock"
#define LOOK_US  (50 * US_PER_MS)
#define STALE_US (10 * 60 * US_PER_S) /* nobody took it: it is not wanted any more */

static const char *const action_names[] = { "backup", "verify", "restore", NULL };
static const char *const state_names[] = { "queued", "running", "done", "failed", NULL };

const char *backup_action_name(enum backup_action action)
{
        return action_names[action];
}

const char *backup_state_name(enum backup_state state)
{
        return state_names[state];
}

/* The index of a word; -1: it is none. */
static int find_word(const char *const *words, const char *word)
{
        for (int i = 0; word && words[i]; i++) {
                if (strcmp(words[i], word) == 0)
                        return i;
        }
        return -1;
}

/* ---- the file ---- */

static enum err path_of(struct ctx *ctx, const char *file, const char **ret)
{
        const char *dir;
        enum err rc = backup_dir(ctx, &dir);

        if (rc != OK)
                return rc;
        *ret = arena_printf(ctx->arena, "%s/%s", dir, file);
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err write_run(struct ctx *ctx, const struct backup_run *run)
{
        CLEANUP(json_decrefp)
        json_t *json = json_pack(
                "{s:s, s:s, s:s, s:s, s:s?, s:s?, s:b, s:b, s:s, s:s, s:I, s:I, s:I, s:i, s:s?, "
                "s:s?}",
                "run_id", run->run_id, "action", action_names[run->action], "state",
                state_names[run->state], "backup_id", run->backup_id, "name", run->name,
                "description", run->description, "with_private", run->with_private, "dry_run",
                run->dry_run, "actor", run->actor, "client", run->client, "actor_id",
                (json_int_t)run->actor_id, "asked_at_us", (json_int_t)run->asked_at_us,
                "ended_at_us", (json_int_t)run->ended_at_us, "rc", (int)run->rc, "detail",
                run->detail, "safety", run->safety);
        const char *path = NULL, *text = NULL;
        enum err rc = json ? path_of(ctx, RUN_FILE, &path) : ctx_nomem(ctx);

        if (rc == OK)
                rc = json_text(ctx, json, &text);
        return rc == OK ? private_file_replace(ctx, path, text) : rc;
}

static bool take_run(const json_t *json, struct backup_run *run)
{
        const int action = find_word(action_names, json_string_at(json, "action"));
        const int state = find_word(state_names, json_string_at(json, "state"));
        const json_int_t rc = json_integer_value(json_object_get(json, "rc"));

        run->run_id = json_string_at(json, "run_id");
        run->backup_id = json_string_at(json, "backup_id");
        run->name = json_string_at(json, "name");
        run->description = json_string_at(json, "description");
        run->with_private = json_is_true(json_object_get(json, "with_private"));
        run->dry_run = json_is_true(json_object_get(json, "dry_run"));
        run->actor = json_string_at(json, "actor");
        run->client = json_string_at(json, "client");
        run->actor_id = json_integer_value(json_object_get(json, "actor_id"));
        run->asked_at_us = json_integer_value(json_object_get(json, "asked_at_us"));
        run->ended_at_us = json_integer_value(json_object_get(json, "ended_at_us"));
        run->detail = json_string_at(json, "detail");
        run->safety = json_string_at(json, "safety");
        if (action < 0 || state < 0 || rc < 0 || rc >= ERR_COUNT)
                return false;
        run->action = (enum backup_action)action;
        run->state = (enum backup_state)state;
        run->rc = (enum err)rc;
        return run->run_id && run->backup_id && backup_is_id(run->backup_id) && run->actor &&
               run->client;
}

static enum err read_run(struct ctx *ctx, struct backup_run *ret)
{
        const char *path;
        json_t *json = NULL;
        char *text = NULL;
        size_t len = 0;
        enum err rc = path_of(ctx, RUN_FILE, &path);

        if (rc == OK)
                rc = private_file_read(ctx, path, &text, &len);
        if (rc == OK && json_parse_object(ctx, RUN_FILE, text, len, &json) != OK)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s is damaged", path);
        if (rc == OK)
                rc = json_keep(ctx, json);
        if (rc == OK && !take_run(json, ret))
                rc = ctx_fail(ctx, ERR_NOT_FOUND, "%s is damaged", path);
        return rc;
}

static enum err give_up(struct backup_run *run, const char *why)
{
        run->state = BACKUP_FAILED;
        run->rc = ERR_UNAVAILABLE;
        run->detail = why;
        return OK;
}

/* One whose process died says still that it runs; then nobody holds the lock. It is read again
 * because it may have ended just now. */
enum err backup_run_get(struct ctx *ctx, struct backup_run *ret)
{
        struct backup_run run = { 0 };
        enum err rc = read_run(ctx, &run);

        if (rc == OK && run.state == BACKUP_RUNNING && !backup_lock_is_held(ctx)) {
                rc = read_run(ctx, &run);
                if (rc == OK && run.state == BACKUP_RUNNING)
                        rc = give_up(&run, "the process that was at it has died");
        }
        if (rc == OK && run.state == BACKUP_QUEUED &&
            clock_wall_us(ctx->clock) - run.asked_at_us > STALE_US)
                rc = give_up(&run, "nobody took it up in time");
        if (rc == OK)
                *ret = run;
        return rc;
}

/* ---- asking ---- */

static enum err complete(struct ctx *ctx, const struct backup_lock *place, struct backup_run *run)
{
        char id[BACKUP_ID_SIZE], run_id[ULID_SIZE];
        enum err rc = crypto_ulid(ctx, run_id);

        if (rc == OK)
                rc = ctx_strdup(ctx, run_id, &run->run_id);
        if (rc == OK && run->action == BACKUP_ACTION_MAKE) {
                rc = backup_new_id(ctx, place, run->name, id);
                if (rc == OK)
                        rc = ctx_strdup(ctx, id, &run->backup_id);
        }
        run->state = BACKUP_QUEUED;
        run->actor = ctx_actor_name(ctx);
        run->actor_id = ctx->actor.user_id;
        run->client = ctx->client;
        run->asked_at_us = clock_wall_us(ctx->clock);
        return rc;
}

/* Whoever asks at the same time waits for the moment that this takes. */
static enum err ask(struct ctx *ctx, const char *dir, struct backup_run *run)
{
        CLEANUP(close_fdp) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEANUP(close_fdp)
        int fd = openat(dir_fd, ASK_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        const struct backup_lock place = { .dir_fd = dir_fd, .lock_fd = -1, .dir = dir };
        struct backup_run last;
        enum err rc;

        if (dir_fd < 0 || fd < 0 || flock(fd, LOCK_EX) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the backup directory %s: %m", dir);
        rc = backup_run_get(ctx, &last);
        if (rc == OK && (last.state == BACKUP_QUEUED || last.state == BACKUP_RUNNING))
                return ctx_fail(ctx, ERR_CONFLICT,
                                "a backup, restore or rehearsal is under way already");
        if (rc == OK || rc == ERR_NOT_FOUND)
                rc = complete(ctx, &place, run);
        return rc == OK ? write_run(ctx, run) : rc;
}

enum err backup_run_ask(struct ctx *ctx, struct backup_run *run)
{
        struct backup backup;
        const char *dir;
        enum err rc = backup_dir(ctx, &dir);

        if (rc == OK && mkdir(dir, 0700) != 0 && errno != EEXIST)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "the backup directory %s: %m", dir);
        if (rc == OK && run->with_private)
                rc = backup_private_ready(ctx);
        if (rc == OK && run->action != BACKUP_ACTION_MAKE)
                rc = backup_get(ctx, run->backup_id, &backup);
        if (rc == OK)
                rc = ask(ctx, dir, run);
        if (rc == OK)
                bell_ring(ctx->cloud->bells, BELL_BACKUP);
        return rc;
}

enum err backup_run_wait(struct ctx *ctx, unsigned timeout_ms, struct backup_run *run)
{
        const int64_t until_us = clock_mono_us(ctx->clock) + timeout_ms * US_PER_MS;
        struct backup_run now = *run;
        enum err rc = OK;

        while (rc == OK && (now.state == BACKUP_QUEUED || now.state == BACKUP_RUNNING) &&
               clock_mono_us(ctx->clock) < until_us && !atomic_load(&ctx->cloud->draining)) {
                clock_sleep_us(ctx->clock, LOOK_US);
                rc = backup_run_get(ctx, &now);
                if (rc == OK && strcmp(now.run_id, run->run_id) != 0)
                        return OK; /* somebody has asked for the next one: this one has ended */
        }
        if (rc == OK)
                *run = now;
        return rc;
}

/* ---- doing ---- */

static enum err restore(struct ctx *ctx, const struct backup_lock *lock, struct backup_run *run)
{
        const struct backup_restore_wish wish = { .dry_run = run->dry_run };
        struct restore_report report = { 0 };
        struct backup backup;
        enum err rc = backup_get(ctx, run->backup_id, &backup);

        if (rc == OK)
                rc = backup_restore(ctx, lock, &backup, &wish, &report);
        run->safety = report.safety;
        return rc;
}

static enum err verify(struct ctx *ctx, const struct backup_lock *lock,
                       const struct backup_run *run)
{
        struct backup backup;
        enum err rc = backup_get(ctx, run->backup_id, &backup);

        return rc == OK ? backup_verify(ctx, lock, &backup, NULL) : rc;
}

static enum err make(struct ctx *ctx, const struct backup_lock *lock, const struct backup_run *run)
{
        const struct backup_wish wish = { .id = run->backup_id,
                                          .name = run->name,
                                          .description = run->description,
                                          .with_private = run->with_private };
        struct backup backup;

        return backup_make(ctx, lock, &wish, &backup);
}

static enum err perform(struct ctx *ctx, const struct backup_lock *lock, struct backup_run *run)
{
        switch (run->action) {
        case BACKUP_ACTION_MAKE:
                return make(ctx, lock, run);
        case BACKUP_ACTION_VERIFY:
                return verify(ctx, lock, run);
        case BACKUP_ACTION_RESTORE:
                return restore(ctx, lock, run);
        }
        return ctx_fail(ctx, ERR_INTERNAL, "no such action");
}

/* In the name of who asked. */
static enum err perform_for(struct ctx *ctx, const struct backup_lock *lock, struct backup_run *run)
{
        const struct actor self = ctx->actor;
        enum err rc;

        ctx->actor.name = run->actor;
        ctx->actor.user_id = run->actor_id;
        ctx->actor.kind = run->actor_id ? ACTOR_USER : ACTOR_LOCAL_ADMIN;
        snprintf(ctx->client, sizeof(ctx->client), "%s", run->client ? run->client : "");
        rc = perform(ctx, lock, run);
        ctx->actor = self;
        ctx->client[0] = '\0';
        return rc;
}

static enum err take_up(struct ctx *ctx, struct backup_run *run)
{
        CLEANUP(backup_lock_drop) struct backup_lock lock = BACKUP_LOCK_NONE;
        enum err rc = backup_lock_take(ctx, &lock);

        if (rc == ERR_CONFLICT) /* the companion is at one: later */
                return OK;
        if (rc == OK)
                rc = backup_run_get(ctx, run);
        if (rc != OK || run->state != BACKUP_QUEUED)
                return rc;
        run->state = BACKUP_RUNNING;
        rc = write_run(ctx, run);
        if (rc != OK)
                return rc;
        run->rc = perform_for(ctx, &lock, run);
        run->state = run->rc == OK ? BACKUP_DONE : BACKUP_FAILED;
        run->ended_at_us = clock_wall_us(ctx->clock);
        if (run->rc != OK) {
                log_event(ctx, LOG_ERROR, "simpletuner.cloud.backup", "A backup or restore failed",
                          "action", action_names[run->action], "backup", run->backup_id, "error",
                          err_code(run->rc), "reason", ctx->detail);
                run->detail = ctx_shown_detail(ctx, run->rc);
        }
        return write_run(ctx, run);
}

enum err backup_run_work(struct ctx *ctx, bool *ret_more)
{
        struct backup_run run = { 0 };
        enum err rc = restore_watch(ctx);

        *ret_more = false;
        if (rc == OK)
                rc = backup_run_get(ctx, &run);
        if (rc == OK && run.state == BACKUP_QUEUED)
                rc = take_up(ctx, &run);
        return rc == OK || rc == ERR_NOT_FOUND ? restore_tell(ctx) : rc;
}
