/* Uploads in parts: parts arrive in any order, each durable when it is acknowledged; completing
 * puts those that the client names together into one object. AWS: "Uploading and copying objects
 * using multipart upload". The parts lie in {root}/.multipart/{upload id}/. */
#ifndef CORE_CLOUD_STORAGE_MULTIPART_H
#define CORE_CLOUD_STORAGE_MULTIPART_H

#include "core/cloud/storage/object_upload.h"
#include "core/store/store_multiparts.h"

#define MULTIPART_PARTS_MAX 10000

/* What is announced of the object to be; upload_id and times are made here. *ret_id in the arena.
 * ERR_NOT_FOUND: no such bucket. ERR_INVALID: the key, or a checksum type that its kind has not. */
NODISCARD enum err multipart_create(struct ctx *ctx, const struct multipart *announced,
                                    const char **ret_id);

/* An upload of this bucket and key that is under way. ERR_NOT_FOUND. */
NODISCARD enum err multipart_find(struct ctx *ctx, const struct multipart *named,
                                  struct multipart *ret);

/* One part on its way in. */
struct part_upload;
struct part_intent {
        const char *bucket, *key, *upload_id;
        int64_t number;              /* 1 to MULTIPART_PARTS_MAX */
        int64_t size;                /* bytes to come; -1: not said */
        enum checksum_kind checksum; /* that the client gives of it; the upload's own is kept */
};
/* What object_upload_begin returns; ERR_NOT_FOUND also when there is no such upload. */
NODISCARD enum err part_upload_begin(struct ctx *ctx, const struct part_intent *intent,
                                     struct part_upload **ret);
NODISCARD enum err part_upload_write(struct ctx *ctx, struct part_upload *upload, const void *bytes,
                                     size_t len);
/* OK: durable, in place of an earlier part of this number. */
NODISCARD enum err part_upload_finish(struct ctx *ctx, struct part_upload *upload,
                                      const struct object_expect *expect, struct part *ret);
void part_upload_free(struct part_upload *upload);
DEFINE_CLEANUP(struct part_upload *, part_upload_free)

/* The checksum kind of an upload. */
enum checksum_kind multipart_checksum(const struct multipart *upload);

/* Put the object together. parts: what the client names, number, etag and perhaps checksum of each.
 * A second call of one that has been heard already gives the same answer. ERR_NOT_FOUND: no such
 * upload. ERR_INVALID: EntityTooSmall, InvalidPart, InvalidPartOrder, BadDigest. ERR_PRECONDITION,
 * ERR_NO_SPACE, ERR_CONFLICT. */
struct multipart_claim {
        const char *bucket, *key, *upload_id;
        const struct part *parts;
        size_t count;
        const char *checksum; /* of the whole, as the client has it; NULL: not said */
        int64_t size;         /* of the whole, likewise; -1 */
        struct object_condition only;
};
NODISCARD enum err multipart_complete(struct ctx *ctx, const struct multipart_claim *claim,
                                      struct object *ret);

/* Forget it with all its parts. ERR_NOT_FOUND. */
NODISCARD enum err multipart_abort(struct ctx *ctx, const struct multipart *named);

/* Forget uploads that had no part for SIMPLETUNER_STALE_UPLOAD_HOURS, at most limit. */
NODISCARD enum err multipart_sweep(struct ctx *ctx, unsigned limit, unsigned *ret_swept);

/* {root}/.multipart for a bucket's directory, in the arena; NULL: out of memory. And remove the
 * files of an upload there. */
const char *multipart_root(struct ctx *ctx, const char *bucket_directory);
void multipart_remove_files(struct ctx *ctx, const char *bucket_directory, const char *upload_id);

#endif
