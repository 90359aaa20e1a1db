#include "fcgi/sse.h"

#include <string.h>

/* The length of the line at text, and where the next one begins; NULL after the last. */
static size_t cut_line(const char *text, const char **ret_next)
{
        size_t len = strcspn(text, "\r\n");
        const char *end = text + len;

        if (*end == '\0')
                *ret_next = NULL;
        else
                *ret_next = end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
        return len;
}

void sse_add(struct buf *out, const struct sse_frame *frame)
{
        if (frame->id >= 0) {
                buf_puts(out, "id: ");
                buf_put_int(out, frame->id);
                buf_putc(out, '\n');
        }
        buf_printf(out, "event: %s\n", frame->event);
        for (const char *line = frame->data, *next; line; line = next) {
                size_t len = cut_line(line, &next);

                buf_puts(out, "data: ");
                buf_add(out, line, len);
                buf_putc(out, '\n');
        }
        buf_putc(out, '\n');
}

void sse_add_retry(struct buf *out, unsigned delay_ms)
{
        buf_printf(out, "retry: %u\n\n", delay_ms);
}

void sse_add_comment(struct buf *out, const char *text)
{
        buf_printf(out, ": %s\n\n", text);
}
