#include "core/base/checksum.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/crc.h"

struct kind {
        const char *name;
        size_t size;
        bool is_crc;
        enum crc_kind crc;          /* when it is one */
        enum crypto_hash_kind hash; /* else */
};

static const struct kind kinds[] = {
        [CHECKSUM_NONE] = { .name = "" },
        [CHECKSUM_CRC32] = { "CRC32", 4, .is_crc = true, .crc = CRC_32 },
        [CHECKSUM_CRC32C] = { "CRC32C", 4, .is_crc = true, .crc = CRC_32C },
        [CHECKSUM_CRC64NVME] = { "CRC64NVME", 8, .is_crc = true, .crc = CRC_64NVME },
        [CHECKSUM_SHA1] = { "SHA1", SHA1_SIZE, .hash = CRYPTO_SHA1 },
        [CHECKSUM_SHA256] = { "SHA256", SHA256_SIZE, .hash = CRYPTO_SHA256 },
};

struct checksum {
        const struct kind *kind;
        uint64_t crc;
        struct crypto_hash *hash; /* NULL when it is a CRC */
};

const char *checksum_name(enum checksum_kind kind)
{
        return kinds[kind].name;
}

bool checksum_parse(const char *name, enum checksum_kind *ret_kind)
{
        for (enum checksum_kind kind = CHECKSUM_NONE + 1; kind < CHECKSUM_COUNT; kind++)
                if (strcasecmp(name, kinds[kind].name) == 0) {
                        *ret_kind = kind;
                        return true;
                }
        return false;
}

size_t checksum_size(enum checksum_kind kind)
{
        return kinds[kind].size;
}

bool checksum_decode(enum checksum_kind kind, const char *text,
                     unsigned char ret_bytes[CHECKSUM_SIZE_MAX])
{
        unsigned char bytes[CHECKSUM_SIZE_MAX];
        size_t len = 0;

        if (kind == CHECKSUM_NONE ||
            !crypto_base64_decode(text, strlen(text), bytes, sizeof(bytes), &len) ||
            len != kinds[kind].size)
                return false;
        memcpy(ret_bytes, bytes, len);
        return true;
}

struct checksum *checksum_new(enum checksum_kind kind)
{
        CLEANUP(checksum_freep) struct checksum *checksum = NULL;

        if (kind == CHECKSUM_NONE)
                return NULL;
        checksum = calloc(1, sizeof(*checksum));
        if (!checksum)
                return NULL;
        checksum->kind = &kinds[kind];
        if (!checksum->kind->is_crc) {
                checksum->hash = crypto_hash_new(checksum->kind->hash);
                if (!checksum->hash)
                        return NULL;
        }
        return TAKE(checksum);
}

void checksum_free(struct checksum *checksum)
{
        if (!checksum)
                return;
        crypto_hash_free(checksum->hash);
        free(checksum);
}

bool checksum_add(struct checksum *checksum, const void *bytes, size_t len)
{
        if (!checksum->kind->is_crc)
                return crypto_hash_add(checksum->hash, bytes, len);
        checksum->crc = crc_add(checksum->kind->crc, checksum->crc, bytes, len);
        return true;
}

static void put_crc(uint64_t crc, size_t size, char ret_text[CHECKSUM_TEXT_SIZE])
{
        unsigned char bytes[8];

        for (size_t i = 0; i < size; i++)
                bytes[i] = (unsigned char)(crc >> 8 * (size - 1 - i));
        crypto_base64(bytes, size, ret_text);
}

bool checksum_end(struct checksum *checksum, char ret_text[CHECKSUM_TEXT_SIZE])
{
        unsigned char bytes[CHECKSUM_SIZE_MAX];

        if (checksum->kind->is_crc) {
                put_crc(checksum->crc, checksum->kind->size, ret_text);
                return true;
        }
        if (!crypto_hash_end(checksum->hash, bytes))
                return false;
        crypto_base64(bytes, checksum->kind->size, ret_text);
        return true;
}

static bool get_crc(enum checksum_kind kind, const char *text, uint64_t *ret_crc)
{
        unsigned char bytes[CHECKSUM_SIZE_MAX];
        uint64_t crc = 0;

        if (!checksum_decode(kind, text, bytes))
                return false;
        for (size_t i = 0; i < kinds[kind].size; i++)
                crc = crc << 8 | bytes[i];
        *ret_crc = crc;
        return true;
}

bool checksum_combine(enum checksum_kind kind, const char *first, const char *second,
                      int64_t second_len, char ret_text[CHECKSUM_TEXT_SIZE])
{
        uint64_t a, b;

        if (!kinds[kind].is_crc || second_len < 0 || !get_crc(kind, first, &a) ||
            !get_crc(kind, second, &b))
                return false;
        put_crc(crc_combine(kinds[kind].crc, a, b, (uint64_t)second_len), kinds[kind].size,
                ret_text);
        return true;
}
