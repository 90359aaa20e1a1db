#include "core/base/jsonw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/utf8.h"

#define FIXED_MAX 1e15 /* scaled values below are exact in a double, so integers write them */

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* Bytes that stand for themselves: printable ASCII but the quote and the backslash. */
static const bool plain[256] = {
        [' '] = true,
        ['!'] = true,
        ['#' ... '['] = true,
        [']' ... '~'] = true,
};

static bool is_plain(unsigned char c)
{
        return plain[c];
}

/* Bytes of the character at s when it goes out as it is, else 0. */
static size_t plain_len(const unsigned char *s)
{
        if (is_plain(*s))
                return 1;
        if (*s < 0x80 || (s[0] == 0xC2 && s[1] < 0xA0)) /* C1 controls: 0xC2 0x80..0x9F */
                return 0;
        return utf8_sequence((const char *)s);
}

static size_t plain_run(const unsigned char *s, size_t max)
{
        size_t len = 0, step;

        for (;;) {
                while (len < max && is_plain(s[len]))
                        len++;
                if (len == max)
                        return len;
                step = plain_len(s + len);
                if (step == 0 || step > max - len)
                        return len;
                len += step;
        }
}

/* Escape the one character at s that cannot go out as it is; returns how many bytes it has. */
static size_t escape_one(const unsigned char *s, char ret_escape[8])
{
        static const char *const named[] = {
                ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t", ['"'] = "\\\"", ['\\'] = "\\\\",
        };

        if (*s < ARRAY_SIZE(named) && named[*s]) {
                memcpy(ret_escape, named[*s], 3);
                return 1;
        }
        if (s[0] == 0xC2 && (s[1] & 0xC0) == 0x80) {
                snprintf(ret_escape, 8, "\\u%04x", (unsigned)s[1]);
                return 2;
        }
        if (*s < 0x80)
                snprintf(ret_escape, 8, "\\u%04x", (unsigned)*s);
        else
                memcpy(ret_escape, replacement, sizeof(replacement));
        return 1;
}

size_t jsonw_piece(const char *s, size_t max, struct jsonw_piece *ret)
{
        const unsigned char *bytes = (const unsigned char *)s;
        size_t used = plain_run(bytes, max);

        ret->text = s;
        ret->len = used;
        if (used > 0 || *s == '\0')
                return used;
        if (plain_len(bytes) > 0) /* a plain character, but longer than max */
                return 0;
        used = escape_one(bytes, ret->escape);
        ret->text = ret->escape;
        ret->len = strlen(ret->escape);
        return ret->len <= max ? used : 0;
}

#define EVERY(byte)    (UINT64_MAX / 0xFF * (byte))
#define HAS_ZERO(word) (((word)-EVERY(1)) & ~(word)&EVERY(0x80))

/* Are the eight bytes at s plain? */
static bool is_plain_word(const char *s)
{
        uint64_t word;

        memcpy(&word, s, sizeof(word));
        return !((word & EVERY(0x80)) | ((word - EVERY(' ')) & ~word & EVERY(0x80)) |
                 HAS_ZERO(word ^ EVERY('"')) | HAS_ZERO(word ^ EVERY('\\')) |
                 HAS_ZERO(word ^ EVERY(0x7F)));
}

/* Are all len bytes plain, as in nearly every text? */
static bool is_plain_text(const char *s, size_t len)
{
        size_t at = 0;

        for (; len - at > sizeof(uint64_t); at += sizeof(uint64_t)) {
                if (!is_plain_word(s + at))
                        return false;
        }
        if (len >= sizeof(uint64_t))
                return is_plain_word(s + len - sizeof(uint64_t));
        for (; at < len; at++) {
                if (!is_plain((unsigned char)s[at]))
                        return false;
        }
        return true;
}

static void quoted(struct buf *out, const char *s)
{
        const size_t len = strlen(s);
        struct jsonw_piece piece;
        size_t used;

        if (is_plain_text(s, len)) {
                char *at = buf_room(out, len + 2);

                if (!at)
                        return;
                *at = '"';
                memcpy(at + 1, s, len + 1);
                at[len + 1] = '"';
                buf_took(out, len + 2);
                return;
        }
        buf_putc(out, '"');
        while ((used = jsonw_piece(s, SIZE_MAX, &piece)) > 0) {
                buf_add(out, piece.text, piece.len);
                s += used;
        }
        buf_putc(out, '"');
}

/* What stands before every value: the comma and the key. */
static void begin(struct jsonw *w, const char *key)
{
        if (w->comma)
                buf_putc(w->out, ',');
        w->comma = true;
        if (!key)
                return;
        quoted(w->out, key);
        buf_putc(w->out, ':');
}

static void literal(struct jsonw *w, const char *key, const char *text)
{
        begin(w, key);
        buf_puts(w->out, text);
}

void jsonw_object(struct jsonw *w, const char *key)
{
        literal(w, key, "{");
        w->comma = false;
}

void jsonw_object_end(struct jsonw *w)
{
        buf_putc(w->out, '}');
        w->comma = true;
}

void jsonw_array(struct jsonw *w, const char *key)
{
        literal(w, key, "[");
        w->comma = false;
}

void jsonw_array_end(struct jsonw *w)
{
        buf_putc(w->out, ']');
        w->comma = true;
}

void jsonw_string(struct jsonw *w, const char *key, const char *value)
{
        if (!value) {
                jsonw_null(w, key);
                return;
        }
        begin(w, key);
        quoted(w->out, value);
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
        begin(w, key);
        buf_put_int(w->out, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
        literal(w, key, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
        literal(w, key, "null");
}

/* value times 10^decimals as an integer; false when that is not exact enough. */
static bool to_fixed(double value, int decimals, uint64_t *ret_scale, uint64_t *ret_fixed)
{
        uint64_t scale = 1;

        for (int i = 0; i < decimals; i++)
                scale *= 10;
        if (!(fabs(value) * (double)scale < FIXED_MAX))
                return false;
        *ret_scale = scale;
        *ret_fixed = (uint64_t)(fabs(value) * (double)scale + 0.5);
        return true;
}

void jsonw_number(struct jsonw *w, const char *key, double value, int decimals)
{
        uint64_t scale, fixed;

        if (!isfinite(value)) {
                jsonw_null(w, key);
                return;
        }
        begin(w, key);
        if (!to_fixed(value, decimals, &scale, &fixed)) {
                buf_printf(w->out, "%.*f", decimals, value);
                return;
        }
        if (value < 0 && fixed > 0)
                buf_putc(w->out, '-');
        buf_put_int(w->out, (int64_t)(fixed / scale));
        if (decimals > 0)
                buf_putc(w->out, '.');
        for (scale /= 10; scale > 0; scale /= 10)
                buf_putc(w->out, (char)('0' + fixed / scale % 10));
}

void jsonw_time(struct jsonw *w, const char *key, int64_t wall_us)
{
        char text[CLOCK_ISO_SIZE];

        if (wall_us == 0) {
                jsonw_null(w, key);
                return;
        }
        clock_format_iso(wall_us, text);
        jsonw_string(w, key, text);
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json)
{
        literal(w, key, json && *json ? json : "null");
}
