/* MD5 (the S3 ETag) and SHA-256 of one stream, side by side: the one on a thread of its own where
 * pieces are large, because it takes as long as all the rest of receiving them. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include "core/base/crypto.h"

struct digest;
NODISCARD struct digest *digest_new(void); /* NULL: out of memory */
void digest_free(struct digest *digest);
DEFINE_CLEANUP(struct digest *, digest_free)

/* Add bytes. They must stay as they are until digest_settle, so that what else is to be done with
 * them can be done meanwhile. False only when OpenSSL fails, which is a fault. */
NODISCARD bool digest_start(struct digest *digest, const void *bytes, size_t len);
NODISCARD bool digest_settle(struct digest *digest);
/* The two at once. */
NODISCARD bool digest_add(struct digest *digest, const void *bytes, size_t len);
/* All that a file has from its offset to its end. False: errno says why it cannot be read. */
NODISCARD bool digest_add_file(struct digest *digest, int fd, int64_t *ret_size);

NODISCARD bool digest_end(struct digest *digest, char ret_md5_hex[MD5_HEX_SIZE],
                          char ret_sha256_hex[SHA256_HEX_SIZE]);

#endif
