/* Connections that are kept from one call to the next, and a server that is fed up with them. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cloud/http/http_client.h"
#include "core/cloud/http/http_retry.h"
#include "tests/fixture_db.h"

#define KEPT 16
#define FDS  (KEPT + 32)

/* A server on 127.0.0.1. The first KEPT connections, all open at once, get one answer each; after
 * that whoever asks for something is hung up on. */
struct server {
        struct pollfd fds[FDS]; /* the first listens */
        unsigned count;
        unsigned port;
        atomic_uint refused; /* requests that got no answer */
        int stop;            /* a pipe's end: closed by server_stop */
        pthread_t thread;
};

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/* Accept one more, or hang up on one that asks. False: it is over. */
static bool serve_one(struct server *server)
{
        char head[4096];

        if (poll(server->fds, server->count, -1) <= 0 || server->fds[1].revents)
                return false;
        if (server->fds[0].revents && server->count < FDS)
                server->fds[server->count++] = (struct pollfd){
                        .fd = accept(server->fds[0].fd, NULL, NULL),
                        .events = POLLIN,
                };
        for (unsigned i = 2; i < server->count; i++) {
                if (!server->fds[i].revents)
                        continue;
                if (recv(server->fds[i].fd, head, sizeof(head), 0) > 0)
                        atomic_fetch_add(&server->refused, 1);
                close(server->fds[i].fd);
                server->fds[i] = (struct pollfd){ .fd = -1 };
        }
        return true;
}

static void *serve(void *arg)
{
        struct server *server = arg;
        char head[4096];

        while (server->count < 2 + KEPT) {
                server->fds[server->count++] = (struct pollfd){
                        .fd = accept(server->fds[0].fd, NULL, NULL),
                        .events = POLLIN,
                };
        }
        for (unsigned i = 2; i < server->count; i++) {
                if (recv(server->fds[i].fd, head, sizeof(head), 0) > 0)
                        send(server->fds[i].fd, hello, strlen(hello), MSG_NOSIGNAL);
        }
        while (serve_one(server))
                ;
        for (unsigned i = 2; i < server->count; i++) {
                if (server->fds[i].fd >= 0)
                        close(server->fds[i].fd);
        }
        return NULL;
}

static void server_start(struct server *server)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int ends[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        assert_int_equal(listen(fd, FDS), 0);
        assert_int_equal(pipe(ends), 0);
        server->port = ntohs(address.sin_port);
        server->fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
        server->fds[1] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
        server->stop = ends[1];
        server->count = 2;
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
        close(server->stop);
        pthread_join(server->thread, NULL);
        close(server->fds[0].fd);
        close(server->fds[1].fd);
}

static void ignore(struct ctx *ctx, struct http_call *call)
{
        assert_ok(ctx, call->rc);
}

static void after_a_broken_connection_none_that_is_kept_is_trusted(void **state)
{
        static const struct http_settings settings = { .ssl_verify = true, .timeout_s = 60 };
        CLEANUP(server_stop) struct server server = { 0 };
        struct ctx *ctx = *state;
        struct http_call each[KEPT];
        const struct http_calls calls = { each, KEPT, KEPT, NULL, ignore };
        struct http_request request = { .method = "GET" };
        struct http_answer answer;
        struct http_retry retry;
        unsigned first = 0;
        enum err rc;

        server_start(&server);
        request.url = arena_printf(ctx->arena, "http://127.0.0.1:%u/", server.port);
        for (size_t i = 0; i < KEPT; i++)
                each[i] = (struct http_call){ .request = request };
        assert_ok(ctx, http_perform_all(ctx, &settings, &calls));

        retry = http_retry_begin(ctx, settings.timeout_s);
        do {
                rc = http_perform(ctx, &settings, &request, &answer);
                assert_int_equal(rc, ERR_OUTCOME_UNKNOWN);
                if (first == 0)
                        first = atomic_load(&server.refused);
        } while (http_retry_wait(ctx, &retry, &request, rc, &answer));
        assert_int_equal(retry.attempts, HTTP_ATTEMPTS);
        assert_int_equal(atomic_load(&server.refused), first + HTTP_ATTEMPTS - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_EMPTY_CLOUD_TEST(after_a_broken_connection_none_that_is_kept_is_trusted),
        };

        return cmocka_run_group_tests_name("kept connections", tests, NULL, NULL);
}
