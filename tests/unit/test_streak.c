#include "core/base/streak.h"
#include "tests/fixture.h"

#define S(seconds) ((seconds)*US_PER_S)

static void what_works_says_nothing(void **state)
{
        struct streak streak = { 0 };

        (void)state;
        for (int i = 0; i < 100; i++)
                assert_int_equal(streak_note(&streak, false, S(i)), STREAK_SILENT);
}

/* A failure each second for five minutes: at 0, 60, 120, 180 and 240 seconds. */
static void hours_of_the_same_failure_are_a_line_a_minute(void **state)
{
        struct streak streak = { 0 };
        unsigned begins = 0, goes_on = 0;

        (void)state;
        for (int i = 0; i < 300; i++) {
                enum streak_word word = streak_note(&streak, true, S(i));

                begins += word == STREAK_BEGINS;
                goes_on += word == STREAK_GOES_ON;
        }
        assert_int_equal(begins, 1);
        assert_int_equal(goes_on, 4);
        assert_int_equal(streak.count, 300);
}

static void the_end_is_told_once_and_a_new_failure_begins_anew(void **state)
{
        struct streak streak = { 0 };

        (void)state;
        assert_int_equal(streak_note(&streak, true, S(1)), STREAK_BEGINS);
        assert_int_equal(streak_note(&streak, true, S(2)), STREAK_SILENT);
        assert_int_equal(streak_note(&streak, false, S(3)), STREAK_ENDS);
        assert_int_equal(streak.count, 2);
        streak_reset(&streak);
        assert_int_equal(streak_note(&streak, false, S(4)), STREAK_SILENT);
        assert_int_equal(streak_note(&streak, true, S(5)), STREAK_BEGINS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_works_says_nothing),
                cmocka_unit_test(hours_of_the_same_failure_are_a_line_a_minute),
                cmocka_unit_test(the_end_is_told_once_and_a_new_failure_begins_anew),
        };

        return cmocka_run_group_tests_name("streak", tests, NULL, NULL);
}
