#include "core/cloud/storage/object_body.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/base/digest.h"
#include "core/cloud/remote/remote_put.h"
#include "core/cloud/storage/object_temp.h"

#define WRITEBACK_EVERY ((int64_t)(8 * MiB))

struct object_body {
        int64_t size, written_back;
        bool resumed; /* it keeps its own name until the rows are written */
        struct object_temp temp;
        struct remote_target target; /* url NULL: it is a file */
        struct remote_put *put;      /* NULL: it goes, or goes first, into the file */
        bool sent, arrived;          /* the store may have it; it has */
        struct digest *digest;
        struct checksum *checksum; /* NULL: no kind was wanted */
};

static enum err refuse_size(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_TOO_LARGE, "EntityTooLarge",
                           "An object has at most %" PRIu64 " bytes",
                           ctx->config->max_object_bytes);
}

static enum err open_temp(struct ctx *ctx, const struct object_body_intent *intent,
                          struct object_body *body)
{
        const char *directory;
        enum err rc = OK;

        if (intent->remote)
                body->target = *intent->remote;
        if (intent->remote && !intent->resume_key && intent->size >= 0 &&
            intent->size <= REMOTE_PUT_MAX) {
                rc = crypto_ulid(ctx, body->temp.id);
                return rc == OK ? remote_put_begin(ctx, &body->target, intent->size, &body->put)
                                : rc;
        }
        directory = intent->bucket_directory;
        if (intent->remote)
                rc = object_spool(ctx, intent->bucket_directory, &directory);
        if (rc != OK)
                return rc;
        if (!intent->resume_key)
                return object_temp_open(ctx, directory, intent->size, &body->temp);
        rc = object_temp_resume(ctx, directory, intent->resume_key, &body->temp);
        if (rc != OK)
                return rc;
        if (!digest_add_file(body->digest, body->temp.fd, &body->size))
                return object_temp_error(ctx, "cannot read a partial file");
        body->written_back = body->size;
        return OK;
}

enum err object_body_begin(struct ctx *ctx, const struct object_body_intent *intent,
                           struct object_body **ret)
{
        struct object_body *body = arena_alloc(ctx->arena, sizeof(*body));
        enum err rc = OK;

        if (!body)
                return ctx_nomem(ctx);
        if (intent->size > (int64_t)ctx->config->max_object_bytes)
                return refuse_size(ctx);
        *body = (struct object_body){ .temp = OBJECT_TEMP_NONE,
                                      .resumed = intent->resume_key != NULL,
                                      .digest = digest_new() };
        if (intent->checksum != CHECKSUM_NONE)
                body->checksum = checksum_new(intent->checksum);
        if (!body->digest || (intent->checksum != CHECKSUM_NONE && !body->checksum))
                rc = ctx_nomem(ctx);
        if (rc == OK)
                rc = open_temp(ctx, intent, body);
        if (rc != OK) {
                object_body_free(body, intent->resume_key != NULL);
                return rc;
        }
        *ret = body;
        return OK;
}

void object_body_free(struct object_body *body, bool keep)
{
        if (!body)
                return;
        digest_free(body->digest);
        checksum_free(body->checksum);
        remote_put_free(body->put);
        object_temp_close(&body->temp, keep && !body->arrived);
        *body = (struct object_body){ .temp = OBJECT_TEMP_NONE };
}

bool object_body_is_remote(const struct object_body *body)
{
        return body && (body->sent || (body->put && remote_put_has_begun(body->put)));
}

const char *object_body_id(const struct object_body *body)
{
        return body->temp.id;
}

int64_t object_body_size(const struct object_body *body)
{
        return body->size;
}

enum err object_body_restart(struct ctx *ctx, struct object_body *body)
{
        struct digest *digest = digest_new();

        if (!digest)
                return ctx_nomem(ctx);
        digest_free(body->digest);
        body->digest = digest;
        /* Durable at once: what is said of the new bytes must never be taken for the old ones. */
        if (ftruncate(body->temp.fd, 0) != 0 || lseek(body->temp.fd, 0, SEEK_SET) != 0 ||
            fsync(body->temp.fd) != 0)
                return object_temp_error(ctx, "cannot empty a partial file");
        body->size = body->written_back = 0;
        return OK;
}

enum err object_body_expect(struct ctx *ctx, const struct object_body *body, int64_t total)
{
        if (total > (int64_t)ctx->config->max_object_bytes)
                return refuse_size(ctx);
        return body->put ? OK : object_temp_check_floor(ctx, &body->temp, total - body->size);
}

/* Start the disk now and then, so that the fsync at the end has little left to wait for. */
static enum err write_back(struct ctx *ctx, struct object_body *body)
{
        int64_t fresh = body->size - body->written_back;

        if (fresh < WRITEBACK_EVERY)
                return OK;
        sync_file_range(body->temp.fd, body->written_back, fresh, SYNC_FILE_RANGE_WRITE);
        body->written_back = body->size;
        return object_temp_check_floor(ctx, &body->temp, 0);
}

static enum err grow(struct ctx *ctx, struct object_body *body, int64_t len)
{
        body->size += len;
        return body->size > (int64_t)ctx->config->max_object_bytes ? refuse_size(ctx) : OK;
}

static enum err write_all(struct ctx *ctx, struct object_body *body, const void *bytes, size_t len)
{
        const char *at = bytes;

        if (body->put)
                return remote_put_write(ctx, body->put, bytes, len);
        while (len > 0) {
                ssize_t n = write(body->temp.fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return object_temp_error(ctx, "cannot write an upload");
                at += n;
                len -= (size_t)n;
        }
        return write_back(ctx, body);
}

enum err object_body_write(struct ctx *ctx, struct object_body *body, const void *bytes, size_t len)
{
        enum err rc = grow(ctx, body, (int64_t)len);
        bool hashed;

