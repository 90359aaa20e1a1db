#include <string.h>

#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/event/event_seats.h"
#include "tests/fixture.h"

#define SEATS      4
#define PER_CLIENT 2

static struct cloud cloud;

static int setup(void **state)
{
        struct ctx *ctx;

        if (fixture_setup(state) != 0)
                return -1;
        ctx = *state;
        cloud = (struct cloud){ .bells = bells_new() };
        ctx->cloud = &cloud;
        ctx->seats = event_seats_new(SEATS, PER_CLIENT);
        return cloud.bells && ctx->seats ? 0 : -1;
}

/* Seats are given back by the arena, so that goes first. */
static int teardown(void **state)
{
        struct ctx *ctx = *state;

        arena_reset(ctx->arena);
        event_seats_free(ctx->seats);
        bells_free(cloud.bells);
        return fixture_teardown(state);
}

static enum err take(struct ctx *ctx, const char *address)
{
        struct ipaddr client;

        assert_true(ipaddr_parse(address, strlen(address), &client));
        return event_seats_take(ctx, &client);
}

static void one_client_gets_only_its_share(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        assert_int_equal(take(ctx, "10.0.0.1"), ERR_LIMITED);
        assert_string_equal(ctx->detail,
                            "Too many concurrent connections. Please try again later.");
        assert_int_equal(take(ctx, "10.0.0.2"), OK);
}

static void all_clients_together_get_no_more_than_there_are(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < SEATS; i++)
                assert_int_equal(take(ctx, i % 2 ? "10.0.0.1" : "10.0.0.2"), OK);
        assert_int_equal(take(ctx, "10.0.0.3"), ERR_LIMITED);
}

static void a_seat_is_free_again_when_its_request_is_over(void **state)
{
        struct ctx *ctx = *state;
        struct ctx other = *ctx;

        other.arena = arena_new();
        assert_non_null(other.arena);
        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        assert_int_equal(take(&other, "10.0.0.1"), OK);
        assert_int_equal(take(ctx, "10.0.0.1"), ERR_LIMITED);
        arena_free(other.arena);
        assert_int_equal(take(ctx, "10.0.0.1"), OK);
}

static void an_ipv6_client_is_its_network(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(take(ctx, "2001:db8:0:1::1"), OK);
        assert_int_equal(take(ctx, "2001:db8:0:1:ffff::2"), OK);
        assert_int_equal(take(ctx, "2001:db8:0:1::3"), ERR_LIMITED);
        assert_int_equal(take(ctx, "2001:db8:0:2::1"), OK);
}

static void the_listeners_of_the_process_are_counted(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        assert_int_equal(take(ctx, "10.0.0.1"), ERR_LIMITED);
        assert_int_equal(atomic_load(&cloud.listeners), 2);
        arena_reset(ctx->arena);
        assert_int_equal(atomic_load(&cloud.listeners), 0);
}

static void a_listener_rings_for_the_hub(void **state)
{
        struct ctx *ctx = *state;
        unsigned seen = 0;

        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        bell_wait(cloud.bells, BELL_LISTENERS, &seen, 10 * 1000);
        assert_int_equal(seen, 1);
}

static void no_memory_takes_no_seat(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned failing = 1; failing <= 2; failing++) {
                arena_fail_after(ctx->arena, failing);
                assert_int_equal(take(ctx, "10.0.0.1"), ERR_NOMEM);
                arena_fail_after(ctx->arena, 0);
        }
        assert_int_equal(atomic_load(&cloud.listeners), 0);
        assert_int_equal(take(ctx, "10.0.0.1"), OK);
        assert_int_equal(take(ctx, "10.0.0.1"), OK);
}

static void without_seats_nobody_listens(void **state)
{
        struct ctx *ctx = *state;

        event_seats_free(ctx->seats);
        ctx->seats = event_seats_new(0, PER_CLIENT);
        assert_non_null(ctx->seats);
        assert_int_equal(take(ctx, "10.0.0.1"), ERR_LIMITED);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(one_client_gets_only_its_share),
                CASE(all_clients_together_get_no_more_than_there_are),
                CASE(a_seat_is_free_again_when_its_request_is_over),
                CASE(an_ipv6_client_is_its_network),
                CASE(the_listeners_of_the_process_are_counted),
                CASE(a_listener_rings_for_the_hub),
                CASE(no_memory_takes_no_seat),
                CASE(without_seats_nobody_listens),
        };

        return cmocka_run_group_tests_name("event seats", tests, NULL, NULL);
}
