/* systemd, when it started this process: the sockets it holds for us, and what it is told. Whoever
 * was started by anybody else, or built without libsystemd, has no service manager: then there are
 * no such sockets, and what is said to it goes nowhere. Protocols: sd_listen_fds(3), sd_notify(3).
 */
#ifndef FCGI_SERVICE_MANAGER_H
#define FCGI_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/scope.h"

/* Descriptors of listening sockets; -1: none was handed over. */
struct service_sockets {
        int api, bulk;
};

/* The sockets named "api" and "bulk"; without these names (FileDescriptorName=) the first that
 * comes is the API's and the second the bulk socket. False: what came is not that, message says
 * why. */
NODISCARD bool service_manager_sockets(struct service_sockets *ret, char *message,
                                       size_t message_size);

/* Assignments as of sd_notify(3): "READY=1\nSTATUS=Serving". Never waits, never fails. */
void service_manager_tell(const char *assignments);

/* How often it wants to hear WATCHDOG=1 at least, in microseconds; 0: it does not. */
uint64_t service_manager_watchdog_us(void);

#endif
