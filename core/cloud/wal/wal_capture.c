#include "core/cloud/wal/wal_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/wal/wal_base.h"
#include "core/db/database.h"

#define LOG_BYTES      ((int64_t)(4 * MiB))   /* of a log: then it is to begin anew */
#define LOG_BYTES_MOST ((int64_t)(256 * MiB)) /* then it is let go when it cannot be copied */
#define GENERATION_US  US_PER_DAY
#define TRY_AGAIN_US   (10 * 60 * US_PER_S) /* to begin one, while the one before goes on */
#define PRUNE_US       US_PER_HOUR

static const char logger[] = "simpletuner.cloud.wal";

struct wal_capture {
        int lock_fd;
        bool stays;   /* the process does */
        bool is_lost; /* transactions may be missing behind the position, whatever is held */
        struct wal_source *source;
        struct wal_position position;
        int64_t looked_us, pruned_us, tried_us; /* monotonic; 0: never */
        int64_t log_bytes;                      /* at the last look */
        int64_t known_us;                       /* wall clock, when it began */
        struct wal_look look;                   /* the one that is under way */
};

struct wal_capture *wal_capture_new(void)
{
        struct wal_capture *capture = calloc(1, sizeof(*capture));

        if (!capture)
                return NULL;
        capture->lock_fd = -1;
        capture->stays = true;
        capture->position = WAL_POSITION_NONE;
        return capture;
}

void wal_capture_free(struct wal_capture *capture)
{
        if (!capture)
                return;
        wal_source_close(capture->source);
        wal_position_done(&capture->position);
        close_fdp(&capture->lock_fd);
        free(capture);
}

bool wal_capture_is_on(const struct ctx *ctx)
{
        return ctx->config->backup.wal.on && database_path(ctx->cloud->database);
}

/* ---- the one who captures ---- */

static enum err make_directory(struct ctx *ctx, const char *path)
{
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                "%s cannot be made: %m", path);
        return OK;
}

/* ERR_CONFLICT: another process has it. */
static enum err take_lock(struct ctx *ctx, struct wal_capture *capture)
{
        static const struct timespec never[2] = { { 0 }, { 0 } };
        const char *dir = NULL, *path, *slash;
        enum err rc = wal_archive_dir(ctx, &dir);

        if (rc != OK || capture->lock_fd >= 0)
                return rc;
        slash = strrchr(dir, '/');
        rc = make_directory(ctx, arena_strndup(ctx->arena, dir, (size_t)(slash - dir)));
        if (rc == OK)
                rc = make_directory(ctx, dir);
        if (rc != OK)
                return rc;
        path = arena_printf(ctx->arena, "%s/" WAL_ALIVE_FILE, dir);
        if (!path)
                return ctx_nomem(ctx);
        capture->lock_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (capture->lock_fd >= 0)
                futimens(capture->lock_fd, never);
        else if (errno == EEXIST)
                capture->lock_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (capture->lock_fd < 0)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                "%s cannot be made: %m", path);
        if (flock(capture->lock_fd, LOCK_EX | LOCK_NB) == 0)
                return OK;
        close_fdp(&capture->lock_fd);
        return ctx_fail(ctx, ERR_CONFLICT, "another process keeps the log");
}

/* ---- looking ---- */

static int64_t bytes_of(const struct wal_index *index, uint32_t frames)
{
        return (int64_t)frames * (int64_t)wal_frame_bytes(index->page_size);
}

/* Copy what the kept log can go on with, and hold where it then ends. */
static enum err go_on(struct ctx *ctx, struct wal_capture *capture, enum wal_verdict *ret)
{
        const bool is_held = wal_source_is_held(capture->source);
        struct wal_index index;
        enum err rc = wal_source_begin(ctx, capture->source, &index);

        if (rc != OK)
                return rc;
        capture->log_bytes = bytes_of(&index, index.last);
        capture->known_us = index.before_us;
        *ret = wal_position_compare(&capture->position, &index, is_held);
        if (*ret == WAL_GOES_ON || *ret == WAL_NEW_LOG) {
                rc = wal_position_append(ctx, &capture->position, capture->source, &index);
                if (rc == ERR_CONFLICT) {
                        *ret = WAL_NOT_KNOWN;
                        rc = OK;
                } else if (rc == OK) {
                        capture->look.commits += capture->position.segment.newest.commits;
                }
        }
        if (rc == OK && *ret == WAL_NOT_KNOWN)
                capture->is_lost = true;
        if (rc == OK)
                wal_source_keep(capture->source);
        else
                wal_source_give_up(capture->source);
        return rc;
}

