/* A request that has really come in: a front server's FastCGI records, written to a socket that
 * the transport listens on. The kernel holds them until they are read, so one thread will do. */
#ifndef TESTS_FIXTURE_REQUEST_H
#define TESTS_FIXTURE_REQUEST_H

#include <stdatomic.h>

#include "core/base/buf.h"
#include "core/base/config.h"
#include "fcgi/request.h"
#include "tests/fixture.h"

struct arrival {
        int listen_fd, wake_fd, client_fd;
        atomic_bool stopping;
        struct transport *transport;
        struct buf records;
        struct config config;
        struct request request;
};

/* variables: "NAME=value" strings, ended by NULL. body NULL: the connection breaks off where the
 * body should come. Ends with ctx->arena. */
struct arrival *fixture_arrive(struct ctx *ctx, const char *const *variables, const char *body);

#define VARIABLES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The same, whose head is well. */
const struct request *fixture_request(struct ctx *ctx, const char *const *variables,
                                      const char *body);

#endif
