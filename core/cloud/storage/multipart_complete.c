#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/remote/remote_multipart.h"
#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_path.h"
#include "core/cloud/storage/object_publish.h"
#include "core/cloud/storage/object_rules.h"
#include "core/db/db.h"

#define SIZE_TEXT_MAX 28                   /* " 53687091200x10000" and more */
#define PART_SIZE_MIN ((int64_t)(5 * MiB)) /* of all parts but the last */

struct assembly {
        struct ctx *ctx;
        const struct multipart_claim *claim;
        struct multipart upload;
        struct bucket bucket;
        struct part *parts; /* as they are stored, those that the client names */
        size_t matched;     /* of them, in the order of numbers */
        enum err rc;
        int64_t size;
        const char *etag, *checksum, *part_sizes;
};

static enum err refuse_part(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_INVALID, "InvalidPart",
                           "One or more of the specified parts could not be found. The part may "
                           "not have been uploaded, or the specified entity tag may not match the "
                           "part's entity tag.");
}

/* A stored part; the client's list and the rows are both in the order of numbers. */
static void match_part(void *arg, const struct part *part)
{
        struct assembly *assembly = arg;
        const struct multipart_claim *claim = assembly->claim;
        struct part *kept = assembly->parts + assembly->matched;
        struct ctx *ctx = assembly->ctx;

        if (assembly->rc != OK || assembly->matched == claim->count ||
            claim->parts[assembly->matched].number != part->number)
                return;
        *kept = *part;
        assembly->rc = ctx_strdup(ctx, part->file, &kept->file);
        if (assembly->rc == OK)
                assembly->rc = ctx_strdup(ctx, part->etag, &kept->etag);
        if (assembly->rc == OK)
                assembly->rc = ctx_strdup(ctx, part->checksum, &kept->checksum);
        assembly->matched++;
}

static enum err check_order(struct ctx *ctx, const struct multipart_claim *claim)
{
        if (claim->count == 0)
                return ctx_fail_as(ctx, ERR_INVALID, "MalformedXML", "The list of parts is empty");
        for (size_t i = 1; i < claim->count; i++) {
                if (claim->parts[i].number <= claim->parts[i - 1].number)
                        return ctx_fail_as(ctx, ERR_INVALID, "InvalidPartOrder",
                                           "The list of parts was not in ascending order. The "
                                           "parts list must be specified in order by part number.");
        }
        return OK;
}

static enum err check_part(struct assembly *assembly, size_t index)
{
        const struct part *named = assembly->claim->parts + index, *part = assembly->parts + index;
        struct ctx *ctx = assembly->ctx;

        if (strcmp(named->etag, part->etag) != 0)
                return refuse_part(ctx);
        if (named->checksum && strcmp(named->checksum, part->checksum) != 0)
                return refuse_part(ctx);
        if (!named->checksum && strcmp(assembly->upload.checksum_type, "COMPOSITE") == 0)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "The upload was created using a %s checksum. The complete "
                                   "request must include the checksum for each part. It was "
                                   "missing for part %" PRId64 " in the request.",
                                   assembly->upload.checksum_kind, part->number);
        if (part->size_bytes < PART_SIZE_MIN && index + 1 < assembly->claim->count)
                return ctx_fail_as(ctx, ERR_INVALID, "EntityTooSmall",
                                   "Your proposed upload is smaller than the minimum allowed "
                                   "object size: part %" PRId64 " has %" PRId64
                                   " bytes, and all but the last have at least "
                                   "5 MiB",
                                   part->number, part->size_bytes);
        return OK;
}

static enum err load_parts(struct assembly *assembly)
{
        const struct multipart_claim *claim = assembly->claim;
        const struct part_range range = { .upload_id = claim->upload_id,
                                          .limit = MULTIPART_PARTS_MAX };
        struct ctx *ctx = assembly->ctx;
        enum err rc = check_order(ctx, claim);