/* Until when all is kept. */
static void touch(const struct wal_capture *capture)
{
        const struct timespec at = { .tv_sec = capture->known_us / US_PER_S,
                                     .tv_nsec = capture->known_us % US_PER_S * 1000 };
        const struct timespec times[2] = { at, at };

        futimens(capture->lock_fd, times);
}

static bool is_time(const struct ctx *ctx, const struct wal_capture *capture)
{
        const int64_t interval_us = (int64_t)ctx->config->backup.wal.interval_s * US_PER_S;

        return capture->looked_us == 0 ||
               clock_mono_us(ctx->clock) - capture->looked_us >= interval_us;
}

/* The generation before goes on while the next one's base is copied. */
static enum err tick(struct ctx *ctx, void *arg, bool is_last)
{
        struct wal_capture *capture = arg;
        enum wal_verdict verdict;
        enum err rc;

        if (!is_last && !is_time(ctx, capture))
                return OK;
        rc = go_on(ctx, capture, &verdict);
        if (rc == OK && verdict == WAL_NOT_KNOWN)
                rc = ctx_fail(ctx, ERR_CONFLICT, "the log was begun anew by somebody else");
        if (rc != OK)
                return rc;
        capture->looked_us = clock_mono_us(ctx->clock);
        touch(capture);
        return OK;
}

static enum err begin_generation(struct ctx *ctx, struct wal_capture *capture, const char *reason,
                                 bool follows)
{
        const struct wal_base_wish wish = {
                .reason = reason,
                .follows = follows,
                .tick = follows ? tick : NULL,
                .arg = capture,
        };
        unsigned removed = 0;
        enum err rc = wal_base_begin(ctx, &wish, capture->source, &capture->position);

        if (rc == OK) {
                capture->is_lost = false;
                capture->look.begun = reason;
                log_event(ctx, LOG_INFO, logger, "A generation of the kept log begins", "reason",
                          reason);
                return OK;
        }
        if (wal_archive_prune(ctx, 0, &removed) != OK) /* what was begun and not finished */
                log_event(ctx, LOG_WARNING, logger, "Leftovers cannot be removed", "reason",
                          ctx->detail);
        return rc;
}

/* Why the kept log cannot be gone on with, as the archive says it. */
static const char *reason_of(const struct wal_capture *capture, bool was_held)
{
        if (!capture->position.is_known)
                return capture->position.number ? "damaged" : "first";
        return was_held ? "replaced" : "interrupted";
}

static enum err look(struct ctx *ctx, struct wal_capture *capture)
{
        const bool was_held = wal_source_is_held(capture->source);
        enum wal_verdict verdict;
        enum err rc = go_on(ctx, capture, &verdict);

        if (rc == OK && verdict == WAL_NOT_KNOWN)
                rc = begin_generation(ctx, capture, reason_of(capture, was_held), false);
        if (rc == OK && capture->look.begun)
                capture->known_us = capture->position.first_us;
        if (rc == OK)
                touch(capture);
        return rc;
}

/* ---- letting the log begin anew ---- */

/* Everything is copied while nobody writes, then everything is in the database file, then the hold
 * needs nothing of the log: whoever writes next begins it anew. */
static enum err turn_over(struct ctx *ctx, struct wal_capture *capture)
{
        struct wal_index index;
        bool all = false;
        enum wal_verdict verdict;
        enum err rc = go_on(ctx, capture, &verdict);

        FAULT_POINT("wal.stopped");
        if (rc == OK && verdict != WAL_NOT_KNOWN)
                rc = wal_source_backfill(ctx, capture->source, &all);
        FAULT_POINT("wal.backfilled");
        if (rc != OK || !all)
                return rc;
        rc = wal_source_begin(ctx, capture->source, &index);
        if (rc == OK)
                wal_source_keep(capture->source);
        return rc;
}

static enum err shorten_log(struct ctx *ctx, struct wal_capture *capture)
{
        bool all;
        enum err rc = wal_source_backfill(ctx, capture->source, &all); /* most of it */

        if (rc == OK)
                rc = wal_source_stop_writers(ctx, capture->source);
        if (rc != OK)
                return rc;
        rc = turn_over(ctx, capture);
        wal_source_let_write(capture->source);
        FAULT_POINT("wal.turned_over");
        return rc;
}

/* ---- all of it ---- */

