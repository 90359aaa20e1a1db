#include "core/cloud/audit/syslog_client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS     5000
#define FINISH_MS      2000
#define REFUSAL_MS     50 /* what a refusal takes to come back */
#define DATAGRAM_MAX   (size_t)65000
#define HOST_MAX       256
#define MSG_ID_MAX     32
#define FACILITY_AUDIT (13 * 8)
#define NOTICE         5
#define WARNING        4

enum kind { KIND_UDP, KIND_TCP, KIND_UNIX, KIND_COUNT };

struct address {
        enum kind kind;
        char host[HOST_MAX]; /* or the path */
        char port[8];
};

struct syslog_link {
        enum kind kind;
        bool stream; /* messages are counted */
        int fd;
};

static bool parse_host_port(const char *text, struct address *ret)
{
        const char *colon = strrchr(text, ':');
        const char *host = text;
        size_t len = colon ? (size_t)(colon - text) : 0;
        long port = colon ? strtol(colon + 1, NULL, 10) : 0;

        if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
                host++;
                len -= 2;
        } else if (memchr(host, ':', len)) {
                return false;
        }
        if (len == 0 || len >= HOST_MAX || port < 1 || port > 65535 ||
            strspn(colon + 1, "0123456789") != strlen(colon + 1) || strcspn(host, "/@?# ") < len)
                return false;
        memcpy(ret->host, host, len);
        ret->host[len] = '\0';
        snprintf(ret->port, sizeof(ret->port), "%ld", port);
        return true;
}

static bool parse_url(const char *url, struct address *ret)
{
        *ret = (struct address){ .kind = KIND_UNIX };
        if (strncmp(url, "unix:///", 8) == 0) {
                snprintf(ret->host, sizeof(ret->host), "%s", url + 7);
                return strlen(url + 7) < sizeof(((struct sockaddr_un *)0)->sun_path);
        }
        ret->kind = strncmp(url, "tcp://", 6) == 0 ? KIND_TCP : KIND_UDP;
        if (ret->kind == KIND_UDP && strncmp(url, "udp://", 6) != 0)
                return false;
        return parse_host_port(url + 6, ret);
}

bool syslog_url_is_good(const char *url)
{
        struct address address;

        return parse_url(url, &address);
}

/* RFC 5424 6.1 allows printable ASCII here. */
static void add_word(struct buf *out, const char *word, size_t max)
{
        size_t len = 0;

        for (; word && word[len] && len < max; len++)
                buf_putc(out, word[len] > ' ' && word[len] <= '~' ? word[len] : '_');
        if (len == 0)
                buf_putc(out, '-');
}

void syslog_format(struct buf *out, const struct syslog_head *head, const char *text)
{
        char time[CLOCK_ISO_SIZE], host[HOST_MAX] = "";

        clock_format_iso(head->time_us, time);
        if (gethostname(host, sizeof(host) - 1) != 0)
                *host = '\0';
        buf_printf(out, "<%d>1 %s ", FACILITY_AUDIT + (head->warning ? WARNING : NOTICE), time);
        add_word(out, host, HOST_MAX);
        buf_printf(out, " simpletuner-cloud %ld ", (long)getpid());
        add_word(out, head->msg_id, MSG_ID_MAX);
        buf_puts(out, " - ");
        buf_puts(out, text);
}

/* ---- connecting ---- */

static bool wait_for(int fd, short events, int timeout_ms)
{
        struct pollfd waiting = { .fd = fd, .events = events };
        int ready;

        do
                ready = poll(&waiting, 1, timeout_ms);
        while (ready < 0 && errno == EINTR);
        if (ready == 0)
                errno = ETIMEDOUT;
        return ready > 0;
}

