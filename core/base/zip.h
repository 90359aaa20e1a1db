/* Writing a ZIP archive to a file, one entry after another, deflated (PKWARE APPNOTE.TXT 6.3.10).
 * Names are UTF-8, every entry is a plain file of the same date: the same files in the same order
 * make the same bytes. No ZIP64: below 4 GiB and 65535 entries. */
#ifndef CORE_BASE_ZIP_H
#define CORE_BASE_ZIP_H

#include <stdint.h>

#include "core/base/ctx.h"

#define ZIP_NAME_MAX 4096 /* bytes */

struct zip;

/* fd is an empty file, borrowed, which is written from its beginning. ERR_NOMEM. */
NODISCARD enum err zip_new(struct ctx *ctx, int fd, struct zip **ret);
void zip_free(struct zip *zip);
DEFINE_CLEANUP(struct zip *, zip_free)

/* One entry: begin, its bytes piece by piece, end. name is UTF-8, relative, with slashes.
 * ERR_INVALID: too many entries, too large, a name too long. ERR_NO_SPACE: the disk is full.
 * ERR_UNAVAILABLE: the file cannot be written. After a failure the archive is good for nothing. */
NODISCARD enum err zip_entry_begin(struct ctx *ctx, struct zip *zip, const char *name);
NODISCARD enum err zip_entry_add(struct ctx *ctx, struct zip *zip, const void *bytes, size_t len);
NODISCARD enum err zip_entry_end(struct ctx *ctx, struct zip *zip);

/* Write what lists the entries; nothing may follow. Fails as the above do. */
NODISCARD enum err zip_end(struct ctx *ctx, struct zip *zip);

/* Bytes of the archive so far. */
int64_t zip_size(const struct zip *zip);

#endif
