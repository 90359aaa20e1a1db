#include "core/cloud/wal/wal_replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/gzip_member.h"
#include "core/cloud/wal/wal_segment.h"

#define WINDOWS_TEXT_MAX 400
#define WINDOWS_SHOWN    4

/* ---- windows ---- */

enum err wal_windows(struct ctx *ctx, struct wal_window **ret)
{
        struct wal_window *first = NULL, *last = NULL;
        struct wal_generation *g = NULL;
        enum err rc = wal_archive_list(ctx, &g);

        for (; rc == OK && g; g = g->next) {
                if (last && g->follows) {
                        last->until_us = g->until_us;
                        continue;
                }
                struct wal_window *window = arena_alloc(ctx->arena, sizeof(*window));

                if (!window)
                        return ctx_nomem(ctx);
                *window = (struct wal_window){ NULL, g->first_us, g->until_us, g->reason };
                if (last)
                        last->next = window;
                else
                        first = window;
                last = window;
        }
        if (rc == OK)
                *ret = first;
        return rc;
}

/* ERR_NOT_FOUND with the windows, the newest ones where there are many. */
static enum err not_in_a_window(struct ctx *ctx)
{
        CLEANUP(buf_done) struct buf text;
        struct wal_window *window = NULL;
        unsigned count = 0;
        enum err rc = wal_windows(ctx, &window);

        if (rc != OK)
                return rc;
        buf_init(&text, WINDOWS_TEXT_MAX);
        for (struct wal_window *w = window; w; w = w->next)
                count++;
        for (; window; window = window->next, count--) {
                char from[CLOCK_ISO_SIZE], until[CLOCK_ISO_SIZE];

                if (count > WINDOWS_SHOWN)
                        continue;
                clock_format_iso(window->from_us, from);
                clock_format_iso(window->until_us, until);
                buf_printf(&text, "%s%s to %s", text.len ? ", " : "", from, until);
        }
        if (!text.len)
                return ctx_fail(ctx, ERR_NOT_FOUND,
                                "no moment can be gone back to: nothing is kept of the log "
                                "(SIMPLETUNER_BACKUP_WAL)");
        return ctx_fail(ctx, ERR_NOT_FOUND, "that moment cannot be gone back to; these can: %s",
                        buf_str(&text));
}

/* ---- finding ---- */

struct walk {
        const struct wal_generation *generation;
        int64_t to_us;
        struct wal_note before; /* the last one seen */
        struct wal_reach reach;
};

static enum err damaged(struct ctx *ctx, const struct walk *walk, unsigned segment)
{
        char reason[CTX_DETAIL_SIZE / 2], until[CLOCK_ISO_SIZE];

        if (walk->reach.members == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "the first segment of %s is missing or damaged",
                                walk->generation->id);
        memcpy(reason, ctx->detail, sizeof(reason) - 1);
        reason[sizeof(reason) - 1] = '\0';
        clock_format_iso(walk->reach.reached_us, until);
        return ctx_fail(ctx, ERR_CONFLICT, "segment %u of %s: %s; it is good until %s", segment,
                        walk->generation->id, reason, until);
}

static enum err open_file(struct ctx *ctx, const char *path, int *ret_fd)
{
        if (!path)
                return ctx_nomem(ctx);
        *ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (*ret_fd >= 0)
                return OK;
        return ctx_fail(ctx, errno == ENOENT ? ERR_CONFLICT : ERR_UNAVAILABLE,
                        "%s cannot be read: %m", path);
}

/* One that is being written, or that its writer left unfinished when it died, has no header yet. */
static bool is_unfinished(int fd, int64_t at)
{
        unsigned char first = 0;

        return pread(fd, &first, 1, at) == 1 && first == 0;
}

/* Does it go on where the one before it ends? */
static bool is_next(const struct walk *walk, const struct wal_note *note)
{
        return walk->reach.members == 0 || wal_same_point(&note->from, &walk->before.point);
}

/* ERR_NOT_FOUND: the moment is before the rest. */
static enum err walk_segment(struct ctx *ctx, struct walk *walk, unsigned number)
{
        CLEANUP(close_fdp) int fd = -1;
        const bool is_last = number == walk->generation->segments;
        int64_t at = 0, end;
        struct wal_note note;
        enum err rc;

        rc = open_file(ctx, wal_archive_segment(ctx, walk->generation->path, number), &fd);
        for (; rc == OK; at = end) {
                rc = wal_segment_note(ctx, fd, at, &note, &end);
                if (rc == ERR_NOT_FOUND || (rc == ERR_CONFLICT && is_last && is_unfinished(fd, at)))
                        return OK;
                if (rc == OK && !is_next(walk, &note))
                        rc = ctx_fail(ctx, ERR_CONFLICT, "it does not follow the one before");
                if (rc != OK)
                        break;
                if (note.captured_us > walk->to_us) {
                        walk->reach.missing_us = note.captured_us;
                        return ERR_NOT_FOUND;
                }
                walk->before = note;
                walk->reach.segments = number;
                walk->reach.members++;
                walk->reach.transactions += note.commits;
                walk->reach.reached_us = note.captured_us - note.took_us;
        }
        return rc == ERR_CONFLICT ? damaged(ctx, walk, number) : rc;
}

