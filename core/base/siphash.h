/* SipHash-2-4: a fast hash under a key, so that nobody who does not know the key can choose texts
 * that fall together. Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. */
#ifndef CORE_BASE_SIPHASH_H
#define CORE_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The 16 bytes of a key, as two little-endian numbers. */
struct siphash_key {
        uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len);

#endif
