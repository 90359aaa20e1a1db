/* The encodings of crypto.h: hex, base64 and ULIDs. */
#include <string.h>

#include "core/base/crypto.h"

#define ULID_TIME_CHARS 10
#define ULID_RANDOM     10 /* bytes: 80 bits */

void crypto_hex(const void *bytes, size_t len, char *ret_hex)
{
        static const char digits[] = "0123456789abcdef";
        const unsigned char *in = bytes;

        for (size_t i = 0; i < len; i++) {
                *ret_hex++ = digits[in[i] >> 4];
                *ret_hex++ = digits[in[i] & 15];
        }
        *ret_hex = '\0';
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool crypto_hex_decode(const char *text, size_t text_len, void *ret_bytes, size_t len)
{
        unsigned char *out = ret_bytes;

        if (text_len % 2 != 0 || text_len / 2 != len)
                return false;
        for (size_t i = 0; i < text_len; i++)
                if (hex_value(text[i]) < 0)
                        return false;
        for (size_t i = 0; i < len; i++)
                out[i] = (unsigned char)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
        return true;
}

#define BASE64_COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char base64_standard[] = BASE64_COMMON "+/";
static const char base64_url[] = BASE64_COMMON "-_";

/* Returns where the text ends, unpadded. */
static char *base64_encode(const char *alphabet, const unsigned char *in, size_t len, char *out)
{
        for (size_t i = 0; i < len; i += 3) {
                size_t have = len - i < 3 ? len - i : 3;
                unsigned bits = (unsigned)in[i] << 16;

                if (have > 1)
                        bits |= (unsigned)in[i + 1] << 8;
                if (have > 2)
                        bits |= in[i + 2];
                for (size_t k = 0; k <= have; k++)
                        *out++ = alphabet[bits >> (18 - 6 * k) & 63];
        }
        return out;
}

void crypto_base64(const void *bytes, size_t len, char *ret_text)
{
        char *end = base64_encode(base64_standard, bytes, len, ret_text);

        while ((end - ret_text) % 4 != 0)
                *end++ = '=';
        *end = '\0';
}

void crypto_base64url(const void *bytes, size_t len, char *ret_text)
{
        *base64_encode(base64_url, bytes, len, ret_text) = '\0';
}

static int base64_value(char c)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool crypto_base64_decode(const char *text, size_t text_len, void *ret_bytes, size_t max,
                          size_t *ret_len)
{
        unsigned char *out = ret_bytes;
        size_t len = 0, chars = text_len;
        unsigned bits = 0, pending = 0;

        if (text_len % 4 != 0)
                return false;
        while (chars > 0 && text_len - chars < 2 && text[chars - 1] == '=')
                chars--;
        for (size_t i = 0; i < chars; i++) {
                int value = base64_value(text[i]);

                if (value < 0)
                        return false;
                bits = bits << 6 | (unsigned)value;
                pending += 6;
                if (pending < 8)
                        continue;
                if (len == max)
                        return false;
                pending -= 8;
                out[len++] = (unsigned char)(bits >> pending);
                bits &= (1U << pending) - 1;
        }
        if (bits != 0) /* bits past the last byte: another text of the same bytes */
                return false;
        *ret_len = len;
        return true;
}

static const char ulid_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* The time's part of an id; returns where it ends. */
static char *ulid_time(int64_t wall_us, char *out)
{
        uint64_t ms = (uint64_t)(wall_us / US_PER_MS);

        for (unsigned i = ULID_TIME_CHARS; i-- > 0;)
                *out++ = ulid_digits[ms >> (5 * i) & 31];
        return out;
}

enum err crypto_ulid(struct ctx *ctx, char ret_id[ULID_SIZE])
{
        unsigned char random[ULID_RANDOM];
        unsigned bits = 0, pending = 0;
        char *out;

        if (!crypto_random(random, sizeof(random)))
                return ctx_fail(ctx, ERR_INTERNAL, "the kernel gives no random bytes");
        out = ulid_time(clock_wall_us(ctx->clock), ret_id);
        for (size_t i = 0; i < sizeof(random); i++) {
                bits = bits << 8 | random[i];
                for (pending += 8; pending >= 5; pending -= 5)
                        *out++ = ulid_digits[bits >> (pending - 5) & 31];
        }
        *out = '\0';
        return OK;
}

void crypto_ulid_first(int64_t wall_us, char ret_id[ULID_SIZE])
{
        char *out = ulid_time(wall_us, ret_id);

        memset(out, '0', ULID_SIZE - 1 - ULID_TIME_CHARS);
        ret_id[ULID_SIZE - 1] = '\0';
}
