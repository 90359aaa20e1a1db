#include "core/cloud/wal/wal_base.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/base/gzip_member.h"

#define PIECE        INT64_C(1048576)
#define TRIES        5
#define PAGE_SIZE_AT 16 /* fileformat2 1.3.2: two bytes, the high one first; 1 is 65536 */

struct copying {
        struct wal_source *source;
        struct gzip_member *member;
        struct crypto_hash *hash;
        int64_t size;
        unsigned char piece[PIECE];
};

static void copying_free(struct copying *copying)
{
        gzip_member_free(copying->member);
        crypto_hash_free(copying->hash);
        free(copying);
}
DEFINE_CLEANUP(struct copying *, copying_free)

static enum err copy_pieces(struct ctx *ctx, const struct wal_base_wish *wish,
                            struct copying *copying)
{
        enum err rc = OK;

        for (int64_t at = 0; rc == OK && at < copying->size; at += PIECE) {
                int64_t left = copying->size - at;
                size_t len = left < PIECE ? (size_t)left : (size_t)PIECE;

                rc = wal_source_read_file(ctx, copying->source, at, copying->piece, len);
                if (rc == ERR_CONFLICT) /* a backfill made it shorter: zeros are read there */
                        rc = OK;
                if (rc == OK && !crypto_hash_add(copying->hash, copying->piece, len))
                        rc = ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
                if (rc == OK)
                        rc = gzip_member_add(ctx, copying->member, copying->piece, len);
                if (rc == OK && wish->tick)
                        rc = wish->tick(ctx, wish->arg, at + PIECE >= copying->size);
        }
        return rc;
}

static enum err finish_copy(struct ctx *ctx, struct copying *copying, int fd,
                            struct wal_generation *generation)
{
        unsigned char sha256[SHA256_SIZE];
        char *hex = arena_alloc(ctx->arena, SHA256_HEX_SIZE);
        int64_t end;
        enum err rc;

        if (!hex)
                return ctx_nomem(ctx);
        rc = gzip_member_end(ctx, copying->member, "", &end);
        if (rc == OK && fsync(fd) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "the base cannot be written: %m");
        if (rc == OK && !crypto_hash_end(copying->hash, sha256))
                rc = ctx_fail(ctx, ERR_INTERNAL, "a hash failed");
        if (rc != OK)
                return rc;
        crypto_hex(sha256, sizeof(sha256), hex);
        generation->base_sha256 = hex;
        generation->base_bytes = copying->size;
        return OK;
}

static enum err copy_base(struct ctx *ctx, const struct wal_base_wish *wish,
                          struct wal_source *source, struct wal_generation *generation)
{
        CLEANUP(copying_freep) struct copying *copying = calloc(1, sizeof(*copying));
        CLEANUP(close_fdp) int fd = -1;
        const char *path = arena_printf(ctx->arena, "%s/" WAL_BASE_FILE, generation->path);
        enum err rc;

        if (!copying || !path)
                return ctx_nomem(ctx);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be made: %m", path);
        copying->source = source;
        copying->hash = crypto_hash_new(CRYPTO_SHA256);
        if (!copying->hash)
                return ctx_nomem(ctx);
        rc = wal_source_file_size(ctx, source, &copying->size);
        if (rc == OK)
                rc = gzip_member_new(ctx, fd, 0, 0, &copying->member);
        if (rc == OK)
                rc = copy_pieces(ctx, wish, copying);
        return rc == OK ? finish_copy(ctx, copying, fd, generation) : rc;
}

/* An empty log does not say how large pages are. */
static enum err set_page_size(struct ctx *ctx, struct wal_source *source, struct wal_index *index)
{
        unsigned char bytes[2] = { 0 };
        enum err rc = OK;

        if (index->page_size == 0 || index->last == 0)
                rc = wal_source_read_file(ctx, source, PAGE_SIZE_AT, bytes, sizeof(bytes));
        if (rc != OK || bytes[0] + bytes[1] == 0)
                return rc;
        index->page_size = (uint32_t)bytes[0] << 8 | bytes[1];
        if (index->page_size == 1)
                index->page_size = WAL_PAGE_MAX;
        return OK;
}

/* All of the log from its first frame. It may be begun anew while it is read, at most once: no more
 * than the file is then in the new one. */
static enum err first_segment(struct ctx *ctx, struct wal_source *source,
                              struct wal_position *position)
{
        enum err rc = ERR_CONFLICT;

