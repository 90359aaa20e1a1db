#include "fcgi/transport.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_MAX (64 * MiB)
#define RETRY_MS  10

struct transport {
        FCGX_Request request;
        int wake_fd;
        const atomic_bool *stopping;
        atomic_ullong *moves; /* NULL: nobody counts */
        bool accepted;        /* a request is open */
        int64_t bytes_read;   /* of its body */
};

bool transport_start(void)
{
        return FCGX_Init() == 0;
}

struct transport *transport_new(int listen_fd, int wake_fd, const atomic_bool *stopping)
{
        CLEANUP(transport_freep) struct transport *transport = calloc(1, sizeof(*transport));

        if (!transport)
                return NULL;
        transport->wake_fd = wake_fd;
        transport->stopping = stopping;
        if (FCGX_InitRequest(&transport->request, listen_fd, 0) != 0)
                return NULL;
        return TAKE(transport);
}

void transport_free(struct transport *transport)
{
        if (!transport)
                return;
        FCGX_Free(&transport->request, 1);
        free(transport);
}

void transport_count_moves(struct transport *transport, atomic_ullong *moves)
{
        transport->moves = moves;
}

static void count_move(const struct transport *transport)
{
        if (transport->moves)
                atomic_fetch_add_explicit(transport->moves, 1, memory_order_relaxed);
}

/* A kept connection is waited for here, because libfcgi would wait for it past the end. */
static void wait_for_kept_connection(const struct transport *transport)
{
        struct pollfd fds[] = {
                { .fd = transport->request.ipcFd, .events = POLLIN },
                { .fd = transport->wake_fd, .events = POLLIN },
        };

        while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
                ;
}

/* libfcgi's own way to stop (FCGX_ShutdownPending) closes descriptors twice where a connection is
 * idle, so it is not used: a poke is an empty request, which ends the wait in the accept. */
bool transport_accept(struct transport *transport)
{
        FCGX_Request *request = &transport->request;

        while (!atomic_load_explicit(transport->stopping, memory_order_relaxed)) {
                if (request->ipcFd >= 0) {
                        wait_for_kept_connection(transport);
                        if (atomic_load(transport->stopping))
                                break;
                }
                if (FCGX_Accept_r(request) != 0) {
                        poll(NULL, 0, RETRY_MS); /* a want of descriptors that a moment may cure */
                        continue;
                }
                transport->accepted = true;
                transport->bytes_read = 0;
                if (request->envp[0]) /* a front server always says something */
                        return true;
                transport_finish(transport);
        }
        return false;
}

const char *transport_param(const struct transport *transport, const char *name)
{
        size_t len = strlen(name);

        /* As FCGX_GetParam, but most entries are passed over at one or two bytes. */
        for (char **entry = transport->request.envp; *entry; entry++) {
                if (**entry == *name && strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
                        return *entry + len + 1;
        }
        return NULL;
}

const char *transport_param_at(const struct transport *transport, size_t index)
{
        char **entry = transport->request.envp;

        while (*entry && index > 0) {
                entry++;
                index--;
        }
        return *entry;
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

        if (n <= 0)
                return 0;
        count_move(transport);
        transport->bytes_read += n;
        return (size_t)n;
}

int64_t transport_bytes_read(const struct transport *transport)
{
        return transport->bytes_read;
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
                count_move(transport);
                at += piece;
                len -= (size_t)piece;
        }
        return true;
}

bool transport_flush(struct transport *transport)
{
        if (FCGX_FFlush(transport->request.out) != 0)
                return false;
        count_move(transport);
        return true;
}

bool transport_is_open(const struct transport *transport)
{
        struct pollfd fd = { .fd = transport->request.ipcFd, .events = POLLRDHUP };

        return poll(&fd, 1, 0) <= 0 || !(fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
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

static bool has_body(const struct transport *transport)
{
        const char *length = transport_param(transport, "CONTENT_LENGTH");

        return (length && *length && strcmp(length, "0") != 0) ||
               transport_param(transport, "HTTP_TRANSFER_ENCODING");
}

void transport_finish(struct transport *transport)
{
        if (!transport->accepted)
                return;
        transport->accepted = false;
        if (has_body(
                    transport)) /* whose rest may take long to come; else all leaves in one piece */
                FCGX_FFlush(transport->request.out);
        drain(transport);
        FCGX_Finish_r(&transport->request);
}
