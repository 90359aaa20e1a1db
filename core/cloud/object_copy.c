#include "core/cloud/object_copy.h"

#include <string.h>
#include <unistd.h>

#include "core/cloud/object_path.h"
#include "core/cloud/object_publish.h"
#include "core/cloud/object_rules.h"

#define COPY_CHUNK (256 * KiB)

static bool is_onto_itself(const struct object_copy *copy)
{
        const struct object *source = &copy->source->object;

        return strcmp(source->bucket, copy->bucket) == 0 && strcmp(source->key, copy->key) == 0;
}

static struct object describe(const struct ctx *ctx, const struct object_copy *copy)
{
        struct object object = copy->source->object;

        object.bucket = copy->bucket;
        object.key = copy->key;
        object.modified_at_us = clock_wall_us(ctx->clock);
        if (copy->metadata) {
                object.metadata = copy->metadata;
                object.content_type = object_type_given(copy->content_type, copy->key);
        }
        if (copy->tags)
                object.tags = copy->tags;
        return object;
}

/* The sums of the copy are those of the source, whose bytes they are. */
static enum err copy_bytes(struct ctx *ctx, const struct object_copy *copy,
                           struct object_publication *publication, struct object *ret)
{
        const struct object_body_intent intent = {
                .bucket_directory = publication->bucket->directory,
                .size = copy->source->object.size_bytes,
        };
        struct object_body *body;
        struct object_sums sums;
        enum err rc = object_body_begin(ctx, &intent, &body);

        if (rc != OK)
                return rc;
        rc = object_body_append(ctx, body, copy->source->fd, copy->source->object.size_bytes);
        if (rc == OK)
                rc = object_body_end(ctx, body, NULL, &sums);
        if (rc == OK) {
                publication->body = body;
                publication->object.file_mtime_ns = sums.file_mtime_ns;
                rc = object_publish(ctx, publication);
        }
        object_body_free(body, false);
        if (rc == OK)
                *ret = publication->object;
        return rc;
}

enum err object_copy(struct ctx *ctx, const struct object_copy *copy, struct object *ret)
{
        struct object_publication publication = { .only = copy->only };
        struct bucket bucket;
        enum err rc;

        if (is_onto_itself(copy) && !copy->metadata && !copy->tags)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "This copy request is illegal because it is trying to copy an "
                                   "object to itself without changing the object's metadata, "
                                   "storage class, website redirect location or encryption "
                                   "attributes.");
        rc = object_key_check(ctx, copy->key);
        if (rc == OK)
                rc = object_check_receiving(ctx);
        if (rc == OK)
                rc = store_bucket_get(ctx, copy->bucket, &bucket);
        if (rc == OK)
                rc = object_check_room(ctx, &bucket, copy->key, copy->source->object.size_bytes);
        if (rc != OK)
                return rc;
        publication.bucket = &bucket;
        publication.object = describe(ctx, copy);
        if (!is_onto_itself(copy))
                return copy_bytes(ctx, copy, &publication, ret);
        /* Only if it still is what was read: else the row would describe another file. */
        publication.only.if_match = copy->source->object.etag;
        rc = object_publish(ctx, &publication);
        if (rc == OK)
                *ret = publication.object;
        return rc;
}

enum err object_copy_to_part(struct ctx *ctx, const struct object_file *source, int64_t from,
                             int64_t size, struct part_upload *part)
{
        char *chunk = arena_alloc(ctx->arena, COPY_CHUNK);

        if (!chunk)
                return ctx_nomem(ctx);
        while (size > 0) {
                size_t want = size < (int64_t)COPY_CHUNK ? (size_t)size : COPY_CHUNK;
                ssize_t n = pread(source->fd, chunk, want, from);
                enum err rc;

                if (n <= 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "cannot read an object: %m");
                rc = part_upload_write(ctx, part, chunk, (size_t)n);
                if (rc != OK)
                        return rc;
                from += n;
                size -= n;
        }
        return OK;
}
