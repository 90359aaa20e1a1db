#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
        *buf = (struct buf){ .max = max };
}

void buf_done(struct buf *buf)
{
        free(buf->data);
        *buf = (struct buf){ 0 };
}

void buf_reset(struct buf *buf)
{
        buf->len = 0;
        buf->failed = false;
        if (buf->data)
                buf->data[0] = '\0';
}

static bool reserve(struct buf *buf, size_t more)
{
        size_t cap = buf->cap ? buf->cap : 256;
        char *data;

        if (buf->failed || more > buf->max - buf->len) {
                buf->failed = true;
                return false;
        }
        if (buf->cap > buf->len + more)
                return true;
        while (cap <= buf->len + more)
                cap *= 2;
        data = realloc(buf->data, cap);
        if (!data) {
                buf->failed = true;
                return false;
        }
        buf->data = data;
        buf->cap = cap;
        return true;
}

char *buf_room(struct buf *buf, size_t len)
{
        return reserve(buf, len) ? buf->data + buf->len : NULL;
}

bool buf_add(struct buf *buf, const void *bytes, size_t len)
{
        if (!reserve(buf, len))
                return false;
        if (len)
                memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
        buf->data[buf->len] = '\0';
        return true;
}

bool buf_puts(struct buf *buf, const char *s)
{
        return buf_add(buf, s, strlen(s));
}

bool buf_put_int(struct buf *buf, int64_t value)
{
        char digits[24];
        char *end = digits + sizeof(digits), *at = end;
        uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

        do {
                *--at = (char)('0' + rest % 10);
                rest /= 10;
        } while (rest > 0);
        if (value < 0)
                *--at = '-';
        return buf_add(buf, at, (size_t)(end - at));
}

bool buf_printf(struct buf *buf, const char *fmt, ...)
{
        va_list ap;
        int len;

        va_start(ap, fmt);
        len = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (len < 0 || !reserve(buf, (size_t)len)) {
                buf->failed = true;
                return false;
        }
        va_start(ap, fmt);
        vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
        va_end(ap);
        buf->len += (size_t)len;
        return true;
}
