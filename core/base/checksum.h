/* The checksums that S3 lets a client choose for an object, in the form its headers and XML have:
 * base64 of the sum, highest byte first.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
#ifndef CORE_BASE_CHECKSUM_H
#define CORE_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/crypto.h"
#include "core/base/scope.h"

enum checksum_kind {
        CHECKSUM_NONE, /* the client chose none */
        CHECKSUM_CRC32,
        CHECKSUM_CRC32C,
        CHECKSUM_CRC64NVME,
        CHECKSUM_SHA1,
        CHECKSUM_SHA256,
        CHECKSUM_COUNT
};

#define CHECKSUM_SIZE_MAX  SHA256_SIZE
#define CHECKSUM_TEXT_SIZE BASE64_SIZE(CHECKSUM_SIZE_MAX)

/* As AWS spells it, "CRC32C"; "" for CHECKSUM_NONE. */
const char *checksum_name(enum checksum_kind kind);
/* The kind of such a name in any case. False: there is none. */
bool checksum_parse(const char *name, enum checksum_kind *ret_kind);
/* Raw bytes of a sum: 4, 4, 8, 20, 32; 0 for CHECKSUM_NONE. */
size_t checksum_size(enum checksum_kind kind);

/* The raw bytes of a sum, checksum_size of them: S3's sum of a multipart upload is, where it is a
 * COMPOSITE one, that of the raw sums of its parts. False: not the text of such a sum. */
bool checksum_decode(enum checksum_kind kind, const char *text,
                     unsigned char ret_bytes[CHECKSUM_SIZE_MAX]);

/* A running sum. NULL: out of memory, or CHECKSUM_NONE. */
struct checksum;
NODISCARD struct checksum *checksum_new(enum checksum_kind kind);
void checksum_free(struct checksum *checksum);
DEFINE_CLEANUP(struct checksum *, checksum_free)

/* False only when OpenSSL fails, which is a fault. Nothing may be added after the end. */
NODISCARD bool checksum_add(struct checksum *checksum, const void *bytes, size_t len);
NODISCARD bool checksum_end(struct checksum *checksum, char ret_text[CHECKSUM_TEXT_SIZE]);

/* The sum of two pieces, one behind the other, from their sums: for multipart uploads whose sum is
 * of the type FULL_OBJECT. False: not a CRC, not the text of such a sum, or a negative length. */
bool checksum_combine(enum checksum_kind kind, const char *first, const char *second,
                      int64_t second_len, char ret_text[CHECKSUM_TEXT_SIZE]);

#endif
