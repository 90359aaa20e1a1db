#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cloud/http/http_client.h"
#include "tests/fixture_db.h"

#define HEAD_MAX 4096
#define HUGE_LEN (HTTP_ANSWER_MAX + 1)

/* A server on 127.0.0.1 that answers every connection alike: as host, or as proxy. */
struct server {
        int listener;
        unsigned port;
        const char *answer; /* NULL: one that is too large */
        atomic_uint connections;
        char head[HEAD_MAX]; /* of the last request */
        pthread_t thread;
};

static void read_head(int fd, char head[HEAD_MAX])
{
        size_t len = 0;

        while (len < HEAD_MAX - 1) {
                ssize_t n = recv(fd, head + len, HEAD_MAX - 1 - len, 0);

                if (n <= 0)
                        break;
                len += (size_t)n;
                head[len] = '\0';
                if (strstr(head, "\r\n\r\n"))
                        break;
        }
}

static void send_text(int fd, const char *text)
{
        size_t len = strlen(text);

        while (len > 0) {
                ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

                if (n <= 0)
                        return;
                text += n;
                len -= (size_t)n;
        }
}

static void send_huge(int fd)
{
        static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        static char chunk[64 * KiB];

        send_text(fd, head);
        memset(chunk, 'x', sizeof(chunk));
        for (size_t sent = 0; sent < HUGE_LEN; sent += sizeof(chunk)) {
                if (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) <= 0)
                        return;
        }
}

static void *serve(void *arg)
{
        struct server *server = arg;

        for (;;) {
                int fd = accept(server->listener, NULL, NULL);

                if (fd < 0)
                        return NULL;
                atomic_fetch_add(&server->connections, 1);
                read_head(fd, server->head);
                if (server->answer)
                        send_text(fd, server->answer);
                else
                        send_huge(fd);
                close(fd);
        }
}

/* A port of this machine that is ours as long as *ret_fd is open, and where nobody listens yet. */
static unsigned bind_port(int *ret_fd)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);

        *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(*ret_fd >= 0);
        assert_int_equal(bind(*ret_fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&address, &len), 0);
        return ntohs(address.sin_port);
}

static void server_start(struct server *server)
{
        server->port = bind_port(&server->listener);
        assert_int_equal(listen(server->listener, 16), 0);
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
        if (server->listener < 0)
                return;
        shutdown(server->listener, SHUT_RDWR);
        pthread_join(server->thread, NULL);
        close(server->listener);
        server->listener = -1;
}

#define SERVER(name, text)                                                                         \
        CLEANUP(server_stop) struct server name = { .listener = -1, .answer = (text) };            \
        server_start(&name)

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                            "Connection: close\r\n\r\nhello";

static const struct http_settings plain = { .ssl_verify = true, .timeout_s = 10 };

/* url may have one %u, for the port. */
static enum err get(struct ctx *ctx, const struct http_settings *settings, const char *url,
                    unsigned port, struct http_answer *ret)
{
        struct http_request request = { .method = "GET" };
        const char *mark = strstr(url, "%u");

        request.url =
                mark ? arena_printf(ctx->arena, "%.*s%u%s", (int)(mark - url), url, port, mark + 2)
                     : url;
        return http_perform(ctx, settings, &request, ret);
}

static void an_answer_has_its_status_and_body(void **state)
{
        struct http_answer answer = { 0 };
        struct ctx *ctx = *state;
        SERVER(server, hello);

        assert_ok(ctx, get(ctx, &plain, "http://127.0.0.1:%u/a", server.port, &answer));
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, "hello");
        assert_false(answer.permanent);
        assert_non_null(strstr(server.head, "GET /a HTTP/1.1\r\n"));
        assert_non_null(strstr(server.head, "X-Correlation-ID: abc123def456\r\n"));
}