        if (rc != OK)
                return rc;
        assembly->parts = arena_alloc(ctx->arena, claim->count * sizeof(*assembly->parts));
        if (!assembly->parts)
                return ctx_nomem(ctx);
        rc = store_parts_each(ctx, &range, match_part, assembly);
        if (rc == OK)
                rc = assembly->rc;
        if (rc == OK && assembly->matched < claim->count)
                return refuse_part(ctx);
        for (size_t i = 0; rc == OK && i < claim->count; i++) {
                rc = check_part(assembly, i);
                assembly->size += assembly->parts[i].size_bytes;
        }
        if (rc == OK && claim->size >= 0 && claim->size != assembly->size)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "The parts have %" PRId64 " bytes in all, not %" PRId64,
                                   assembly->size, claim->size);
        return rc;
}

/* MD5 of the parts' MD5s, and how many there are. */
static enum err make_etag(struct assembly *assembly)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_MD5);
        unsigned char md5[MD5_SIZE];
        char hex[MD5_HEX_SIZE];
        struct ctx *ctx = assembly->ctx;

        for (size_t i = 0; hash && i < assembly->claim->count; i++) {
                if (!crypto_hex_decode(assembly->parts[i].etag, 2 * MD5_SIZE, md5, MD5_SIZE) ||
                    !crypto_hash_add(hash, md5, MD5_SIZE))
                        return ctx_fail(ctx, ERR_INTERNAL, "a part's ETag is no MD5");
        }
        if (!hash || !crypto_hash_end(hash, md5))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash ETags");
        crypto_hex(md5, MD5_SIZE, hex);
        assembly->etag = arena_printf(ctx->arena, "%s-%zu", hex, assembly->claim->count);
        return assembly->etag ? OK : ctx_nomem(ctx);
}

/* The checksum of the parts' checksums. */
static enum err sum_of_sums(struct assembly *assembly, enum checksum_kind kind)
{
        CLEANUP(checksum_freep) struct checksum *sum = checksum_new(kind);
        unsigned char raw[CHECKSUM_SIZE_MAX];
        char text[CHECKSUM_TEXT_SIZE];
        struct ctx *ctx = assembly->ctx;

        for (size_t i = 0; sum && i < assembly->claim->count; i++) {
                if (!checksum_decode(kind, assembly->parts[i].checksum, raw) ||
                    !checksum_add(sum, raw, checksum_size(kind)))
                        return ctx_fail(ctx, ERR_INTERNAL, "a part has no checksum");
        }
        if (!sum || !checksum_end(sum, text))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot sum checksums");
        assembly->checksum = arena_printf(ctx->arena, "%s-%zu", text, assembly->claim->count);
        return assembly->checksum ? OK : ctx_nomem(ctx);
}

/* The checksum of the whole, from those of the parts. */
static enum err sum_of_whole(struct assembly *assembly, enum checksum_kind kind)
{
        char whole[CHECKSUM_TEXT_SIZE];

        memccpy(whole, assembly->parts[0].checksum, '\0', sizeof(whole));
        for (size_t i = 1; i < assembly->claim->count; i++) {
                char next[CHECKSUM_TEXT_SIZE];

                if (!checksum_combine(kind, whole, assembly->parts[i].checksum,
                                      assembly->parts[i].size_bytes, next))
                        return ctx_fail(assembly->ctx, ERR_INTERNAL, "cannot combine checksums");
                memcpy(whole, next, sizeof(whole));
        }
        return ctx_strdup(assembly->ctx, whole, &assembly->checksum);
}

/* The number of parts behind a composite one need not be claimed. */
static bool is_claimed(const char *claimed, const char *checksum)
{
        size_t len = strcspn(checksum, "-");

        return strcmp(claimed, checksum) == 0 ||
               (strlen(claimed) == len && strncmp(claimed, checksum, len) == 0);
}

static enum err make_checksum(struct assembly *assembly)
{
        enum checksum_kind kind = multipart_checksum(&assembly->upload);
        const char *claimed = assembly->claim->checksum;
        enum err rc;

