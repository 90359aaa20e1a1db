#include "tests/fixture_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/listener.h"

enum record_type { BEGIN_REQUEST = 1, PARAMS = 4, STDIN = 5 };

static void add_record(struct buf *out, enum record_type type, const void *bytes, size_t len)
{
        const unsigned char header[8] = {
                1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0
        };

        assert_true(buf_add(out, header, sizeof(header)));
        assert_true(buf_add(out, bytes, len));
}

static void add_length(struct buf *out, size_t len)
{
        const unsigned char bytes[4] = { (unsigned char)(0x80 | len >> 24),
                                         (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                         (unsigned char)len };

        assert_true(buf_add(out, bytes, sizeof(bytes)));
}

static void add_params(struct buf *out, const char *const *variables)
{
        for (; *variables; variables++) {
                const char *equals = strchr(*variables, '=');
                struct buf pair;

                buf_init(&pair, 32 * KiB);
                add_length(&pair, (size_t)(equals - *variables));
                add_length(&pair, strlen(equals + 1));
                assert_true(buf_add(&pair, *variables, (size_t)(equals - *variables)));
                assert_true(buf_puts(&pair, equals + 1));
                add_record(out, PARAMS, pair.data, pair.len);
                buf_done(&pair);
        }
        add_record(out, PARAMS, "", 0);
}

static void connect_and_send(struct arrival *arrival, const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        arrival->client_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(
                connect(arrival->client_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(write(arrival->client_fd, arrival->records.data, arrival->records.len),
                         arrival->records.len);
}

static void free_arrival(void *p)
{
        struct arrival *arrival = p;

        close(arrival->client_fd);
        if (arrival->transport)
                transport_finish(arrival->transport);
        transport_free(arrival->transport);
        buf_done(&arrival->records);
        close(arrival->listen_fd);
        close(arrival->wake_fd);
        free(arrival);
}

struct arrival *fixture_arrive(struct ctx *ctx, const char *const *variables, const char *body)
{
        static const unsigned char begin[8] = { 0, 1 /* responder */ };
        struct arrival *arrival = calloc(1, sizeof(*arrival));
        static unsigned count;
        const char *path = fixture_path(ctx, arena_printf(ctx->arena, "sock%u", count++)), *bad;
        char message[256] = "";

        assert_non_null(arrival);
        assert_true(arena_own(ctx->arena, arrival, free_arrival));
        arrival->config.trusted_proxy_count =
                (size_t)ipnet_parse_list("127.0.0.1 ::1", arrival->config.trusted_proxies, 2, &bad);
        ctx->config = &arrival->config;
        arrival->listen_fd = listener_open(path, 0600, NULL, message, sizeof(message));
        assert_string_equal(message, "");
        arrival->wake_fd = eventfd(0, EFD_CLOEXEC);
        buf_init(&arrival->records, MiB);
        add_record(&arrival->records, BEGIN_REQUEST, begin, sizeof(begin));
        add_params(&arrival->records, variables);
        if (body && *body)
                add_record(&arrival->records, STDIN, body, strlen(body));
        if (body)
                add_record(&arrival->records, STDIN, "", 0);
        connect_and_send(arrival, path);
        if (!body)
                assert_int_equal(shutdown(arrival->client_fd, SHUT_WR), 0);
        assert_true(transport_start());
        arrival->transport =
                transport_new(arrival->listen_fd, arrival->wake_fd, &arrival->stopping);
        assert_non_null(arrival->transport);
        assert_true(transport_accept(arrival->transport));
        return arrival;
}

const struct request *fixture_request(struct ctx *ctx, const char *const *variables,
                                      const char *body)
{
        struct arrival *arrival = fixture_arrive(ctx, variables, body);

        if (request_read_head(ctx, arrival->transport, &arrival->request) != OK)
                fail_msg("%s", ctx->detail);
        return &arrival->request;
}
