#include "core/base/utf8.h"

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
