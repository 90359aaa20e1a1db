/* The sockets requests come in by. */
#ifndef FCGI_LISTENER_H
#define FCGI_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LISTEN_BACKLOG 1024

/* Listen on a Unix socket ("/run/x.sock") or "HOST:PORT". A socket file that nobody listens on any
 * more is replaced. mode and group (NULL: unchanged) are those of the socket file. Returns the
 * descriptor, or -1 with the reason in message. */
int listener_open(const char *address, mode_t mode, const char *group, char *message,
                  size_t message_size);

/* Is this descriptor a listening socket, as spawn-fcgi, systemd and mod_fcgid hand one over? */
bool listener_is_socket(int fd);

/* Send a listening socket an empty FastCGI request, so that one thread that waits on it looks up.
 * Hardly waits. False: its address is gone. */
bool listener_poke(int fd);

#endif
