#include <string.h>

#include "core/base/buf.h"
#include "tests/fixture.h"

static void an_empty_buffer_is_the_empty_string(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, 10);
        assert_string_equal(buf_str(&buf), "");
        assert_true(buf_ok(&buf));
        buf_done(&buf);
        buf_done(&buf);
}

static void appends_follow_each_other(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, 100);
        assert_true(buf_puts(&buf, "a"));
        assert_true(buf_putc(&buf, 'b'));
        assert_true(buf_add(&buf, "cd", 2));
        assert_true(buf_printf(&buf, "%d%s", 12, "ef"));
        assert_string_equal(buf_str(&buf), "abcd12ef");
        assert_int_equal(buf.len, 8);
        buf_done(&buf);
}

static void the_maximum_may_be_reached_but_not_passed(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, 4);
        assert_true(buf_puts(&buf, "abcd"));
        assert_false(buf_putc(&buf, 'e'));
        assert_string_equal(buf_str(&buf), "abcd");
        assert_false(buf_ok(&buf));
        buf_done(&buf);
}

static void a_refusal_is_remembered_until_reset(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, 4);
        assert_false(buf_puts(&buf, "abcde"));
        assert_false(buf_putc(&buf, 'a'));
        assert_false(buf_printf(&buf, "%d", 1));
        buf_reset(&buf);
        assert_true(buf_printf(&buf, "%s", "wxyz"));
        assert_string_equal(buf_str(&buf), "wxyz");
        buf_done(&buf);
}

static void it_grows_far_past_its_first_block(void **state)
{
        struct buf buf;

        (void)state;
        buf_init(&buf, MiB);
        for (int i = 0; i < 100000; i++)
                assert_true(buf_puts(&buf, "0123456789"));
        assert_int_equal(buf.len, 1000000);
        assert_int_equal(strlen(buf_str(&buf)), 1000000);
        buf_done(&buf);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_buffer_is_the_empty_string),
                cmocka_unit_test(appends_follow_each_other),
                cmocka_unit_test(the_maximum_may_be_reached_but_not_passed),
                cmocka_unit_test(a_refusal_is_remembered_until_reset),
                cmocka_unit_test(it_grows_far_past_its_first_block),
        };

        return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
