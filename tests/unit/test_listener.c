#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/listener.h"
#include "tests/fixture.h"

static char message[256];

static int open_or_fail(const char *address, mode_t mode)
{
        int fd = listener_open(address, mode, NULL, message, sizeof(message));

        if (fd < 0)
                fail_msg("%s", message);
        return fd;
}

/* The address is refused, and the message begins with it. */
static void assert_refused(const char *address, const char *group)
{
        message[0] = '\0';
        assert_int_equal(listener_open(address, 0660, group, message, sizeof(message)), -1);
        assert_int_equal(strncmp(message, address, strlen(address)), 0);
}

static bool can_connect(const char *path)
{
        CLEANUP(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static mode_t mode_of(const char *path)
{
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static void a_unix_socket_listens_with_the_mode_that_was_asked_for(void **state)
{
        static const mode_t modes[] = { 0660, 0600, 0666 };
        const char *path = fixture_path(*state, "sock");

        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                CLEANUP(close_fdp) int fd = open_or_fail(path, modes[i]);

                assert_true(listener_is_socket(fd));
                assert_true(can_connect(path));
                assert_int_equal(mode_of(path), modes[i]);
        }
}

static void the_mask_of_the_process_is_left_as_it_was(void **state)
{
        mode_t old = umask(027);
        CLEANUP(close_fdp) int fd = open_or_fail(fixture_path(*state, "sock"), 0660);

        assert_true(fd >= 0);
        assert_int_equal(umask(old), 027);
}

static void a_socket_that_nobody_listens_on_is_replaced(void **state)
{
        const char *path = fixture_path(*state, "sock");
        CLEANUP(close_fdp) int first = open_or_fail(path, 0660);
        CLEANUP(close_fdp) int second = -1;

        close_fdp(&first);
        assert_false(can_connect(path));
        second = open_or_fail(path, 0660);
        assert_true(can_connect(path));
}

static void a_socket_that_somebody_listens_on_is_left_alone(void **state)
{
        const char *path = fixture_path(*state, "sock");
        CLEANUP(close_fdp) int fd = open_or_fail(path, 0660);

        assert_refused(path, NULL);
        assert_true(listener_is_socket(fd));
        assert_true(can_connect(path));
}

static void a_file_that_is_no_socket_is_never_removed(void **state)
{
        struct ctx *ctx = *state;
        const char *file = fixture_write(ctx, "file", "precious");

        assert_refused(file, NULL);
        assert_string_equal(fixture_read(ctx, "file"), "precious");
        assert_refused(fixture_dir(ctx), NULL);
}

static void an_address_that_cannot_be_used_is_named(void **state)
{
        struct ctx *ctx = *state;
        char path[200];

        memset(path, 'a', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        assert_refused(path, NULL);
        assert_refused(fixture_path(ctx, "missing/sock"), NULL);
        assert_refused("relative.sock", NULL);
        assert_refused("", NULL);
        assert_refused("127.0.0.1:port", NULL);
        assert_refused("256.0.0.1:80", NULL);
        assert_refused(fixture_path(ctx, "sock"), "no-such-group-here");
}

static void a_port_is_not_left_out(void **state)
{
        (void)state;
        assert_refused("127.0.0.1", NULL);
        assert_refused("127.0.0.1:", NULL);
}

static unsigned port_of(int fd)
{
        struct sockaddr_storage address;
        socklen_t len = sizeof(address);

        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        return ntohs(address.ss_family == AF_INET6
                             ? ((const struct sockaddr_in6 *)&address)->sin6_port
                             : ((const struct sockaddr_in *)&address)->sin_port);
}

static void a_host_and_a_port_make_a_tcp_socket(void **state)
{
        CLEANUP(close_fdp) int fd = open_or_fail("127.0.0.1:0", 0660);
        char taken[32];

        (void)state;
        assert_true(listener_is_socket(fd));
        snprintf(taken, sizeof(taken), "127.0.0.1:%u", port_of(fd));
        assert_refused(taken, NULL);
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
        CLEANUP(close_fdp) int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in6 loopback = { .sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        CLEANUP(close_fdp) int fd = -1;

        (void)state;
        if (bind(probe, (const struct sockaddr *)&loopback, sizeof(loopback)) != 0)
                skip(); /* a machine without IPv6 */
        fd = open_or_fail("[::1]:0", 0660);
        assert_true(port_of(fd) > 0);
}

static void what_does_not_listen_is_no_listening_socket(void **state)
{
        CLEANUP(close_fdp) int plain = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        assert_false(listener_is_socket(plain));
        assert_false(listener_is_socket(STDOUT_FILENO));
        assert_false(listener_is_socket(-1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_unix_socket_listens_with_the_mode_that_was_asked_for),
                FIXTURE_TEST(the_mask_of_the_process_is_left_as_it_was),
                FIXTURE_TEST(a_socket_that_nobody_listens_on_is_replaced),
                FIXTURE_TEST(a_socket_that_somebody_listens_on_is_left_alone),
                FIXTURE_TEST(a_file_that_is_no_socket_is_never_removed),
                FIXTURE_TEST(an_address_that_cannot_be_used_is_named),
                cmocka_unit_test(a_port_is_not_left_out),
                cmocka_unit_test(a_host_and_a_port_make_a_tcp_socket),
                cmocka_unit_test(an_ipv6_address_stands_in_brackets),
                cmocka_unit_test(what_does_not_listen_is_no_listening_socket),
        };

        return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
