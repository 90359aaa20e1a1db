#include "core/db/wal_file.h"

#include <endian.h>
#include <string.h>

#define MAGIC           0x377f0682u /* the last bit: sums of big-endian words */
#define FORMAT          3007000u
#define INDEX_COPY_SIZE 48
#define INDEX_SUMMED    40 /* bytes of each copy that its sum is of */

static uint32_t get32(const unsigned char *at)
{
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t native32(const unsigned char *at)
{
        uint32_t value;

        memcpy(&value, at, sizeof(value));
        return value;
}

/* Fileformat2 4.2: the sum goes on from *sum over len bytes, a multiple of 8. */
static void add_sum(bool big_endian, const unsigned char *bytes, size_t len, uint32_t sum[2])
{
        uint32_t a = sum[0], b = sum[1];

        for (size_t i = 0; i < len; i += 8) {
                uint32_t x = native32(bytes + i), y = native32(bytes + i + 4);

                a += (big_endian ? be32toh(x) : le32toh(x)) + b;
                b += (big_endian ? be32toh(y) : le32toh(y)) + a;
        }
        sum[0] = a;
        sum[1] = b;
}

static bool is_page_size(uint32_t size)
{
        return size >= 512 && size <= WAL_PAGE_MAX && (size & (size - 1)) == 0;
}

bool wal_header_parse(const unsigned char bytes[WAL_HEADER_SIZE], struct wal_header *ret)
{
        struct wal_header header = {
                .page_size = get32(bytes + 8),
                .sequence = get32(bytes + 12),
                .salt = { get32(bytes + 16), get32(bytes + 20) },
                .big_endian = get32(bytes) & 1,
        };

        add_sum(header.big_endian, bytes, WAL_HEADER_SIZE - 8, header.sum);
        if ((get32(bytes) & ~1u) != MAGIC || get32(bytes + 4) != FORMAT ||
            !is_page_size(header.page_size) || header.sum[0] != get32(bytes + 24) ||
            header.sum[1] != get32(bytes + 28))
                return false;
        *ret = header;
        return true;
}

struct wal_point wal_header_point(const struct wal_header *header)
{
        return (struct wal_point){
                .salt = { header->salt[0], header->salt[1] },
                .sum = { header->sum[0], header->sum[1] },
        };
}

size_t wal_frame_bytes(uint32_t page_size)
{
        return WAL_FRAME_SIZE + (size_t)page_size;
}

int64_t wal_frame_at(uint32_t page_size, uint32_t n)
{
        return WAL_HEADER_SIZE + (int64_t)(n - 1) * (int64_t)wal_frame_bytes(page_size);
}

bool wal_frame_check(const struct wal_header *header, const unsigned char *bytes,
                     struct wal_point *point, struct wal_frame *ret)
{
        const struct wal_frame frame = { get32(bytes), get32(bytes + 4) };
        uint32_t sum[2] = { point->sum[0], point->sum[1] };

        if (frame.page == 0 || get32(bytes + 8) != header->salt[0] ||
            get32(bytes + 12) != header->salt[1])
                return false;
        add_sum(header->big_endian, bytes, 8, sum);
        add_sum(header->big_endian, bytes + WAL_FRAME_SIZE, header->page_size, sum);
        if (sum[0] != get32(bytes + 16) || sum[1] != get32(bytes + 20))
                return false;
        point->sum[0] = sum[0];
        point->sum[1] = sum[1];
        point->frame++;
        *ret = frame;
        return true;
}

bool wal_same_log(const struct wal_point *a, const struct wal_point *b)
{
        return a->salt[0] == b->salt[0] && a->salt[1] == b->salt[1];
}

bool wal_same_point(const struct wal_point *a, const struct wal_point *b)
{
        return wal_same_log(a, b) && a->frame == b->frame && a->sum[0] == b->sum[0] &&
               a->sum[1] == b->sum[1];
}

/* Numbers of the index are in the machine's own order, but the salts are as in the log. A page
 * size of 1 is 65536, and sums of native words are used for it. */
bool wal_index_parse(const unsigned char bytes[WAL_INDEX_SIZE], struct wal_index *ret)
{
        uint32_t sum[2] = { 0, 0 };
        uint16_t page_size;

        memcpy(&page_size, bytes + 14, sizeof(page_size));
        add_sum(BYTE_ORDER == BIG_ENDIAN, bytes, INDEX_SUMMED, sum);
        if (memcmp(bytes, bytes + INDEX_COPY_SIZE, INDEX_COPY_SIZE) != 0 || bytes[12] == 0 ||
            native32(bytes) != FORMAT || sum[0] != native32(bytes + 40) ||
            sum[1] != native32(bytes + 44))
                return false;
        *ret = (struct wal_index){
                .changes = native32(bytes + 8),
                .last = native32(bytes + 16),
                .database_pages = native32(bytes + 20),
                .backfilled = native32(bytes + 96),
                .page_size = (page_size & 0xfe00u) + ((page_size & 1u) << 16),
                .point = { .salt = { get32(bytes + 32), get32(bytes + 36) },
                           .frame = native32(bytes + 16),
                           .sum = { native32(bytes + 24), native32(bytes + 28) } },
        };
        if (ret->last == 0)
                ret->point.sum[0] = ret->point.sum[1] = 0; /* those of the log before */
        return true;
}