static void a_redirect_is_an_answer_like_any_other(void **state)
{
        struct http_answer answer = { 0 };
        struct ctx *ctx = *state;
        SERVER(server, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n");

        assert_ok(ctx, get(ctx, &plain, "http://127.0.0.1:%u/", server.port, &answer));
        assert_int_equal(answer.status, 302);
        assert_int_equal(server.connections, 1);
}

static void an_answer_that_is_too_large_is_cut_off(void **state)
{
        struct http_answer answer = { 0 };
        struct ctx *ctx = *state;
        SERVER(server, NULL);

        assert_rc(ctx, ERR_OUTCOME_UNKNOWN,
                  get(ctx, &plain, "http://127.0.0.1:%u/", server.port, &answer));
        assert_string_equal(ctx->detail, "the answer is larger than 8 MiB");
        assert_true(answer.permanent);
}

static void only_http_and_https_are_spoken(void **state)
{
        static const char *const urls[] = {
                "file:///etc/passwd",
                "ftp://127.0.0.1/",
                "gopher://127.0.0.1:70/",
                "dict://x/",
                "127.0.0.1",
                "",
                "http://",
                "http://a b/",
        };

        for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
                struct http_answer answer = { 0 };

                assert_rc(*state, ERR_PROVIDER, get(*state, &plain, urls[i], 0, &answer));
                assert_true(answer.permanent);
        }
}

/* Every spelling of an address that the world must not reach. */
static const char *const inner_urls[] = {
        "http://127.0.0.1:%u/",
        "http://127.1:%u/",
        "http://2130706433:%u/",
        "http://0x7f000001:%u/",
        "http://0x7f.0.0.1:%u/",
        "http://0177.0.0.1:%u/",
        "http://0.0.0.0:%u/",
        "http://localhost:%u/",
        "http://LOCALHOST:%u/",
        "http://[::1]:%u/",
        "http://[::]:%u/",
        "http://[::ffff:127.0.0.1]:%u/",
        "http://[::ffff:7f00:1]:%u/",
        "http://user:password@127.0.0.1:%u/",
        "http://10.0.0.1:%u/",
        "http://192.168.0.1:%u/",
        "http://172.16.0.1:%u/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "https://127.0.0.1:%u/",
};

static void only_public_addresses_are_reached_when_so_set(void **state)
{
        struct http_settings guarded = plain;
        SERVER(server, hello);

        guarded.public_only = true;
        for (size_t i = 0; i < ARRAY_SIZE(inner_urls); i++) {
                struct http_answer answer = { 0 };
                enum err rc = get(*state, &guarded, inner_urls[i], server.port, &answer);

                if (rc != ERR_DENIED)
                        print_error("%s\n", inner_urls[i]);
                assert_rc(*state, ERR_DENIED, rc);
                assert_true(answer.permanent);
        }
        assert_int_equal(server.connections, 0);
}

static void a_proxy_is_not_asked_for_what_is_not_public(void **state)
{
        struct http_settings guarded = plain;
        struct ctx *ctx = *state;
        SERVER(proxy, hello);

        guarded.public_only = true;
        guarded.proxy = arena_printf(ctx->arena, "http://127.0.0.1:%u", proxy.port);
        for (size_t i = 0; i < ARRAY_SIZE(inner_urls); i++) {
                struct http_answer answer = { 0 };

                assert_rc(ctx, ERR_DENIED, get(ctx, &guarded, inner_urls[i], 80, &answer));
        }
        assert_int_equal(proxy.connections, 0);
}