static enum err open_source(struct ctx *ctx, struct wal_capture *capture)
{
        enum err rc;

        if (capture->source && wal_source_is_in_place(capture->source))
                return OK;
        wal_source_close(capture->source);
        capture->source = NULL;
        wal_position_done(&capture->position);
        rc = wal_position_resume(ctx, &capture->position);
        if (rc == OK && !capture->position.is_known && capture->position.number > 0)
                log_event(ctx, LOG_WARNING, logger, "The kept log is damaged", "generation",
                          capture->position.generation, "reason", ctx->detail);
        if (rc == OK)
                rc = wal_source_open(ctx, database_path(ctx->cloud->database), &capture->source);
        return rc;
}

static enum err prune(struct ctx *ctx, struct wal_capture *capture)
{
        const int64_t days = (int64_t)ctx->config->backup.wal.days;
        const int64_t now_us = clock_mono_us(ctx->clock);

        if (capture->stays && capture->pruned_us && now_us - capture->pruned_us < PRUNE_US)
                return OK;
        capture->pruned_us = now_us;
        return wal_archive_prune(ctx, clock_wall_us(ctx->clock) - days * US_PER_DAY,
                                 &capture->look.removed);
}

static bool is_old(const struct ctx *ctx, const struct wal_capture *capture)
{
        const struct wal_position *position = &capture->position;

        if (capture->tried_us && clock_mono_us(ctx->clock) - capture->tried_us < TRY_AGAIN_US)
                return false;
        return clock_wall_us(ctx->clock) - position->first_us >= GENERATION_US &&
               position->segment.newest.captured_us > position->first_us;
}

/* Whether it can be or not, all else goes on with the generation there is. */
static enum err begin_day(struct ctx *ctx, struct wal_capture *capture)
{
        enum err rc;

        if (!is_old(ctx, capture))
                return OK;
        rc = begin_generation(ctx, capture, "daily", true);
        capture->tried_us = rc == OK ? 0 : clock_mono_us(ctx->clock);
        return rc;
}

/* What is held says no more where the log goes on, or is too much: the next look finds out from
 * what is kept. */
static void let_go(struct wal_capture *capture)
{
        wal_source_close(capture->source);
        capture->source = NULL;
        capture->is_lost = false;
}

/* What is too old goes first: it may make the space for the rest. */
static enum err work(struct ctx *ctx, struct wal_capture *capture)
{
        enum err pruned = prune(ctx, capture), begun = OK;
        enum err rc = open_source(ctx, capture);

        if (rc == OK)
                rc = look(ctx, capture);
        capture->looked_us = clock_mono_us(ctx->clock);
        if (rc == OK)
                begun = begin_day(ctx, capture);
        if (rc == OK && !capture->is_lost && capture->stays && capture->log_bytes >= LOG_BYTES)
                rc = shorten_log(ctx, capture);
        if (capture->is_lost || (rc != OK && capture->log_bytes >= LOG_BYTES_MOST))
                let_go(capture);
        if (rc == OK)
                rc = begun;
        return rc == OK ? pruned : rc;
}

/* A look is due by the clock, or because much was written. */
static bool is_due(struct ctx *ctx, struct wal_capture *capture)
{
        const struct wal_point *kept = &capture->position.point;
        struct wal_index index;

        if (is_time(ctx, capture) || !capture->source)
                return is_time(ctx, capture);
        if (!wal_source_is_held(capture->source) ||
            wal_source_peek(ctx, capture->source, &index) != OK)
                return true;
        return bytes_of(&index, index.last) >= LOG_BYTES &&
               (!wal_same_log(kept, &index.point) ||
                bytes_of(&index, index.last - kept->frame) >= LOG_BYTES);
}

enum err wal_capture_run(struct ctx *ctx, struct wal_capture *capture, struct wal_look *ret)
{
        enum err rc;

        *ret = capture->look = (struct wal_look){ 0 };
        if (!wal_capture_is_on(ctx) || !is_due(ctx, capture))
                return OK;
        rc = take_lock(ctx, capture);
        if (rc == ERR_CONFLICT) {
                ret->elsewhere = true;
                return OK;
        }
        if (rc == OK)
                rc = work(ctx, capture);
        *ret = capture->look;
        return rc;
}

enum err wal_capture_once(struct ctx *ctx, struct wal_look *ret)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = wal_capture_new();

        if (!capture)
                return ctx_nomem(ctx);
        capture->stays = false;
        return wal_capture_run(ctx, capture, ret);
}
