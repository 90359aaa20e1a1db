#include "core/cloud/storage/object_copy.h"

#include <string.h>

#include "core/cloud/remote/remote_leftover.h"
#include "core/cloud/remote/remote_multipart.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_publish.h"
#include "core/cloud/storage/object_rules.h"

static bool is_onto_itself(const struct object_copy *copy)
{
        const struct object *source = &copy->source->object;

        return strcmp(source->bucket, copy->bucket) == 0 && strcmp(source->key, copy->key) == 0;
}

static struct object describe(const struct ctx *ctx, const struct object_copy *copy)
{
        struct object object = copy->source->object;

        if (!is_onto_itself(copy) || !*object.remote)
                object.remote = NULL;
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

static enum err write_body(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        return object_body_write(ctx, arg, bytes, len);
}

static enum err write_part(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        return part_upload_write(ctx, arg, bytes, len);
}

/* From a file into the S3 store. */
static enum err send_file(struct ctx *ctx, const struct object_file *source, const char *url)
{
        const struct remote_target target = { .url = url };
        const char *etag;

        return remote_put_file(ctx, &target, source->fd, source->object.size_bytes, &etag);
}

/* Into the S3 store, which copies by itself what is there already. */
static enum err copy_away(struct ctx *ctx, const struct object_copy *copy,
                          struct object_publication *publication, struct object *ret)
{
        const struct object_file *source = copy->source;
        const char *url;
        enum err rc;

        rc = remote_name(ctx, publication->bucket->directory, copy->key, &url);
        if (rc == OK)
                rc = remote_leftover_expect(ctx, url);
        if (rc != OK)
                return rc;
        if (source->fd >= 0)
                rc = send_file(ctx, source, url);
        else
                rc = remote_copy_any(ctx, source->object.remote, url, source->object.size_bytes);
        if (rc == ERR_NOT_FOUND)
                rc = ctx_prefix(ctx, ERR_UNAVAILABLE, "an object cannot be copied");
        publication->object.remote = url;
        publication->is_new = true;
        if (rc == OK)
                rc = object_publish(ctx, publication);
        if (rc == OK)
                *ret = publication->object;
        else
                remote_leftover_remove(ctx, url, NULL);
        return rc;
}

/* The sums of the copy are those of the source, whose bytes they are. */
static enum err copy_bytes(struct ctx *ctx, const struct object_copy *copy,
                           struct object_publication *publication, struct object *ret)
{
        const struct object_body_intent intent = {
                .bucket_directory = publication->bucket->directory,
                .size = copy->source->object.size_bytes,
        };
        const struct object_piece whole = { 0, copy->source->object.size_bytes };
        struct object_body *body;
        struct object_sums sums;
        enum err rc = object_body_begin(ctx, &intent, &body);

        if (rc != OK)
                return rc;
        if (copy->source->fd >= 0)
                rc = object_body_append(ctx, body, copy->source->fd,
                                        copy->source->object.size_bytes);
        else
                rc = object_read(ctx, copy->source, whole, write_body, body);
        if (rc == OK)
                rc = object_body_end(ctx, body, NULL, &sums);
        if (rc == OK) {
                publication->body = body;
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
        if (!is_onto_itself(copy) && remote_is_url(bucket.directory))
                return copy_away(ctx, copy, &publication, ret);
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
        return object_read(ctx, source, (struct object_piece){ from, size }, write_part, part);
}