        if (rc != OK)
                return rc;
        hashed = digest_start(body->digest, bytes, len) &&
                 (!body->checksum || checksum_add(body->checksum, bytes, len));
        rc = write_all(ctx, body, bytes, len);
        hashed &= digest_settle(body->digest); /* the bytes are the caller's again */
        return rc == OK && !hashed ? ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload") : rc;
}

enum err object_body_append(struct ctx *ctx, struct object_body *body, int fd, int64_t size)
{
        off64_t from = 0;
        enum err rc = grow(ctx, body, size);

        if (rc == OK)
                rc = object_temp_check_floor(ctx, &body->temp, size);
        while (rc == OK && from < size) {
                ssize_t n =
                        copy_file_range(fd, &from, body->temp.fd, NULL, (size_t)(size - from), 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return object_temp_error(ctx, "cannot copy a file");
                if (n == 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE,
                                        "a file is shorter than its row says");
        }
        return rc;
}

enum err object_expect_check(struct ctx *ctx, const struct object_expect *expect,
                             const struct object_sums *sums)
{
        if (expect->sha256 && strcmp(expect->sha256, sums->sha256) != 0)
                return ctx_fail_as(ctx, ERR_INVALID, "XAmzContentSHA256Mismatch",
                                   "The provided 'x-amz-content-sha256' header does not match what "
                                   "was computed.");
        if (expect->md5 && strcmp(expect->md5, sums->md5) != 0)
                return ctx_fail_as(ctx, ERR_INVALID, "BadDigest",
                                   "The Content-MD5 you specified did not match what we received.");
        if (expect->checksum && strcmp(expect->checksum, sums->checksum) != 0)
                return ctx_fail_as(ctx, ERR_INVALID, "BadDigest",
                                   "The checksum you specified did not match what we received.");
        return OK;
}

static enum err take_sums(struct ctx *ctx, struct object_body *body, struct object_sums *ret)
{
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE], checksum[CHECKSUM_TEXT_SIZE] = "";
        enum err rc;

        if (!digest_end(body->digest, md5, sha256) ||
            (body->checksum && !checksum_end(body->checksum, checksum)))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an upload");
        ret->size_bytes = body->size;
        ret->remote_etag = NULL;
        rc = ctx_strdup(ctx, md5, &ret->md5);
        if (rc == OK)
                rc = ctx_strdup(ctx, sha256, &ret->sha256);
        return rc == OK ? ctx_strdup(ctx, checksum, &ret->checksum) : rc;
}

/* The sums are right: let the store keep the bytes. */
static enum err send_away(struct ctx *ctx, struct object_body *body, struct object_sums *sums,
                          struct object_sums *ret)
{
        enum err rc;

        body->sent = true;
        if (body->put)
                rc = remote_put_finish(ctx, body->put, &sums->remote_etag);
        else
                rc = remote_put_file(ctx, &body->target, body->temp.fd, body->size,
                                     &sums->remote_etag);
        if (rc != OK)
                return rc;
        body->arrived = true;
        *ret = *sums;
        return OK;
}

enum err object_body_end(struct ctx *ctx, struct object_body *body,
                         const struct object_expect *expect, struct object_sums *ret)
{
        struct object_sums sums;
        enum err rc = take_sums(ctx, body, &sums);

        if (rc == OK && expect)
                rc = object_expect_check(ctx, expect, &sums);
        if (rc == OK && body->target.url)
                return send_away(ctx, body, &sums, ret);
        if (rc == OK)
                *ret = sums;
        return rc;
}

/* File systems whose fsync of a file keeps the name it was given before: their journals are in
 * order, and a name is part of what happened to the file. */
static bool keeps_names(int fd)
{
        static const unsigned long kinds[] = { 0xEF53 /* ext4 */, 0x58465342 /* XFS */,
                                               0x9123683E /* Btrfs */, 0x01021994 /* tmpfs */ };
        struct statfs fs;

        if (fstatfs(fd, &fs) != 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if ((unsigned long)fs.f_type == kinds[i])
                        return true;
        }
        return false;
}

/* A file's time tells the versions of an object apart. The kernel's stands still for milliseconds,
 * so that two of the same size might be taken for one; where this one is refused, that stays. */
static void stamp(int fd)
{
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

        clock_gettime(CLOCK_REALTIME, &times[1]);
        (void)!futimens(fd, times);
}

enum err object_body_sync(struct ctx *ctx, const struct object_body *body, int dir,
                          int64_t *ret_mtime_ns)
{
        struct stat st;

        stamp(body->temp.fd);
        if (fsync(body->temp.fd) != 0 || fstat(body->temp.fd, &st) != 0)
                return object_temp_error(ctx, "an upload is not durable");
        if (dir >= 0 && !keeps_names(dir) && fsync(dir) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "an object's directory is not durable: %m");
        *ret_mtime_ns = object_mtime_ns(&st);
        return OK;
}

enum err object_body_place_new(struct ctx *ctx, struct object_body *body, int dir, const char *leaf)
{
        if (body->resumed)
                return ERR_CONFLICT;
        return object_temp_place_new(ctx, &body->temp, dir, leaf);
}

bool object_body_is_at(const struct object_body *body, int dir, const char *leaf)
{
        struct stat own, named;

        return fstat(body->temp.fd, &own) == 0 &&
               fstatat(dir, leaf, &named, AT_SYMLINK_NOFOLLOW) == 0 && own.st_ino == named.st_ino &&
               own.st_dev == named.st_dev;
}

enum err object_body_place(struct ctx *ctx, struct object_body *body, int dir, const char *leaf)
{
        return object_temp_place(ctx, &body->temp, dir, leaf);
}
