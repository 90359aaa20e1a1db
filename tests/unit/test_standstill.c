#include "fcgi/standstill.h"
#include "tests/fixture.h"

#define START_US 1000

static void threads_that_wait_never_stand_still(void **state)
{
        struct standstill standstill = { 0 };

        (void)state;
        assert_false(standstill_look(&standstill, 1, 7, START_US));
        assert_false(standstill_look(&standstill, 1, 7, START_US + 10 * STANDSTILL_US));
}

static void busy_threads_that_move_nothing_stand_still_after_a_quarter_of_an_hour(void **state)
{
        struct standstill standstill = { 0 };

        (void)state;
        assert_false(standstill_look(&standstill, 0, 7, START_US));
        assert_false(standstill_look(&standstill, 0, 7, START_US + STANDSTILL_US - 1));
        assert_true(standstill_look(&standstill, 0, 7, START_US + STANDSTILL_US));
}

static void one_byte_is_a_sign_of_life(void **state)
{
        struct standstill standstill = { 0 };

        (void)state;
        assert_false(standstill_look(&standstill, 0, 7, START_US));
        assert_false(standstill_look(&standstill, 0, 8, START_US + STANDSTILL_US));
        assert_false(standstill_look(&standstill, 0, 8, START_US + 2 * STANDSTILL_US - 1));
        assert_true(standstill_look(&standstill, 0, 8, START_US + 2 * STANDSTILL_US));
}

static void who_has_just_begun_to_look_sees_no_standstill(void **state)
{
        struct standstill standstill = { 0 };

        (void)state;
        assert_false(standstill_look(&standstill, 0, 0, 5 * STANDSTILL_US));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(threads_that_wait_never_stand_still),
                cmocka_unit_test(
                        busy_threads_that_move_nothing_stand_still_after_a_quarter_of_an_hour),
                cmocka_unit_test(one_byte_is_a_sign_of_life),
                cmocka_unit_test(who_has_just_begun_to_look_sees_no_standstill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
