#include <string.h>

#include "core/cloud/job/hardware.h"
#include "tests/fixture.h"

static struct hardware found(struct ctx *ctx, const char *name)
{
        struct hardware hardware = { 0 };

        if (hardware_find(ctx, name, &hardware) != OK)
                fail_msg("%s: %s", name, ctx->detail);
        return hardware;
}

static void every_profile_is_found_by_its_own_name(void **state)
{
        struct hardware hardware;
        size_t count = 0;

        while (hardware_at(count, &hardware)) {
                assert_string_equal(found(*state, hardware.profile).profile, hardware.profile);
                assert_true(hardware.count >= 1);
                count++;
        }
        assert_int_equal(count, 8);
        assert_string_equal(found(*state, HARDWARE_DEFAULT).profile, "h100");
}

static void a_profile_has_many_spellings(void **state)
{
        static const struct {
                const char *spelling, *profile;
        } cases[] = {
                { "H100", "h100" },       { "1xh100", "h100" },
                { "1x-H100", "h100" },    { "h100_x2", "h100-x2" },
                { "H100-X8", "h100-x8" }, { "advanced-trainer-l40s-x4", "l40s-x4" },
                { "L40S", "l40s" },       { "Advanced_Trainer_H100", "h100" },
                { "l40s-x1", "l40s" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(found(*state, cases[i].spelling).profile, cases[i].profile);
}

static void an_unknown_profile_is_answered_with_the_valid_ones(void **state)
{
        static const char *const wrong[] = { "", "a100", "h100-x3", " h100", "advanced-trainer-" };
        struct hardware untouched = { .profile = "untouched" };
        struct ctx *ctx = *state;
        struct hardware hardware;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_int_equal(hardware_find(ctx, wrong[i], &untouched), ERR_INVALID);
                for (size_t n = 0; hardware_at(n, &hardware); n++)
                        assert_non_null(strstr(ctx->detail, hardware.profile));
        }
        assert_string_equal(untouched.profile, "untouched");
}

static void a_name_of_any_length_is_looked_at_safely(void **state)
{
        struct hardware hardware;
        char name[4096];

        memset(name, 'h', sizeof(name));
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(hardware_find(*state, name, &hardware), ERR_INVALID);
        memcpy(name, "h100", 5);
        memset(name + 4, ' ', 4000);
        name[4004] = '\0';
        assert_int_equal(hardware_find(*state, name, &hardware), ERR_INVALID);
}

static void the_price_is_that_of_one_card_times_their_number(void **state)
{
        struct hardware one = found(*state, "h100"), eight = found(*state, "h100-x8"),
                        other = found(*state, "l40s-x2");

        assert_true(hardware_price_nanos(&one, NULL) == 1525000);
        assert_true(hardware_price_nanos(&eight, NULL) == 8 * INT64_C(1525000));
        assert_true(hardware_price_nanos(&other, NULL) == 2 * INT64_C(972222));
}

static void a_price_that_is_set_replaces_the_default(void **state)
{
        CLEANUP(json_decrefp)
        json_t *info = json_pack("{s:{s:f}, s:{s:i}}", "gpu-h100", "cost_per_second", 0.002,
                                 "gpu-l40s", "cost_per_second", 0);
        CLEANUP(json_decrefp) json_t *other = json_pack("{s:{s:s}}", "gpu-h100", "name", "x");
        struct hardware two = found(*state, "h100-x2"), free_card = found(*state, "l40s");

        assert_true(hardware_price_nanos(&two, info) == 2 * INT64_C(2000000));
        assert_true(hardware_price_nanos(&free_card, info) == 0);
        assert_true(hardware_price_nanos(&two, other) == 2 * INT64_C(1525000));
}

static void an_absurd_price_stays_a_price(void **state)
{
        CLEANUP(json_decrefp)
        json_t *info = json_pack("{s:{s:f}}", "gpu-h100", "cost_per_second", 1e300);
        struct hardware eight = found(*state, "h100-x8");

        assert_true(hardware_price_nanos(&eight, info) > 0);
}

static void profiles_that_are_listed_are_found_by_their_very_ids(void **state)
{
        CLEANUP(json_decrefp)
        json_t *info = json_pack("{s:{s:s, s:f}, s:{s:f}}", "a100", "name", "A100 (80GB)",
                                 "cost_per_second", 0.002, "tpu", "cost_per_second", 0.5);
        struct hardware hardware = { 0 };
        struct ctx *ctx = *state;

        assert_int_equal(hardware_listed_find(ctx, info, "a100", &hardware), OK);
        assert_string_equal(hardware.label, "A100 (80GB)");
        assert_true(hardware_price_nanos(&hardware, info) == 2000000);
        assert_int_equal(hardware_listed_find(ctx, info, "tpu", &hardware), OK);
        assert_string_equal(hardware.label, "tpu");
        assert_int_equal(hardware_listed_find(ctx, info, "A100", &hardware), ERR_INVALID);
        assert_non_null(strstr(ctx->detail, "a100, tpu"));
        assert_true(hardware_listed_at(info, 1, &hardware));
        assert_false(hardware_listed_at(info, 2, &hardware));
}

static void without_a_list_there_is_one_profile_that_costs_nothing(void **state)
{
        struct hardware hardware = { 0 };

        assert_true(hardware_listed_at(NULL, 0, &hardware));
        assert_string_equal(hardware.profile, "default");
        assert_true(hardware_price_nanos(&hardware, NULL) == 0);
        assert_false(hardware_listed_at(NULL, 1, &hardware));
        assert_int_equal(hardware_listed_find(*state, NULL, "default", &hardware), OK);
        assert_int_equal(hardware_listed_find(*state, NULL, "h100", &hardware), ERR_INVALID);
}

static void a_card_is_called_what_the_setting_says(void **state)
{
        CLEANUP(json_decrefp)
        json_t *info = json_pack("{s:{s:s}}", "gpu-h100", "name", "H100 NVL");
        struct hardware eight = found(*state, "h100-x8"), other = found(*state, "l40s");

        assert_string_equal(hardware_card_name(&eight, info), "H100 NVL");
        assert_string_equal(hardware_card_name(&other, info), "L40S (48GB)");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(every_profile_is_found_by_its_own_name),
                FIXTURE_TEST(a_profile_has_many_spellings),
                FIXTURE_TEST(an_unknown_profile_is_answered_with_the_valid_ones),
                FIXTURE_TEST(a_name_of_any_length_is_looked_at_safely),
                FIXTURE_TEST(the_price_is_that_of_one_card_times_their_number),
                FIXTURE_TEST(a_price_that_is_set_replaces_the_default),
                FIXTURE_TEST(an_absurd_price_stays_a_price),
                FIXTURE_TEST(profiles_that_are_listed_are_found_by_their_very_ids),
                FIXTURE_TEST(without_a_list_there_is_one_profile_that_costs_nothing),
                FIXTURE_TEST(a_card_is_called_what_the_setting_says),
        };

        return cmocka_run_group_tests_name("hardware", tests, NULL, NULL);
}