        for (unsigned tries = 0; rc == ERR_CONFLICT && tries < TRIES; tries++) {
                struct wal_index index;

                rc = wal_source_begin(ctx, source, &index);
                if (rc == OK)
                        rc = set_page_size(ctx, source, &index);
                position->point =
                        (struct wal_point){ .salt = { index.point.salt[0], index.point.salt[1] } };
                if (rc == OK)
                        rc = wal_position_append(ctx, position, source, &index);
                if (rc != OK)
                        wal_source_give_up(source);
        }
        return rc;
}

static enum err make_directory(struct ctx *ctx, const char *dir, struct wal_generation *ret)
{
        char when[CLOCK_ISO_SIZE];
        size_t len = 0;

        clock_format_iso(clock_wall_us(ctx->clock), when);
        for (const char *c = when; *c && *c != '.'; c++) {
                if (*c != '-' && *c != ':')
                        when[len++] = *c;
        }
        when[len] = '\0';
        ret->id = arena_printf(ctx->arena, "%08" PRId64 "-%sZ", ret->number, when);
        ret->path = ret->id ? arena_printf(ctx->arena, "%s/.new-%s", dir, ret->id) : NULL;
        if (!ret->path)
                return ctx_nomem(ctx);
        if (mkdir(ret->path, 0700) != 0)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                "%s cannot be made: %m", ret->path);
        return OK;
}

static enum err publish(struct ctx *ctx, const char *dir, const struct wal_generation *generation,
                        struct wal_position *position)
{
        CLEANUP(close_fdp) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int len = snprintf(position->generation, sizeof(position->generation), "%s/%s", dir,
                           generation->id);

        if (len < 0 || (size_t)len >= sizeof(position->generation))
                return ctx_fail(ctx, ERR_INVALID, "the path of the backup directory is too long");
        FAULT_POINT("wal.generation_made");
        if (fd < 0 || rename(generation->path, position->generation) != 0 || fsync(fd) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be made: %m",
                                position->generation);
        return OK;
}

/* What is known of those before: the number of the newest, and until when it was complete. */
static enum err look_back(struct ctx *ctx, struct wal_generation *ret)
{
        struct wal_generation *list = NULL;
        enum err rc = wal_archive_list(ctx, &list);

        ret->number = 1;
        for (; rc == OK && list; list = list->next) {
                ret->number = list->number + 1;
                ret->previous_until_us = list->until_us;
        }
        return rc;
}

/* With ticks the hold moves on, and lets a log be written back and begun anew that was not in the
 * file when the copy began. Then what was copied before that is in neither. */
static enum err check_log(struct ctx *ctx, const struct wal_base_wish *wish,
                          const struct wal_index *before, const struct wal_position *made)
{
        if (!wish->tick || wal_same_log(&before->point, &made->point))
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT, "the log was begun anew while the base was copied");
}

enum err wal_base_begin(struct ctx *ctx, const struct wal_base_wish *wish,
                        struct wal_source *source, struct wal_position *position)
{
        CLEANUP(wal_position_done) struct wal_position made = WAL_POSITION_NONE;
        struct wal_generation generation = { .reason = wish->reason, .follows = wish->follows };
        const char *dir = NULL;
        struct wal_index before;
        enum err rc = wal_archive_dir(ctx, &dir);

        if (rc == OK)
                rc = wal_source_peek(ctx, source, &before);
        if (rc == OK)
                rc = look_back(ctx, &generation);
        if (rc == OK)
                rc = make_directory(ctx, dir, &generation);
        if (rc == OK)
                rc = copy_base(ctx, wish, source, &generation);
        if (rc == OK && wish->follows)
                generation.previous_until_us = wal_archive_alive_us(ctx);
        if (rc != OK)
                return rc;
        snprintf(made.generation, sizeof(made.generation), "%s", generation.path);
        rc = first_segment(ctx, source, &made);
        if (rc != OK)
                return rc;
        generation.first_us = made.segment.newest.captured_us;
        rc = check_log(ctx, wish, &before, &made);
        if (rc == OK)
                rc = wal_archive_describe(ctx, generation.path, &generation);
        if (rc == OK)
                rc = publish(ctx, dir, &generation, &made);
        if (rc != OK) {
                wal_source_give_up(source);
                return rc;
        }
        made.number = generation.number;
        made.first_us = generation.first_us;
        made.is_known = true;
        wal_source_keep(source);
        wal_position_done(position);
        *position = made;
        made = WAL_POSITION_NONE;
        return OK;
}
