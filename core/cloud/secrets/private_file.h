/* Small files in the home directory that only their owner may read: keys, secrets, signed notes. */
#ifndef CORE_CLOUD_SECRETS_PRIVATE_FILE_H
#define CORE_CLOUD_SECRETS_PRIVATE_FILE_H

#include "core/base/ctx.h"

/* The whole of it in the arena, NUL-terminated. ERR_NOT_FOUND: there is none. ERR_UNAVAILABLE: it
 * cannot be read, or others may read it, or it is no small file. */
NODISCARD enum err private_file_read(struct ctx *ctx, const char *path, char **ret_text,
                                     size_t *ret_len);

/* Put text in its place: it appears whole or not at all, durably, mode 0600. ERR_UNAVAILABLE. */
NODISCARD enum err private_file_replace(struct ctx *ctx, const char *path, const char *text);

/* Hold the lock file at path, made when it is missing, until *ret_fd is closed: against others who
 * read, change and replace. ERR_UNAVAILABLE. */
NODISCARD enum err private_file_lock(struct ctx *ctx, const char *path, int *ret_fd);

/* Make it, with size random bytes as base64url, unless another process is faster; either is OK.
 * ERR_UNAVAILABLE. */
NODISCARD enum err private_file_make_key(struct ctx *ctx, const char *path, size_t size);

#endif