        assembly->checksum = "";
        if (kind == CHECKSUM_NONE)
                return OK;
        if (strcmp(assembly->upload.checksum_type, "FULL_OBJECT") == 0)
                rc = sum_of_whole(assembly, kind);
        else
                rc = sum_of_sums(assembly, kind);
        if (rc == OK && claimed && !is_claimed(claimed, assembly->checksum))
                return ctx_fail_as(assembly->ctx, ERR_INVALID, "BadDigest",
                                   "The checksum you specified did not match what we received.");
        return rc;
}

/* "8388608x127 1024x1": how the object's parts follow each other. */
static enum err write_sizes(struct assembly *assembly)
{
        const size_t count = assembly->claim->count, room = count * SIZE_TEXT_MAX + 1;
        char *text = arena_alloc(assembly->ctx->arena, room);
        size_t at = 0, same;

        if (!text)
                return ctx_nomem(assembly->ctx);
        for (size_t i = 0; i < count; i += same) {
                int64_t size = assembly->parts[i].size_bytes;

                for (same = 1; i + same < count && assembly->parts[i + same].size_bytes == size;)
                        same++;
                at += (size_t)snprintf(text + at, room - at, "%s%" PRId64 "x%zu", i ? " " : "",
                                       size, same);
        }
        assembly->part_sizes = text;
        return OK;
}

static enum err append_parts(struct assembly *assembly, struct object_body *body)
{
        struct ctx *ctx = assembly->ctx;
        const char *root = multipart_root(ctx, assembly->bucket.directory);
        const char *path = arena_printf(ctx->arena, "%s/x", assembly->upload.upload_id);
        CLEANUP(close_fdp) int dir = -1;
        enum err rc;

        if (!root || !path)
                return ctx_nomem(ctx);
        rc = object_dir_open(ctx, root, path, false, &dir);
        for (size_t i = 0; rc == OK && i < assembly->claim->count; i++) {
                const struct part *part = assembly->parts + i;
                CLEANUP(close_fdp)
                int fd = openat(dir, part->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

                if (fd < 0 && errno == ENOENT) /* replaced since the rows were read */
                        return refuse_part(ctx);
                if (fd < 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "a part's file is missing: %m");
                rc = object_body_append(ctx, body, fd, part->size_bytes);
        }
        return rc;
}

/* The S3 store puts its parts together; a bad condition is found before that. */
static enum err complete_away(struct assembly *assembly)
{
        const struct multipart *upload = &assembly->upload;
        const struct multipart_claim *claim = assembly->claim;
        const struct remote_target target = { .url = upload->remote,
                                              .remote_id = upload->remote_id };
        struct ctx *ctx = assembly->ctx;
        struct remote_part *parts = arena_alloc(ctx->arena, claim->count * sizeof(*parts));
        enum err rc;

        if (!parts)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < claim->count; i++)
                parts[i] = (struct remote_part){ .number = assembly->parts[i].number,
                                                 .etag = assembly->parts[i].file };
        rc = object_check_condition(ctx, &claim->only, upload->bucket, upload->key);
        if (rc == OK)
                rc = remote_multipart_complete(ctx, &target, parts, claim->count);
        return rc == ERR_NOT_FOUND && !claim->only.if_match
                       ? ctx_prefix(ctx, ERR_UNAVAILABLE, "an upload in parts is lost")
                       : rc;
}

static enum err forget_upload(struct ctx *ctx, void *arg, const struct object *object)
{
        const struct assembly *assembly = arg;

        return store_multipart_complete(ctx, assembly->upload.upload_id, object->etag);
}

/* Write, publish, and only then let go of the parts. */
static enum err assemble(struct assembly *assembly, struct object_body *body, struct object *ret)
{
        const struct multipart *upload = &assembly->upload;
        struct object_publication publication = {
                .body = body,
                .is_new = true,
                .bucket = &assembly->bucket,
                .only = assembly->claim->only,
                .also = forget_upload,
                .arg = assembly,
        };
        struct ctx *ctx = assembly->ctx;
        struct object_sums sums = { 0 };
        enum err rc;

