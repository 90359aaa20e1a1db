/* The cyclic redundancy checks that S3 knows: CRC-32 (ISO-HDLC, as in zlib), CRC-32C (Castagnoli,
 * RFC 3720 12.1) and CRC-64/NVME (NVM Command Set 1.0 5.2.1.3.4). All are reflected, start with all
 * ones and are inverted at the end; 32-bit sums are in the low half. They find accidents, they do
 * not stop forgers. */
#ifndef CORE_BASE_CRC_H
#define CORE_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

enum crc_kind { CRC_32, CRC_32C, CRC_64NVME, CRC_COUNT };

/* The sum of what crc is the sum of, and then these bytes. The sum of nothing is 0. */
uint64_t crc_add(enum crc_kind kind, uint64_t crc, const void *bytes, size_t len);

/* The same by tables alone, which is what crc_add does on a processor without carry-less
 * multiplication; for tests to compare with. */
uint64_t crc_add_by_table(enum crc_kind kind, uint64_t crc, const void *bytes, size_t len);

/* The sum of two pieces, one behind the other, from their sums and the length of the second. */
uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t second_len);

#endif
