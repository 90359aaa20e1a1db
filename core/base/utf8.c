#include "core/base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "core/base/arena.h"

static bool is_tail(unsigned char c)
{
        return (c & 0xC0) == 0x80;
}

/* Cut short, overlong, a surrogate, or past U+10FFFF is none. The NUL at the end of a text is no
 * tail, so that reading stops there. */
size_t utf8_sequence(const char *text)
{
        const unsigned char *s = (const unsigned char *)text;
        unsigned char low = 0x80, high = 0xBF;

        if (s[0] < 0x80)
                return 1;
        if (s[0] >= 0xC2 && s[0] <= 0xDF)
                return is_tail(s[1]) ? 2 : 0;
        if (s[0] < 0xE0 || s[0] > 0xF4)
                return 0;
        if (s[0] == 0xE0)
                low = 0xA0;
        else if (s[0] == 0xED)
                high = 0x9F;
        else if (s[0] == 0xF0)
                low = 0x90;
        else if (s[0] == 0xF4)
                high = 0x8F;
        if (s[1] < low || s[1] > high || !is_tail(s[2]))
                return 0;
        if (s[0] < 0xF0)
                return 3;
        return is_tail(s[3]) ? 4 : 0;
}

bool utf8_is_valid(const char *s)
{
        while (*s) {
                size_t len = utf8_sequence(s);

                if (len == 0)
                        return false;
                s += len;
        }
        return true;
}

#define LAST_CODE_POINT 0x10FFFF

static uint32_t decode(const unsigned char *s, size_t len)
{
        static const unsigned char masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
        uint32_t code = s[0] & masks[len];

        for (size_t i = 1; i < len; i++)
                code = code << 6 | (s[i] & 0x3F);
        return code;
}

/* Up to 4 bytes and a NUL. */
static void encode(uint32_t code, char *ret)
{
        static const unsigned char firsts[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
        size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

        ret[len] = '\0';
        for (size_t i = len - 1; i > 0; i--) {
                ret[i] = (char)(0x80 | (code & 0x3F));
                code >>= 6;
        }
        ret[0] = (char)(firsts[len] | code);
}

/* The order of bytes is that of code points: the last one is counted up. */
char *utf8_after_prefix(struct arena *arena, const char *s)
{
        size_t len = strlen(s), last;
        char *next = arena_alloc(arena, len + 4);

        if (!next)
                return NULL;
        memcpy(next, s, len + 1);
        for (; len > 0; len = last) {
                uint32_t code;

                for (last = len - 1; last > 0 && is_tail((unsigned char)next[last]); last--)
                        ;
                code = decode((const unsigned char *)next + last, len - last);
                if (code < LAST_CODE_POINT) {
                        encode(code == 0xD7FF ? 0xE000 : code + 1, next + last);
                        return next;
                }
        }
        next[0] = '\0';
        return next;
}
