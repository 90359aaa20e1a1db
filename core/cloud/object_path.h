/* From object keys to files, never by trusting a path: keys are checked, and directories are opened
 * one by one below the bucket without following symbolic links. */
#ifndef CORE_CLOUD_OBJECT_PATH_H
#define CORE_CLOUD_OBJECT_PATH_H

#include <stdbool.h>

#include "core/base/ctx.h"

#define OBJECT_KEY_MAX     1024        /* bytes, as S3 */
#define OBJECT_SEGMENT_MAX 255         /* bytes between slashes, as file systems */
#define OBJECT_PART_PREFIX ".archive-" /* of files in a bucket's directory that are no objects */

/* ERR_INVALID: empty, too long, reserved, a "." or ".." or empty segment, a control byte, not
 * UTF-8. */
NODISCARD enum err object_key_check(struct ctx *ctx, const char *key);

/* The last segment of a key: the name of its file. Borrowed from key. */
const char *object_leaf(const char *key);

/* Open the directory that holds the key's file; *ret_fd is the caller's. With create, missing
 * directories are made and made durable. ERR_NOT_FOUND: a directory is missing. ERR_CONFLICT: a
 * file or a symbolic link stands where a directory is needed. */
NODISCARD enum err object_dir_open(struct ctx *ctx, const char *bucket_directory, const char *key,
                                   bool create, int *ret_fd);

/* Make a directory and those above it, mode 0750. ERR_UNAVAILABLE. */
NODISCARD enum err object_root_make(struct ctx *ctx, const char *path);

/* The media type by the key's extension; application/octet-stream when unknown. */
const char *object_media_type(const char *key);

#endif
