#include "fcgi/transport.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DRAIN_MAX (64 * MiB)

struct transport {
        FCGX_Request request;
        int epoll_fd; /* the listening socket, woken one thread at a time, and wake_fd */
        int wake_fd;
        bool accepted; /* a request is open */
};

bool transport_start(void)
{
        return FCGX_Init() == 0;
}

/* EPOLLEXCLUSIVE wakes one of the waiting threads per connection, not all of them. */
static bool watch(int epoll_fd, int fd, unsigned events)
{
        struct epoll_event event = { .events = events, .data.fd = fd };

        return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

struct transport *transport_new(int listen_fd, int wake_fd)
{
        CLEANUP(transport_freep) struct transport *transport = calloc(1, sizeof(*transport));

        if (!transport)
                return NULL;
        transport->wake_fd = wake_fd;
        transport->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        /* Not blocking: another thread or process may take the connection we were woken for. */
        if (transport->epoll_fd < 0 ||
            fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK) != 0 ||
            !watch(transport->epoll_fd, listen_fd, EPOLLIN | EPOLLEXCLUSIVE) ||
            !watch(transport->epoll_fd, wake_fd, EPOLLIN) ||
            FCGX_InitRequest(&transport->request, listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
                return NULL;
        return TAKE(transport);
}

void transport_free(struct transport *transport)
{
        if (!transport)
                return;
        FCGX_Free(&transport->request, 1);
        close(transport->epoll_fd);
        free(transport);
}

/* A kept connection is waited for by itself: libfcgi reads its next request, and accepts nothing.
 */
static bool wait_for_work(struct transport *transport)
{
        struct epoll_event event;
        struct pollfd fds[] = {
                { .fd = transport->request.ipcFd, .events = POLLIN },
                { .fd = transport->wake_fd, .events = POLLIN },
        };

        for (;;) {
                if (transport->request.ipcFd >= 0) {
                        if (poll(fds, 2, -1) > 0)
                                return !fds[1].revents;
                } else if (epoll_wait(transport->epoll_fd, &event, 1, -1) > 0) {
                        return event.data.fd != transport->wake_fd;
                }
                if (errno != EINTR)
                        return false;
        }
}

bool transport_accept(struct transport *transport)
{
        while (wait_for_work(transport)) {
                if (FCGX_Accept_r(&transport->request) == 0) {
                        transport->accepted = true;
                        return true;
                }
        }
        return false;
}

const char *transport_param(const struct transport *transport, const char *name)
{
        return FCGX_GetParam(name, transport->request.envp);
}

unsigned transport_param_count(const struct transport *transport, const char *name)
{
        size_t len = strlen(name);
        unsigned count = 0;

        for (char **entry = transport->request.envp; *entry; entry++)
                count += strncmp(*entry, name, len) == 0 && (*entry)[len] == '=';
        return count;
}

size_t transport_read(struct transport *transport, void *buffer, size_t size)
{
        int n = FCGX_GetStr(buffer, (int)size, transport->request.in);

        return n > 0 ? (size_t)n : 0;
}

bool transport_read_ended_well(const struct transport *transport)
{
        return FCGX_GetError(transport->request.in) == 0;
}

bool transport_write(struct transport *transport, const void *bytes, size_t len)
{
        const char *at = bytes;

        while (len > 0) {
                int piece = len > MiB ? (int)MiB : (int)len;

                if (FCGX_PutStr(at, piece, transport->request.out) != piece)
                        return false;
                at += piece;
                len -= (size_t)piece;
        }
        return true;
}

static void drain(struct transport *transport)
{
        char buffer[16 * KiB];
        size_t total = 0, n;

        while ((n = transport_read(transport, buffer, sizeof(buffer))) > 0) {
                total += n;
                if (total > DRAIN_MAX) {
                        transport->request.keepConnection = 0;
                        return;
                }
        }
}

void transport_finish(struct transport *transport)
{
        if (!transport->accepted)
                return;
        transport->accepted = false;
        FCGX_FFlush(transport->request.out);
        drain(transport);
        FCGX_Finish_r(&transport->request);
}