static void a_proxy_is_asked_for_the_address_that_was_checked(void **state)
{
        struct http_answer answer = { 0 };
        struct http_settings guarded = plain;
        struct ctx *ctx = *state;
        SERVER(proxy, "HTTP/1.1 403 Not Today\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

        guarded.public_only = true;
        guarded.proxy = arena_printf(ctx->arena, "http://127.0.0.1:%u", proxy.port);
        assert_rc(ctx, ERR_PROVIDER, get(ctx, &guarded, "http://0x08080808/", 0, &answer));
        assert_non_null(strstr(proxy.head, "CONNECT 8.8.8.8:80 HTTP/1.1\r\n"));
}

static void a_refusal_of_a_proxy_names_it_and_no_password(void **state)
{
        struct http_answer answer = { 0 };
        struct http_settings proxied = plain;
        struct ctx *ctx = *state;
        char text[128];
        SERVER(proxy, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n"
                      "Proxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n");

        proxied.proxy = arena_printf(ctx->arena, "http://me:s3cr3t%%40@127.0.0.1:%u", proxy.port);
        snprintf(text, sizeof(text),
                 "proxy 127.0.0.1:%u refused CONNECT: 407 Proxy Authentication Required",
                 proxy.port);
        assert_rc(ctx, ERR_PROVIDER, get(ctx, &proxied, "https://host.example/", 0, &answer));
        assert_string_equal(ctx->detail, text);
        assert_true(answer.permanent);
        assert_non_null(strstr(proxy.head, "Basic bWU6czNjcjN0QA==\r\n")); /* me:s3cr3t@ */
        assert_rc(ctx, ERR_PROVIDER, get(ctx, &proxied, "http://host.example/", 0, &answer));
        assert_non_null(strstr(ctx->detail, "refused the request: 407"));
        assert_null(strstr(ctx->detail, "s3cr3t"));
}

static void a_proxy_that_cannot_connect_may_do_so_later(void **state)
{
        struct http_answer answer = { 0 };
        struct http_settings proxied = plain;
        struct ctx *ctx = *state;
        SERVER(proxy, "HTTP/1.0 503 Service Unavailable\r\n\r\n");

        proxied.proxy = arena_printf(ctx->arena, "127.0.0.1:%u", proxy.port);
        assert_rc(ctx, ERR_PROVIDER, get(ctx, &proxied, "https://host.example/", 0, &answer));
        assert_non_null(strstr(ctx->detail, "refused CONNECT: 503 Service Unavailable"));
        assert_false(answer.permanent);
}

static void who_hangs_up_may_have_heard_the_request_but_a_proxy_passes_none_on(void **state)
{
        struct http_answer answer = { 0 };
        struct http_settings proxied = plain;
        struct ctx *ctx = *state;
        SERVER(server, "");

        assert_rc(ctx, ERR_OUTCOME_UNKNOWN,
                  get(ctx, &plain, "http://127.0.0.1:%u/", server.port, &answer));
        assert_false(answer.permanent);
        proxied.proxy = arena_printf(ctx->arena, "http://127.0.0.1:%u", server.port);
        assert_rc(ctx, ERR_PROVIDER, get(ctx, &proxied, "https://host.example/", 0, &answer));
        assert_false(answer.permanent);
}

static void what_no_proxy_names_goes_straight(void **state)
{
        struct http_answer answer = { 0 };
        struct http_settings proxied = plain;
        struct ctx *ctx = *state;
        SERVER(server, hello);
        SERVER(proxy, hello);

        proxied.proxy = arena_printf(ctx->arena, "http://127.0.0.1:%u", proxy.port);
        proxied.no_proxy = "example.com, 127.0.0.0/8";
        assert_ok(ctx, get(ctx, &proxied, "http://127.0.0.1:%u/", server.port, &answer));
        assert_int_equal(server.connections, 1);
        assert_int_equal(proxy.connections, 0);
        proxied.no_proxy = "example.com";
        assert_ok(ctx, get(ctx, &proxied, "http://127.0.0.1:%u/", server.port, &answer));
        assert_int_equal(server.connections, 1);
        assert_int_equal(proxy.connections, 1);
}

static void a_proxy_of_no_known_kind_is_not_bypassed(void **state)
{
        static const char *const proxies[] = { "ftp://127.0.0.1:1", "http://", "http://a b:1" };
        struct http_settings proxied = plain;
        struct ctx *ctx = *state;
        SERVER(server, hello);

        for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
                struct http_answer answer = { 0 };

                proxied.proxy = proxies[i];
                assert_rc(ctx, ERR_PROVIDER,
                          get(ctx, &proxied, "http://127.0.0.1:%u/", server.port, &answer));
                assert_true(answer.permanent);
        }
        assert_int_equal(server.connections, 0);
}

