#include "core/cloud/doctor/doctor_fastcgi.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/buf.h"

#define BEGIN_REQUEST 1
#define END_REQUEST   3
#define PARAMS        4
#define STDIN         5
#define STDOUT        6
#define HEADER_SIZE   8
#define ANSWER_MAX    (256 * KiB)

static void add_record(struct buf *out, unsigned char type, const char *bytes, size_t len)
{
        const unsigned char header[HEADER_SIZE] = {
                1, type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0,
        };

        buf_add(out, header, sizeof(header));
        buf_add(out, bytes, len);
}

/* Names and values shorter than 128 bytes. */
static void add_pair(struct buf *out, const char *name, const char *value)
{
        buf_putc(out, (char)strlen(name));
        buf_putc(out, (char)strlen(value));
        buf_puts(out, name);
        buf_puts(out, value);
}

static bool make_request(struct buf *out, const char *const *variables)
{
        static const char begin[] = { 0, 1, 0, 0, 0, 0, 0, 0 }; /* responder, close afterwards */
        struct buf params;

        buf_init(&params, 8 * KiB);
        for (; *variables; variables += 2)
                add_pair(&params, variables[0], variables[1]);
        add_record(out, BEGIN_REQUEST, begin, sizeof(begin));
        add_record(out, PARAMS, buf_str(&params), params.len);
        add_record(out, PARAMS, "", 0);
        add_record(out, STDIN, "", 0);
        buf_done(&params);
        return buf_ok(out);
}

static int connect_to(const char *path)
{
        CLEANUP(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
                return -1;
        memcpy(address.sun_path, path, strlen(path));
        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? TAKE_FD(fd)
                                                                                    : -1;
}

/* Everything up to the end of the request. */
static bool read_all(struct ctx *ctx, int fd, int64_t deadline_us, struct buf *in)
{
        for (;;) {
                struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
                int64_t left_us = deadline_us - clock_mono_us(ctx->clock);
                char space[8 * KiB];
                ssize_t len;

                if (left_us <= 0 || poll(&poll_fd, 1, (int)(left_us / US_PER_MS) + 1) <= 0)
                        return false;
                len = read(fd, space, sizeof(space));
                if (len <= 0)
                        return len == 0;
                if (!buf_add(in, space, (size_t)len))
                        return false;
        }
}

/* The standard output that records carry. */
static const char *output_of(struct ctx *ctx, const struct buf *in)
{
        char *out = arena_alloc(ctx->arena, in->len + 1);
        size_t len = 0;

        for (size_t at = 0; out && at + HEADER_SIZE <= in->len;) {
                const unsigned char *header = (const unsigned char *)in->data + at;
                const size_t size = (size_t)header[4] << 8 | header[5];

                at += HEADER_SIZE;
                if (at + size > in->len)
                        break;
                if (header[1] == STDOUT) {
                        memcpy(out + len, in->data + at, size);
                        len += size;
                }
                at += size + header[6];
        }
        return out;
}

enum err doctor_fastcgi_get(struct ctx *ctx, const char *socket_path, const char *const *variables,
                            unsigned timeout_ms, const char **ret)
{
        const int64_t deadline_us = clock_mono_us(ctx->clock) + timeout_ms * US_PER_MS;
        CLEANUP(close_fdp) int fd = connect_to(socket_path);
        struct buf request, answer;
        enum err rc = OK;

        if (fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%m");
        buf_init(&request, 16 * KiB);
        buf_init(&answer, ANSWER_MAX);
        if (!make_request(&request, variables))
                rc = ctx_nomem(ctx);
        else if (send(fd, request.data, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "it takes no request: %m");
        else if (!read_all(ctx, fd, deadline_us, &answer) || answer.len == 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "no answer within %u ms", timeout_ms);
        if (rc == OK)
                *ret = output_of(ctx, &answer);
        buf_done(&request);
        buf_done(&answer);
        return rc == OK && !*ret ? ctx_nomem(ctx) : rc;
}