static int pending_error(int fd)
{
        socklen_t size = sizeof(int);
        int error = 0;

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/* A connected socket that does not block, or -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t size, int type)
{
        CLEANUP(close_fdp)
        int fd = socket(address->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -1;
        if (connect(fd, address, size) != 0) {
                if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, TIMEOUT_MS))
                        return -1;
                errno = pending_error(fd);
                if (errno)
                        return -1;
        }
        return TAKE_FD(fd);
}

static enum err connect_unix(struct ctx *ctx, const struct address *address,
                             struct syslog_link *link)
{
        struct sockaddr_un name = { .sun_family = AF_UNIX };

        snprintf(name.sun_path, sizeof(name.sun_path), "%.*s", (int)sizeof(name.sun_path) - 1,
                 address->host);
        link->fd = connect_to((struct sockaddr *)&name, sizeof(name), SOCK_DGRAM);
        if (link->fd < 0 && errno == EPROTOTYPE) {
                link->stream = true;
                link->fd = connect_to((struct sockaddr *)&name, sizeof(name), SOCK_STREAM);
        }
        return link->fd >= 0 ? OK : ctx_fail(ctx, ERR_PROVIDER, "syslog: %s: %m", address->host);
}

static enum err connect_inet(struct ctx *ctx, const struct address *address,
                             struct syslog_link *link)
{
        const int type = link->stream ? SOCK_STREAM : SOCK_DGRAM;
        const struct addrinfo hints = { .ai_socktype = type };
        struct addrinfo *found = NULL;
        int failed = getaddrinfo(address->host, address->port, &hints, &found);

        if (failed)
                return ctx_fail(ctx, ERR_PROVIDER, "syslog: %s: %s", address->host,
                                gai_strerror(failed));
        for (const struct addrinfo *a = found; a && link->fd < 0; a = a->ai_next)
                link->fd = connect_to(a->ai_addr, a->ai_addrlen, type);
        freeaddrinfo(found);
        return link->fd >= 0 ? OK
                             : ctx_fail(ctx, ERR_PROVIDER, "syslog: %s:%s: %m", address->host,
                                        address->port);
}

enum err syslog_open(struct ctx *ctx, const char *url, struct syslog_link **ret)
{
        CLEANUP(syslog_freep) struct syslog_link *link = calloc(1, sizeof(*link));
        struct address address;
        enum err rc;

        if (!link)
                return ctx_nomem(ctx);
        link->fd = -1;
        if (!parse_url(url, &address))
                return ctx_fail(ctx, ERR_PROVIDER, "syslog: not a syslog URL");
        link->kind = address.kind;
        link->stream = address.kind == KIND_TCP;
        rc = address.kind == KIND_UNIX ? connect_unix(ctx, &address, link)
                                       : connect_inet(ctx, &address, link);
        if (rc == OK)
                *ret = TAKE(link);
        return rc;
}

void syslog_free(struct syslog_link *link)
{
        if (!link)
                return;
        if (link->fd >= 0)
                close(link->fd);
        free(link);
}

/* ---- sending ---- */

static enum err send_bytes(struct ctx *ctx, struct syslog_link *link, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t sent = send(link->fd, bytes, len, MSG_NOSIGNAL);

                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0 && errno == EAGAIN && wait_for(link->fd, POLLOUT, TIMEOUT_MS))
                        continue;
                if (sent < 0)
                        return ctx_fail(ctx, ERR_PROVIDER, "syslog: %m");
                bytes += sent;
                len -= (size_t)sent;
        }
        return OK;
}

enum err syslog_send(struct ctx *ctx, struct syslog_link *link, const char *message, size_t len)
{
        char count[24];
        int digits;
        enum err rc;

        if (!link->stream)
                return send_bytes(ctx, link, message, len < DATAGRAM_MAX ? len : DATAGRAM_MAX);
        digits = snprintf(count, sizeof(count), "%zu ", len);
        rc = send_bytes(ctx, link, count, (size_t)digits);
        return rc == OK ? send_bytes(ctx, link, message, len) : rc;
}

/* Say that nothing more comes and read until the other side says so too, or breaks off. One that
 * keeps the connection open is asked whether its machine has all. */
static enum err finish_stream(struct ctx *ctx, const struct syslog_link *link)
{
        char ignored[512];
        int unsent = 0;
        ssize_t n = 1;

        if (shutdown(link->fd, SHUT_WR) != 0)
                return ctx_fail(ctx, ERR_PROVIDER, "syslog: %m");
        while (n > 0 && wait_for(link->fd, POLLIN, FINISH_MS))
                n = recv(link->fd, ignored, sizeof(ignored), 0);
        if (n < 0)
                return ctx_fail(ctx, ERR_PROVIDER, "syslog: %m");
        if (n > 0 && (ioctl(link->fd, SIOCOUTQ, &unsent) != 0 || unsent > 0))
                return ctx_fail(ctx, ERR_PROVIDER, "syslog: the receiver does not read");
        return OK;
}

enum err syslog_finish(struct ctx *ctx, struct syslog_link *link)
{
        if (link->stream)
                return finish_stream(ctx, link);
        (void)wait_for(link->fd, 0, REFUSAL_MS);
        errno = pending_error(link->fd);
        return errno == 0 ? OK : ctx_fail(ctx, ERR_PROVIDER, "syslog: %m");
}
