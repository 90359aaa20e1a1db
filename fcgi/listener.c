#include "fcgi/listener.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/scope.h"

typedef struct addrinfo address_list;
DEFINE_CLEANUP(address_list *, freeaddrinfo)

bool listener_is_socket(int fd)
{
        int listening = 0;
        socklen_t len = sizeof(listening);

        return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening;
}

static int fail(const char *address, const char *why, char *message, size_t message_size)
{
        snprintf(message, message_size, "%s: %s", address, why);
        return -1;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
        CLEANUP(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

static bool set_access(const char *path, mode_t mode, const char *group)
{
        const struct group *entry;

        if (group) {
                entry = getgrnam(group);
                if (!entry) {
                        errno = EINVAL;
                        return false;
                }
                if (chown(path, (uid_t)-1, entry->gr_gid) != 0)
                        return false;
        }
        return chmod(path, mode) == 0;
}

static int open_unix(const char *path, mode_t mode, const char *group, char *message,
                     size_t message_size)
{
        CLEANUP(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct stat st;
        mode_t old_mask;
        int bound;

        if (fd < 0)
                return fail(path, strerror(errno), message, message_size);
        if (strlen(path) >= sizeof(address.sun_path))
                return fail(path, "the path is too long for a socket", message, message_size);
        memcpy(address.sun_path, path, strlen(path) + 1);
        if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
                if (somebody_listens(&address))
                        return fail(path, "another process listens there", message, message_size);
                unlink(path);
        }
        old_mask = umask(0177);
        bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
        umask(old_mask);
        if (bound != 0 || !set_access(path, mode, group) || listen(fd, LISTEN_BACKLOG) != 0)
                return fail(path, strerror(errno), message, message_size);
        return TAKE_FD(fd);
}

static int open_tcp(const char *address, char *message, size_t message_size)
{
        const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
        CLEANUP(freeaddrinfop) address_list *found = NULL;
        CLEANUP(close_fdp) int fd = -1;
        const char *colon = strrchr(address, ':');
        char host[256];
        int code, on = 1;

        if (!colon || !colon[1] || colon == address || colon - address >= (int)sizeof(host))
                return fail(address, "must be /path/to.sock or HOST:PORT", message, message_size);
        if (*address == '[' && colon[-1] == ']') /* an IPv6 address, RFC 3986 3.2.2 */
                snprintf(host, sizeof(host), "%.*s", (int)(colon - address - 2), address + 1);
        else
                snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
        code = getaddrinfo(*host ? host : NULL, colon + 1, &hints, &found);
        if (code != 0)
                return fail(address, gai_strerror(code), message, message_size);
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
            bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
                return fail(address, strerror(errno), message, message_size);
        return TAKE_FD(fd);
}

int listener_open(const char *address, mode_t mode, const char *group, char *message,
                  size_t message_size)
{
        if (*address == '/')
                return open_unix(address, mode, group, message, message_size);
        return open_tcp(address, message, message_size);
}

bool listener_poke(int fd)
{
        /* FastCGI 1.0, 3.3: version, type, request id, length, padding. */
        static const unsigned char request[] = {
                1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, /* begin, as a responder */
                1, 4, 0, 1, 0, 0, 0, 0,                         /* no parameters */
                1, 5, 0, 1, 0, 0, 0, 0,                         /* no body */
        };
        struct sockaddr_storage address;
        socklen_t len = sizeof(address);
        const struct timeval patience = { .tv_usec = 100000 }; /* with a full backlog */
        CLEANUP(close_fdp) int poke = -1;

        if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
                return false;
        poke = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (poke < 0 || setsockopt(poke, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
                return false;
        if (connect(poke, (const struct sockaddr *)&address, len) != 0)
                return errno == EAGAIN || errno == EINPROGRESS;
        return send(poke, request, sizeof(request), MSG_NOSIGNAL) > 0;
}