static void a_dead_proxy_is_named(void **state)
{
        struct http_answer answer = { 0 };
        struct http_settings proxied = plain;
        struct ctx *ctx = *state;
        CLEANUP(close_fdp) int gone = -1;
        unsigned port = bind_port(&gone);

        proxied.proxy = arena_printf(ctx->arena, "socks5://me:s3cr3t@127.0.0.1:%u", port);
        assert_rc(ctx, ERR_PROVIDER, get(ctx, &proxied, "https://127.0.0.1/", 0, &answer));
        assert_non_null(
                strstr(ctx->detail, arena_printf(ctx->arena, "proxy 127.0.0.1:%u: ", port)));
        assert_null(strstr(ctx->detail, "s3cr3t"));
        assert_false(answer.permanent);
}

static enum err refuse_the_second(struct ctx *ctx, struct http_call *call)
{
        return *(char *)call->arg == 'b' ? ctx_fail(ctx, ERR_NOT_READY, "not this one") : OK;
}

static void mark_done(struct ctx *ctx, struct http_call *call)
{
        (void)ctx;
        *(char *)call->arg = call->rc == OK ? '+' : '-';
}

static void of_many_calls_those_that_cannot_begin_end_alone(void **state)
{
        struct ctx *ctx = *state;
        char marks[] = "abcd";
        struct http_call each[4];
        struct http_calls calls = { each, ARRAY_SIZE(each), 2, refuse_the_second, mark_done };
        SERVER(server, hello);

        for (size_t i = 0; i < ARRAY_SIZE(each); i++)
                each[i] = (struct http_call){
                        .arg = &marks[i],
                        .request = { .method = "GET",
                                     .url = i == 2 ? "nonsense://x"
                                                   : arena_printf(ctx->arena, "http://127.0.0.1:%u",
                                                                  server.port) },
                };
        assert_ok(ctx, http_perform_all(ctx, &plain, &calls));
        assert_string_equal(marks, "+--+");
        assert_int_equal(each[1].rc, ERR_NOT_READY);
        assert_string_equal(each[1].detail, "not this one");
        assert_int_equal(each[2].rc, ERR_PROVIDER);
        assert_int_equal(server.connections, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_EMPTY_CLOUD_TEST(an_answer_has_its_status_and_body),
                FIXTURE_EMPTY_CLOUD_TEST(a_redirect_is_an_answer_like_any_other),
                FIXTURE_EMPTY_CLOUD_TEST(an_answer_that_is_too_large_is_cut_off),
                FIXTURE_EMPTY_CLOUD_TEST(only_http_and_https_are_spoken),
                FIXTURE_EMPTY_CLOUD_TEST(only_public_addresses_are_reached_when_so_set),
                FIXTURE_EMPTY_CLOUD_TEST(a_proxy_is_not_asked_for_what_is_not_public),
                FIXTURE_EMPTY_CLOUD_TEST(a_proxy_is_asked_for_the_address_that_was_checked),
                FIXTURE_EMPTY_CLOUD_TEST(a_refusal_of_a_proxy_names_it_and_no_password),
                FIXTURE_EMPTY_CLOUD_TEST(a_proxy_that_cannot_connect_may_do_so_later),
                FIXTURE_EMPTY_CLOUD_TEST(
                        who_hangs_up_may_have_heard_the_request_but_a_proxy_passes_none_on),
                FIXTURE_EMPTY_CLOUD_TEST(what_no_proxy_names_goes_straight),
                FIXTURE_EMPTY_CLOUD_TEST(a_proxy_of_no_known_kind_is_not_bypassed),
                FIXTURE_EMPTY_CLOUD_TEST(a_dead_proxy_is_named),
                FIXTURE_EMPTY_CLOUD_TEST(of_many_calls_those_that_cannot_begin_end_alone),
        };

        return cmocka_run_group_tests_name("http client", tests, NULL, NULL);
}
