/* From object keys to files, never by trusting a path: keys are checked, and directories are opened
 * one by one below the bucket without following symbolic links. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_PATH_H
#define CORE_CLOUD_STORAGE_OBJECT_PATH_H

#include <stdbool.h>

#include "core/base/ctx.h"

#define OBJECT_KEY_MAX     1024        /* bytes, as S3 */
#define OBJECT_SEGMENT_MAX 255         /* bytes between slashes, as file systems */
#define OBJECT_PART_PREFIX ".archive-" /* of files in a bucket's directory that are no objects */
#define OBJECT_PATH_MAX    3500 /* bytes of a path made of a key: PATH_MAX and room for the root */
#define OBJECT_NO_NAME     ".slash" /* the file name of what stands between two slashes */

/* ERR_INVALID: empty, too long, reserved, a "." or ".." segment, a control byte, not UTF-8. */
NODISCARD enum err object_key_check(struct ctx *ctx, const char *key);

/* The path of the key's file below the bucket's directory: the key itself, but where it has nothing
 * before, between or after slashes ("directory/"), which no file system knows, OBJECT_NO_NAME
 * stands there. In the arena or the key itself. ERR_NOMEM. */
NODISCARD enum err object_path(struct ctx *ctx, const char *key, const char **ret_path);

/* The key whose file has a path. Of a path that no key has, whatever comes out is no key of an
 * object either. In the arena or the path itself. ERR_NOMEM. */
NODISCARD enum err object_key_of(struct ctx *ctx, const char *path, const char **ret_key);

/* The last segment of such a path: the name of the file. Borrowed from path. */
const char *object_leaf(const char *path);

/* Open the directory that holds the file of a path; *ret_fd is the caller's. With create, missing
 * directories are made and made durable. ERR_NOT_FOUND: a directory is missing. ERR_CONFLICT: a
 * file or a symbolic link stands where a directory is needed. */
NODISCARD enum err object_dir_open(struct ctx *ctx, const char *bucket_directory, const char *path,
                                   bool create, int *ret_fd);

/* Remove the directories of a path that are empty, from the deepest up, but not the bucket's own.
 */
void object_dirs_prune(const char *bucket_directory, const char *path);

/* Make a directory and those above it, mode 0750. ERR_UNAVAILABLE. */
NODISCARD enum err object_root_make(struct ctx *ctx, const char *path);

/* The media type by the key's extension; application/octet-stream when unknown. */
const char *object_media_type(const char *key);

#endif
