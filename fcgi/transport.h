/* FastCGI: the only user of fcgiapp.h. One transport per thread takes one request after another
 * from a listening socket. Protocol: FastCGI 1.0, fastcgi-archives.github.io. */
#ifndef FCGI_TRANSPORT_H
#define FCGI_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/scope.h"

struct transport;

/* Once per process, before any thread. False: libfcgi does not start. */
NODISCARD bool transport_start(void);

/* stopping turns true when the process is on its way out; then wake_fd becomes readable too, for
 * those that wait on a connection a front server keeps, and listener_poke reaches those that wait
 * for a new one. All are borrowed. NULL: out of memory. */
NODISCARD struct transport *transport_new(int listen_fd, int wake_fd, const atomic_bool *stopping);
void transport_free(struct transport *transport);
DEFINE_CLEANUP(struct transport *, transport_free)

/* Each piece that is read from or written to a client counts in *moves, which is borrowed. */
void transport_count_moves(struct transport *transport, atomic_ullong *moves);

/* Wait for the next request. False: no more, the process is on its way out. */
bool transport_accept(struct transport *transport);

/* A CGI variable of the request (RFC 3875 4.1), NULL when not there. Borrowed until finish. */
const char *transport_param(const struct transport *transport, const char *name);
/* The index-th variable as "NAME=value", NULL past the last. */
const char *transport_param_at(const struct transport *transport, size_t index);
/* How often a variable is there: a front server may pass a header twice. */
unsigned transport_param_count(const struct transport *transport, const char *name);

/* Up to size bytes of the body; 0 at its end, or where the connection broke. */
size_t transport_read(struct transport *transport, void *buffer, size_t size);
/* How many bytes of it were read so far. */
int64_t transport_bytes_read(const struct transport *transport);
/* After the end: false when the connection broke before it. */
bool transport_read_ended_well(const struct transport *transport);

/* False: the client is gone. */
bool transport_write(struct transport *transport, const void *bytes, size_t len);
/* What was written leaves now and not when more has come together. False: the client is gone. */
bool transport_flush(struct transport *transport);
/* False: the front server has closed the connection, because the client is gone. */
bool transport_is_open(const struct transport *transport);

/* End the request. What is left of its body is read to the end, for a front server that keeps the
 * connection takes the rest for the next request; a large rest closes the connection instead. */
void transport_finish(struct transport *transport);

#endif
