#include "core/cloud/wal/wal_position.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/fault.h"

void wal_position_done(struct wal_position *position)
{
        close_fdp(&position->segment.fd);
        *position = WAL_POSITION_NONE;
}

/* ERR_CONFLICT: a segment is missing or damaged. */
static enum err open_segment(struct ctx *ctx, struct wal_position *position, unsigned number)
{
        const char *path = wal_archive_segment(ctx, position->generation, number);
        struct wal_segment segment = { .fd = -1 };
        enum err rc;

        if (!path)
                return ctx_nomem(ctx);
        close_fdp(&position->segment.fd);
        position->segment.fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (position->segment.fd < 0 && errno == ENOENT)
                return ctx_fail(ctx, ERR_CONFLICT, "segment %u is missing", number);
        if (position->segment.fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be opened: %m", path);
        rc = wal_segment_resume(ctx, position->segment.fd, &segment);
        if (rc == OK)
                position->segment = segment;
        return rc;
}

/* A segment in which nothing was finished is no more than a name. */
static enum err find_end(struct ctx *ctx, struct wal_position *position, unsigned segments)
{
        for (unsigned number = segments; number > 0; number--) {
                enum err rc = open_segment(ctx, position, number);

                if (rc != OK)
                        return rc;
                position->segment_number = number;
                if (position->segment.members > 0) {
                        position->point = position->segment.newest.point;
                        return OK;
                }
                if (unlink(wal_archive_segment(ctx, position->generation, number)) != 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "a segment cannot be removed: %m");
        }
        return ctx_fail(ctx, ERR_CONFLICT, "there is no segment");
}

enum err wal_position_resume(struct ctx *ctx, struct wal_position *ret)
{
        CLEANUP(wal_position_done) struct wal_position position = WAL_POSITION_NONE;
        struct wal_generation *newest = NULL;
        enum err rc = wal_archive_list(ctx, &newest);

        if (rc != OK)
                return rc;
        while (newest && newest->next)
                newest = newest->next;
        if (!newest)
                rc = ctx_fail(ctx, ERR_CONFLICT, "there is none yet");
        if (rc == OK) {
                snprintf(position.generation, sizeof(position.generation), "%s", newest->path);
                position.number = newest->number;
                position.first_us = newest->first_us;
                rc = find_end(ctx, &position, newest->segments);
        }
        position.is_known = rc == OK;
        if (rc != OK && rc != ERR_CONFLICT)
                return rc;
        *ret = position;
        position = WAL_POSITION_NONE;
        return OK;
}

enum wal_verdict wal_position_compare(const struct wal_position *position,
                                      const struct wal_index *index, bool is_held)
{
        const struct wal_point *kept = &position->point;

        if (!position->is_known)
                return WAL_NOT_KNOWN;
        if (!wal_same_log(kept, &index->point)) {
                if (!is_held)
                        return WAL_NOT_KNOWN;
                return index->last > 0 ? WAL_NEW_LOG : WAL_NOTHING_NEW;
        }
        if (index->last > kept->frame)
                return is_held || kept->frame > 0 ? WAL_GOES_ON : WAL_NOT_KNOWN;
        if (!wal_same_point(kept, &index->point) || (kept->frame == 0 && !is_held))
                return WAL_NOT_KNOWN;
        return WAL_NOTHING_NEW;
}

static enum err sync_directory(struct ctx *ctx, const char *path)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || fsync(fd) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be written: %m", path);
        return OK;
}

static enum err append_to_new(struct ctx *ctx, struct wal_position *position,
                              struct wal_source *source, const struct wal_index *index)
{
        const char *path =
                wal_archive_segment(ctx, position->generation, position->segment_number + 1);
        CLEANUP(close_fdp) int fd = -1;
        struct wal_segment segment = { .fd = -1 };
        enum err rc;

        if (!path)
                return ctx_nomem(ctx);
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                "%s cannot be made: %m", path);
        segment.fd = fd;
        FAULT_POINT("wal.segment_made");
        rc = wal_segment_append(ctx, &segment, source, &position->point, index);
        if (rc == OK)
                rc = sync_directory(ctx, position->generation);
        if (rc != OK) {
                unlink(path);
                return rc;
        }
        close_fdp(&position->segment.fd);
        position->segment = segment;
        position->segment.fd = TAKE_FD(fd);
        position->segment_number++;
        return OK;
}

enum err wal_position_append(struct ctx *ctx, struct wal_position *position,
                             struct wal_source *source, const struct wal_index *index)
{
        enum err rc;

        if (position->segment_number > 0 && wal_same_log(&position->point, &index->point))
                rc = wal_segment_append(ctx, &position->segment, source, &position->point, index);
        else
                rc = append_to_new(ctx, position, source, index);
        if (rc == OK)
                position->point = position->segment.newest.point;
        return rc;
}