/* The newest that has begun by then. */
static const struct wal_generation *generation_of(const struct wal_generation *list, int64_t to_us)
{
        const struct wal_generation *found = NULL;

        for (; list; list = list->next) {
                if (list->first_us <= to_us)
                        found = list;
        }
        return found;
}

enum err wal_replay_find(struct ctx *ctx, int64_t to_us, struct wal_reach *ret)
{
        struct walk walk = { .to_us = to_us };
        struct wal_generation *list = NULL;
        enum err rc = wal_archive_list(ctx, &list);

        if (rc != OK)
                return rc;
        walk.generation = generation_of(list, to_us);
        if (!walk.generation)
                return not_in_a_window(ctx);
        if (to_us != WAL_LATEST && to_us > walk.generation->until_us &&
            !(walk.generation->next && walk.generation->next->follows))
                return not_in_a_window(ctx);
        for (unsigned n = 1; rc == OK && n <= walk.generation->segments; n++)
                rc = walk_segment(ctx, &walk, n);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (walk.reach.members == 0)
                return damaged(ctx, &walk, 1);
        if (rc == OK && walk.generation->next)
                walk.reach.missing_us = walk.generation->next->first_us;
        walk.reach.generation = walk.generation;
        *ret = walk.reach;
        return OK;
}

/* ---- writing ---- */

struct unpacking {
        int out;
        int64_t size;
        struct crypto_hash *hash;
};

static enum err write_piece(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        struct unpacking *self = arg;
        const char *next = bytes;

        if (!crypto_hash_add(self->hash, bytes, len))
                return ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        while (len > 0) {
                ssize_t written = write(self->out, next, len);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written <= 0)
                        return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                        "the database cannot be written: %m");
                next += written;
                len -= (size_t)written;
                self->size += written;
        }
        return OK;
}

static enum err write_base(struct ctx *ctx, const struct wal_generation *generation, int out)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
        CLEANUP(close_fdp) int fd = -1;
        struct unpacking self = { .out = out, .hash = hash };
        unsigned char sha256[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];
        struct gzip_note note = { .bytes = hex };
        enum err rc;

        if (!hash)
                return ctx_nomem(ctx);
        rc = open_file(ctx, arena_printf(ctx->arena, "%s/" WAL_BASE_FILE, generation->path), &fd);
        if (rc == OK)
                rc = gzip_member_note(ctx, fd, 0, &note);
        if (rc == OK)
                rc = gzip_member_read(ctx, fd, 0, write_piece, &self);
        if (rc == OK && !crypto_hash_end(hash, sha256))
                rc = ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        if (rc == ERR_CONFLICT || rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_CONFLICT, "the base of %s is damaged", generation->id);
        if (rc != OK)
                return rc;
        crypto_hex(sha256, sizeof(sha256), hex);
        if (self.size != generation->base_bytes || strcmp(hex, generation->base_sha256) != 0)
                return ctx_fail(ctx, ERR_CONFLICT, "the SHA-256 of the base of %s is another",
                                generation->id);
        return OK;
}

/* The members of one segment, as many as are needed. */
static enum err play_segment(struct ctx *ctx, const struct wal_reach *reach, unsigned number,
                             struct wal_replay *replay, unsigned *left)
{
        CLEANUP(close_fdp) int fd = -1;
        struct wal_note note;
        int64_t at = 0, end;
        enum err rc;

        rc = open_file(ctx, wal_archive_segment(ctx, reach->generation->path, number), &fd);
        for (; rc == OK && *left > 0; at = end, --*left) {
                rc = wal_segment_note(ctx, fd, at, &note, &end);
                if (rc == ERR_NOT_FOUND)
                        return OK;
                if (rc == OK)
                        rc = wal_segment_replay(ctx, fd, at, &note, replay);
                if (rc != OK)
                        break;
        }
        return rc;
}

static enum err play_all(struct ctx *ctx, const struct wal_reach *reach, int out)
{
        struct wal_replay replay = { .out = out };
        unsigned left = reach->members;
        enum err rc = OK;

        for (unsigned n = 1; rc == OK && n <= reach->segments; n++) {
                rc = play_segment(ctx, reach, n, &replay, &left);
                if (rc == ERR_CONFLICT) {
                        const char *what = arena_printf(ctx->arena, "segment %u of %s", n,
                                                        reach->generation->id);

                        return what ? ctx_prefix(ctx, rc, what) : ctx_nomem(ctx);
                }
        }
        if (rc != OK || replay.database_pages == 0)
                return rc;
        if (ftruncate(out, (int64_t)replay.database_pages * replay.header.page_size) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "the database cannot be written: %m");
        return OK;
}

enum err wal_replay_write(struct ctx *ctx, const struct wal_reach *reach, const char *path)
{
        CLEANUP(close_fdp) int out = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        enum err rc;

        if (out < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be made: %m", path);
        rc = write_base(ctx, reach->generation, out);
        if (rc == OK)
                rc = play_all(ctx, reach, out);
        if (rc == OK && fsync(out) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be written: %m", path);
        if (rc != OK)
                unlink(path);
        return rc;
}
