#include "fcgi/sse.h"
#include "tests/fixture.h"

static int setup(void **state)
{
        static struct buf out;

        buf_init(&out, 4 * KiB);
        *state = &out;
        return 0;
}

static int teardown(void **state)
{
        buf_done(*state);
        return 0;
}

static void a_frame_has_an_id_a_name_and_a_line_of_data(void **state)
{
        struct sse_frame frame = { .id = 7, .event = "heartbeat", .data = "{\"a\":1}" };

        sse_add(*state, &frame);
        assert_string_equal(buf_str(*state), "id: 7\nevent: heartbeat\ndata: {\"a\":1}\n\n");
}

static void a_frame_may_leave_the_id_as_it_is(void **state)
{
        struct sse_frame frame = { .id = -1, .event = "e", .data = "d" };

        sse_add(*state, &frame);
        assert_string_equal(buf_str(*state), "event: e\ndata: d\n\n");
}

static void the_id_0_is_an_id(void **state)
{
        struct sse_frame frame = { .id = 0, .event = "e", .data = "d" };

        sse_add(*state, &frame);
        assert_string_equal(buf_str(*state), "id: 0\nevent: e\ndata: d\n\n");
}

static void no_line_break_in_the_data_ends_a_frame(void **state)
{
        struct sse_frame frame = { .id = 1, .event = "e", .data = "a\n\nid: 9\rb\r\nc\n" };

        sse_add(*state, &frame);
        assert_string_equal(buf_str(*state),
                            "id: 1\nevent: e\ndata: a\ndata: \ndata: id: 9\ndata: b\ndata: c\n"
                            "data: \n\n");
}

static void empty_data_is_data(void **state)
{
        struct sse_frame frame = { .id = 1, .event = "e", .data = "" };

        sse_add(*state, &frame);
        assert_string_equal(buf_str(*state), "id: 1\nevent: e\ndata: \n\n");
}

static void a_retry_and_a_comment_are_no_events(void **state)
{
        sse_add_retry(*state, 3000);
        sse_add_comment(*state, "the end");
        assert_string_equal(buf_str(*state), "retry: 3000\n\n: the end\n\n");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_frame_has_an_id_a_name_and_a_line_of_data),
                CASE(a_frame_may_leave_the_id_as_it_is),
                CASE(the_id_0_is_an_id),
                CASE(no_line_break_in_the_data_ends_a_frame),
                CASE(empty_data_is_data),
                CASE(a_retry_and_a_comment_are_no_events),
        };

        return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
