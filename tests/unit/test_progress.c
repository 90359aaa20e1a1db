#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/job/progress.h"
#include "tests/fixture.h"

static struct progress read_well(const char *logs)
{
        struct progress progress;

        assert_true(progress_read(logs, &progress));
        return progress;
}

static void a_stage_is_told_by_its_word(void **state)
{
        static const struct {
                const char *line, *stage;
                int64_t permille;
        } cases[] = {
                { "Preprocessing images", "Preprocessing", -1 },
                { "LOADING model", "Preprocessing", -1 },
                { "Warming up the cache", "Warmup", -1 },
                { "warmup done", "Warmup", -1 },
                { "Saving Checkpoint-500", "Saving checkpoint", -1 },
                { "Running validations", "Validation", -1 },
                { "Epoch 2/10", "Training", 200 },
                { "step 50/200, loss 0.1", "Training", 250 },
                { "Steps: 1/3", "Training", 333 },
                { "steps: 2 3", "Training", 667 },
                { "step=7 / 8", "Training", 875 },
                { "epoch 1, step 5/10", "Training", 500 },
                { "step 12/10", "Training", 1000 },
                { "step 3 of 10", "Training", -1 },
                { "step 3/0", "Training", -1 },
                { "step", "Training", -1 },
                { "step 99999999999999999999/1", "Training", -1 },
                { "something else", "Training", -1 },
                { "loading step 1/2", "Preprocessing", -1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct progress progress = read_well(cases[i].line);

                assert_string_equal(progress.stage, cases[i].stage);
                assert_int_equal(progress.permille, cases[i].permille);
                assert_string_equal(progress.line, cases[i].line);
        }
}

static void the_latest_line_with_a_word_counts(void **state)
{
        struct progress progress =
                read_well("loading\nstep 1/10\ncheckpoint\nstep 5/10\n  nothing \n\n");

        (void)state;
        assert_string_equal(progress.stage, "Training");
        assert_int_equal(progress.permille, 500);
        assert_string_equal(progress.line, "nothing");
}

static void a_progress_bar_is_as_far_as_it_was_drawn_last(void **state)
{
        struct progress progress = read_well("Steps:  0/100\rSteps:  10/100\rSteps:  20/100\r");

        (void)state;
        assert_int_equal(progress.permille, 200);
        assert_string_equal(progress.line, "Steps:  20/100");
}

static void only_the_last_fifty_lines_are_looked_at(void **state)
{
        char logs[2048] = "checkpoint\n";

        (void)state;
        for (int i = 0; i < 49; i++)
                strncat(logs, "nothing\n", sizeof(logs) - strlen(logs) - 1);
        assert_string_equal(read_well(logs).stage, "Saving checkpoint");
        strncat(logs, "nothing\n", sizeof(logs) - strlen(logs) - 1);
        assert_string_equal(read_well(logs).stage, "Training");
}

static void a_long_line_is_cut_to_eighty_characters(void **state)
{
        char exact[81], longer[82];

        (void)state;
        memset(exact, 'x', 80);
        exact[80] = '\0';
        assert_string_equal(read_well(exact).line, exact);
        memset(longer, 'x', 81);
        longer[81] = '\0';
        memcpy(exact + 77, "...", 3);
        assert_string_equal(read_well(longer).line, exact);
}

static void characters_are_never_cut_in_the_middle(void **state)
{
        char logs[4 * 100 + 1] = "";
        struct progress progress;

        (void)state;
        for (int i = 0; i < 100; i++)
                memcpy(logs + 4 * i, "\xF0\x9F\x8E\xA8", 5);
        progress = read_well(logs);
        assert_int_equal(strlen(progress.line), 4 * 77 + 3);
        assert_string_equal(progress.line + 4 * 77, "...");
        assert_string_equal(read_well("a\xFF\xC3").line, "a??");
}

static void a_log_of_blanks_says_nothing(void **state)
{
        struct progress progress;

        (void)state;
        assert_false(progress_read("", &progress));
        assert_false(progress_read(" \n\r\n\t ", &progress));
}

static void a_huge_log_costs_no_more_than_its_end(void **state)
{
        size_t len = 32 * MiB;
        char *logs = malloc(len + 64);

        (void)state;
        assert_non_null(logs);
        memset(logs, 'y', len);
        snprintf(logs + len, 64, "\nstep 1/4\n");
        assert_int_equal(read_well(logs).permille, 250);
        memset(logs + len, 'y', 20);
        logs[len + 20] = '\0';
        assert_string_equal(read_well(logs).stage, "Training");
        free(logs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_stage_is_told_by_its_word),
                cmocka_unit_test(the_latest_line_with_a_word_counts),
                cmocka_unit_test(a_progress_bar_is_as_far_as_it_was_drawn_last),
                cmocka_unit_test(only_the_last_fifty_lines_are_looked_at),
                cmocka_unit_test(a_long_line_is_cut_to_eighty_characters),
                cmocka_unit_test(characters_are_never_cut_in_the_middle),
                cmocka_unit_test(a_log_of_blanks_says_nothing),
                cmocka_unit_test(a_huge_log_costs_no_more_than_its_end),
        };

        return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
