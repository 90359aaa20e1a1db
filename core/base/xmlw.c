#include "core/base/xmlw.h"

#include "core/base/clock.h"
#include "core/base/utf8.h"

/* Bytes that stand for themselves. */
static const bool plain[256] = {
        [' '] = true,          ['!'] = true, ['#' ... '%'] = true,
        ['\'' ... ';'] = true, ['='] = true, ['?' ... '~'] = true,
};

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

static const char *named(unsigned char c)
{
        switch (c) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\t': /* a reader would take a bare one in an attribute for a space, */
                return "&#x9;";
        case '\n':
                return "&#xA;";
        case '\r': /* and this one for a line feed */
                return "&#xD;";
        case 0x7F:
                return "&#x7F;";
        default:
                return replacement;
        }
}

/* Write the one character at s that is not plain; returns its end. */
static const char *special(struct buf *out, const char *s)
{
        const unsigned char *c = (const unsigned char *)s;
        const size_t len = utf8_sequence(s);

        if (len <= 1) /* not UTF-8: one byte of it */
                buf_puts(out, len == 1 ? named(*c) : replacement);
        else if (c[0] == 0xC2 && c[1] < 0xA0) /* C1 controls: U+0080 to U+009F */
                buf_printf(out, "&#x%X;", (unsigned)c[1]);
        else if (c[0] == 0xEF && c[1] == 0xBF && c[2] >= 0xBE) /* U+FFFE, U+FFFF */
                buf_puts(out, replacement);
        else
                buf_add(out, s, len);
        return s + (len > 1 ? len : 1);
}

void xmlw_escaped(struct buf *out, const char *text)
{
        while (*text != '\0') {
                const char *end = text;

                while (plain[(unsigned char)*end])
                        end++;
                buf_add(out, text, (size_t)(end - text));
                text = *end != '\0' ? special(out, end) : end;
        }
}

void xmlw_document(struct buf *out, const char *root, const char *name_space)
{
        buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        buf_puts(out, root);
        if (name_space) {
                buf_puts(out, " xmlns=\"");
                xmlw_escaped(out, name_space);
                buf_putc(out, '"');
        }
        buf_putc(out, '>');
}

void xmlw_open(struct buf *out, const char *name)
{
        buf_putc(out, '<');
        buf_puts(out, name);
        buf_putc(out, '>');
}

void xmlw_close(struct buf *out, const char *name)
{
        buf_puts(out, "</");
        buf_puts(out, name);
        buf_putc(out, '>');
}

void xmlw_text(struct buf *out, const char *name, const char *value)
{
        if (!value)
                return;
        xmlw_open(out, name);
        xmlw_escaped(out, value);
        xmlw_close(out, name);
}

void xmlw_int(struct buf *out, const char *name, int64_t value)
{
        xmlw_open(out, name);
        buf_put_int(out, value);
        xmlw_close(out, name);
}

void xmlw_bool(struct buf *out, const char *name, bool value)
{
        xmlw_text(out, name, value ? "true" : "false");
}

void xmlw_time(struct buf *out, const char *name, int64_t wall_us)
{
        char text[CLOCK_ISO_SIZE];

        if (wall_us == 0)
                return;
        clock_format_iso(wall_us, text);
        xmlw_text(out, name, text);
}
