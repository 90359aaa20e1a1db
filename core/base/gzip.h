/* Whole files through gzip (RFC 1952), in constant memory: packed by a few threads at once as one
 * stream that any gunzip reads, with the SHA-256 of both sides. The threads are nice and give way:
 * they take what processors others leave. */
#ifndef CORE_BASE_GZIP_H
#define CORE_BASE_GZIP_H

#include <stdint.h>

#include "core/base/crypto.h"

struct gzip_sums {
        int64_t plain_bytes, packed_bytes;
        char plain_sha256[SHA256_HEX_SIZE], packed_sha256[SHA256_HEX_SIZE];
};

/* From the one's offset to its end; level is 1 to 9. ERR_NO_SPACE: the disk is full.
 * ERR_UNAVAILABLE: a file cannot be read or written. Faults. */
NODISCARD enum err gzip_pack(struct ctx *ctx, int from_fd, int to_fd, int level,
                             struct gzip_sums *ret);

/* The other way; to_fd -1 writes nothing. plain_max: no more is unpacked. ERR_CONFLICT: it is no
 * gzip stream, or damaged, or larger. Otherwise as gzip_pack. */
NODISCARD enum err gzip_unpack(struct ctx *ctx, int from_fd, int to_fd, int64_t plain_max,
                               struct gzip_sums *ret);

#endif
