#include "core/base/crc.h"

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define SLICES 8

/* A sum is a polynomial over GF(2) modulo another one, highest power in the lowest bit: x to the
 * power 0 is the bit `top`, and one more power of x is a shift to the right. */
struct machine {
        uint64_t poly, top;
        uint64_t slice[SLICES][256];           /* [k][b]: a byte b with k zero bytes behind it */
        uint64_t fold_by_64[2], fold_by_16[2]; /* bytes; see fold_factors */
};

static struct machine machines[CRC_COUNT] = {
        [CRC_32] = { .poly = 0xedb88320, .top = UINT64_C(1) << 31 },
        [CRC_32C] = { .poly = 0x82f63b78, .top = UINT64_C(1) << 31 },
        [CRC_64NVME] = { .poly = UINT64_C(0x9a6c9329ac4bc9b5), .top = UINT64_C(1) << 63 },
};

static uint64_t times_x(const struct machine *m, uint64_t a)
{
        return a & 1 ? a >> 1 ^ m->poly : a >> 1;
}

static uint64_t times(const struct machine *m, uint64_t a, uint64_t b)
{
        uint64_t product = 0;

        for (uint64_t bit = m->top; bit != 0; bit >>= 1) {
                if (a & bit)
                        product ^= b;
                b = times_x(m, b);
        }
        return product;
}

static uint64_t power(const struct machine *m, uint64_t base, uint64_t n)
{
        uint64_t result = m->top;

        for (; n != 0; n >>= 1) {
                if (n & 1)
                        result = times(m, result, base);
                base = times(m, base, base);
        }
        return result;
}

/* What moves the two halves of 16 bytes so many bits on. One bit less, because the product of two
 * reflected numbers comes out shifted by one; in the upper bits of a word, as the bytes are. */
static void fold_factors(const struct machine *m, unsigned bits, uint64_t ret_factors[2])
{
        const unsigned shift = m->top >> 32 ? 0 : 32;

        ret_factors[0] = power(m, m->top >> 1, bits + 63) << shift;
        ret_factors[1] = power(m, m->top >> 1, bits - 1) << shift;
}

static void make_machine(struct machine *m)
{
        for (uint64_t byte = 0; byte < 256; byte++) {
                uint64_t sum = byte;

                for (int bit = 0; bit < 8; bit++)
                        sum = times_x(m, sum);
                m->slice[0][byte] = sum;
        }
        for (unsigned k = 1; k < SLICES; k++)
                for (unsigned byte = 0; byte < 256; byte++) {
                        uint64_t sum = m->slice[k - 1][byte];

                        m->slice[k][byte] = sum >> 8 ^ m->slice[0][sum & 255];
                }
        fold_factors(m, 512, m->fold_by_64);
        fold_factors(m, 128, m->fold_by_16);
}

static void make_machines(void)
{
        for (unsigned kind = 0; kind < CRC_COUNT; kind++)
                make_machine(&machines[kind]);
}

static const struct machine *machine_of(enum crc_kind kind)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, make_machines);
        return &machines[kind];
}

static uint64_t all_ones(const struct machine *m)
{
        return m->top | (m->top - 1);
}

/* The sums below are neither begun nor ended: that is done around them. */
static uint64_t by_table(const struct machine *m, uint64_t sum, const unsigned char *bytes,
                         size_t len)
{
        for (; len >= 8; bytes += 8, len -= 8) {
                uint64_t word;

                memcpy(&word, bytes, 8);
                word = le64toh(word) ^ sum;
                sum = m->slice[7][word & 255] ^ m->slice[6][word >> 8 & 255] ^
                      m->slice[5][word >> 16 & 255] ^ m->slice[4][word >> 24 & 255] ^
                      m->slice[3][word >> 32 & 255] ^ m->slice[2][word >> 40 & 255] ^
                      m->slice[1][word >> 48 & 255] ^ m->slice[0][word >> 56];
        }
        while (len-- > 0)
                sum = sum >> 8 ^ m->slice[0][(sum ^ *bytes++) & 255];
        return sum;
}

#ifdef __x86_64__

#define FOLDING __attribute__((target("pclmul")))

static inline FOLDING __m128i load(const void *bytes)
{
        return _mm_loadu_si128(bytes);
}

/* Move a on to where next stands, and add them. */
static inline FOLDING __m128i fold(__m128i a, __m128i factors, __m128i next)
{
        const __m128i low = _mm_clmulepi64_si128(a, factors, 0x00);
        const __m128i high = _mm_clmulepi64_si128(a, factors, 0x11);

        return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* All 16-byte blocks of at least 64 bytes shrink to one that has the same sum (V. Gopal et al.,
 * "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009). Four at
 * a time, since a multiplication takes longer than it keeps the next one waiting. */
static FOLDING uint64_t by_folding(const struct machine *m, uint64_t sum,
                                   const unsigned char *bytes, size_t len)
{
        const __m128i by_64 = load(m->fold_by_64), by_16 = load(m->fold_by_16);
        __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi64_si128((long long)sum));
        __m128i b = load(bytes + 16), c = load(bytes + 32), d = load(bytes + 48);
        unsigned char rest[16];

        for (bytes += 64, len -= 64; len >= 64; bytes += 64, len -= 64) {
                a = fold(a, by_64, load(bytes));
                b = fold(b, by_64, load(bytes + 16));
                c = fold(c, by_64, load(bytes + 32));
                d = fold(d, by_64, load(bytes + 48));
        }
        a = fold(fold(fold(a, by_16, b), by_16, c), by_16, d);
        for (; len >= 16; bytes += 16, len -= 16)
                a = fold(a, by_16, load(bytes));
        _mm_storeu_si128((void *)rest, a);
        return by_table(m, by_table(m, 0, rest, sizeof(rest)), bytes, len);
}

static bool can_fold(void)
{
        return __builtin_cpu_supports("pclmul");
}

#else

static uint64_t by_folding(const struct machine *m, uint64_t sum, const unsigned char *bytes,
                           size_t len)
{
        return by_table(m, sum, bytes, len);
}

static bool can_fold(void)
{
        return false;
}

#endif

uint64_t crc_add(enum crc_kind kind, uint64_t crc, const void *bytes, size_t len)
{
        const struct machine *m = machine_of(kind);

        if (len < 64 || !can_fold())
                return crc_add_by_table(kind, crc, bytes, len);
        return by_folding(m, crc ^ all_ones(m), bytes, len) ^ all_ones(m);
}

uint64_t crc_add_by_table(enum crc_kind kind, uint64_t crc, const void *bytes, size_t len)
{
        const struct machine *m = machine_of(kind);

        return by_table(m, crc ^ all_ones(m), bytes, len) ^ all_ones(m);
}

uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second, uint64_t second_len)
{
        const struct machine *m = machine_of(kind);

        return times(m, first, power(m, m->top >> 8, second_len)) ^ second;
}