        rc = body ? append_parts(assembly, body) : complete_away(assembly);
        if (rc == OK && body)
                rc = object_body_end(ctx, body, NULL, &sums);
        if (rc != OK)
                return rc;
        FAULT_POINT("storage.assembled");
        publication.object = (struct object){
                .bucket = upload->bucket,
                .key = upload->key,
                .size_bytes = assembly->size,
                .etag = assembly->etag,
                .content_type = upload->content_type,
                .modified_at_us = clock_wall_us(ctx->clock),
                .metadata = upload->metadata,
                .tags = upload->tags,
                .checksum_kind = upload->checksum_kind,
                .checksum = assembly->checksum,
                .part_sizes = assembly->part_sizes,
                .remote = body ? NULL : upload->remote,
        };
        rc = object_publish(ctx, &publication);
        if (rc == OK)
                *ret = publication.object;
        return rc;
}

/* A client that did not hear the answer asks again: the object is there, or was. */
static enum err answer_again(struct ctx *ctx, const struct multipart *upload, struct object *ret)
{
        struct object object;
        enum err rc = store_object_get(ctx, upload->bucket, upload->key, &object);

        if (rc == OK && strcmp(object.etag, upload->completed_etag) == 0) {
                *ret = object;
                return OK;
        }
        return rc == OK || rc == ERR_NOT_FOUND
                       ? ctx_fail_as(ctx, ERR_NOT_FOUND, "NoSuchUpload",
                                     "The upload is completed, and its object has been replaced")
                       : rc;
}

static enum err prepare(struct assembly *assembly)
{
        enum err rc = load_parts(assembly);

        if (rc == OK)
                rc = make_etag(assembly);
        if (rc == OK)
                rc = make_checksum(assembly);
        return rc == OK ? write_sizes(assembly) : rc;
}

static enum err complete_once(struct ctx *ctx, const struct multipart_claim *claim,
                              struct object *ret)
{
        struct assembly assembly = { .ctx = ctx, .claim = claim };
        const struct multipart named = { .bucket = claim->bucket,
                                         .key = claim->key,
                                         .upload_id = claim->upload_id };
        struct object_body_intent intent = { .size = -1 };
        struct object_body *body;
        enum err rc;

        rc = multipart_find(ctx, &named, &assembly.upload);
        if (rc == OK)
                rc = store_bucket_get(ctx, claim->bucket, &assembly.bucket);
        if (rc == OK)
                rc = prepare(&assembly);
        if (rc != OK)
                return rc;
        if (*assembly.upload.remote)
                return assemble(&assembly, NULL, ret);
        intent.bucket_directory = assembly.bucket.directory;
        rc = object_body_begin(ctx, &intent, &body);
        if (rc != OK)
                return rc;
        rc = assemble(&assembly, body, ret);
        object_body_free(body, false);
        if (rc == OK)
                multipart_remove_files(ctx, assembly.bucket.directory, claim->upload_id);
        return rc;
}

/* It has failed: because another request has ended the upload meanwhile? Then that is the answer.
 * The transaction waits until what the other one wrote is durable. */
static enum err answer_failure(struct ctx *ctx, const struct multipart_claim *claim,
                               enum err failed, struct object *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        char detail[CTX_DETAIL_SIZE];
        const char *code = ctx->code;
        struct multipart upload;
        enum err rc;

        memcpy(detail, ctx->detail, sizeof(detail));
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_multipart_get(ctx, claim->upload_id, &upload);
        if (rc == ERR_NOT_FOUND)
                return rc;
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK && upload.completed_etag && strcmp(upload.bucket, claim->bucket) == 0 &&
            strcmp(upload.key, claim->key) == 0)
                return answer_again(ctx, &upload, ret);
        memcpy(ctx->detail, detail, sizeof(detail));
        ctx->code = code;
        return failed;
}

enum err multipart_complete(struct ctx *ctx, const struct multipart_claim *claim,
                            struct object *ret)
{
        enum err rc = object_check_receiving(ctx);

        if (rc != OK)
                return rc;
        rc = complete_once(ctx, claim, ret);
        return rc == OK ? OK : answer_failure(ctx, claim, rc, ret);
}
