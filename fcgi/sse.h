/* Server-sent events as text. Format: WHATWG HTML, "Server-sent events", section 9.2.6. */
#ifndef FCGI_SSE_H
#define FCGI_SSE_H

#include "core/base/buf.h"

struct sse_frame {
        int64_t id;        /* where the client goes on after a break; below 0: as before */
        const char *event; /* a word */
        const char *data;  /* any text; line breaks of all kinds arrive as \n */
};

void sse_add(struct buf *out, const struct sse_frame *frame);
void sse_add_retry(struct buf *out, unsigned delay_ms);  /* before a client comes again */
void sse_add_comment(struct buf *out, const char *text); /* one line, for human readers */

#endif
