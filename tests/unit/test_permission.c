#include <string.h>

#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/permission.h"
#include "tests/fixture.h"

static permission_set set_of(enum permission permission)
{
        return UINT64_C(1) << (permission - PERM_FIRST);
}

static void every_permission_has_a_name_of_its_own(void **state)
{
        (void)state;
        for (enum permission i = PERM_UNSET; i < PERM_COUNT; i++) {
                assert_non_null(permission_name(i));
                for (enum permission j = PERM_UNSET; j < i; j++)
                        assert_string_not_equal(permission_name(i), permission_name(j));
        }
}

static void those_that_can_be_given_are_described_and_found_by_name(void **state)
{
        enum permission found;

        (void)state;
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                assert_non_null(permission_description(i));
                assert_true(permission_parse(permission_name(i), &found));
                assert_int_equal(found, i);
                assert_int_equal(permission_set_parse(permission_name(i)), set_of(i));
        }
}

static void rules_of_routes_cannot_be_given(void **state)
{
        enum permission found;

        (void)state;
        for (enum permission i = PERM_UNSET; i < PERM_FIRST; i++) {
                assert_null(permission_description(i));
                assert_false(permission_parse(permission_name(i), &found));
                assert_int_equal(permission_set_parse(permission_name(i)), 0);
                assert_false(permission_set_has(PERMISSION_SET_ALL, i));
        }
}

static void names_are_taken_apart_at_spaces(void **state)
{
        const permission_set both = set_of(PERM_JOB_SUBMIT) | set_of(PERM_JOB_VIEW_OWN);

        (void)state;
        assert_int_equal(permission_set_parse(""), 0);
        assert_int_equal(permission_set_parse("   "), 0);
        assert_int_equal(permission_set_parse("job.submit job.view.own"), both);
        assert_int_equal(permission_set_parse("  job.view.own   job.submit "), both);
}

static void what_is_no_name_gives_nothing(void **state)
{
        static const char *const words[] = { "job",         "job.",       "job.submi",
                                             "job.submitt", "JOB.SUBMIT", "job.submit,job.view.own",
                                             ".*",          "x*",         "**",
                                             "j*b",         "job.*.own",  "job.submit\n" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                assert_int_equal(permission_set_parse(words[i]), 0);
        assert_int_equal(permission_set_parse("of.later job.submit"), set_of(PERM_JOB_SUBMIT));
}

static void a_star_stands_for_all_below(void **state)
{
        const permission_set jobs = permission_set_parse("job.*");

        (void)state;
        assert_int_equal(permission_set_parse("*"), PERMISSION_SET_ALL);
        assert_true(permission_set_has(jobs, PERM_JOB_SUBMIT));
        assert_true(permission_set_has(jobs, PERM_JOB_BYPASS_QUOTA));
        assert_false(permission_set_has(jobs, PERM_CONFIG_VIEW));
        assert_int_equal(permission_set_parse("job.view.*"),
                         set_of(PERM_JOB_VIEW_OWN) | set_of(PERM_JOB_VIEW_ALL));
}

static void who_has_all_has_own(void **state)
{
        static const enum permission pairs[][2] = {
                { PERM_JOB_VIEW_ALL, PERM_JOB_VIEW_OWN },
                { PERM_JOB_CANCEL_ALL, PERM_JOB_CANCEL_OWN },
                { PERM_JOB_DELETE_ALL, PERM_JOB_DELETE_OWN },
                { PERM_CONFIG_EDIT_ALL, PERM_CONFIG_EDIT_OWN },
                { PERM_CONFIG_DELETE_ALL, PERM_CONFIG_DELETE_OWN },
                { PERM_QUEUE_VIEW_ALL, PERM_QUEUE_VIEW },
                { PERM_QUEUE_CANCEL_ALL, PERM_QUEUE_CANCEL_OWN },
                { PERM_QUOTA_MANAGE, PERM_QUOTA_VIEW },
                { PERM_API_KEYS_ALL, PERM_API_KEYS_OWN },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                permission_set all = set_of(pairs[i][0]), own = set_of(pairs[i][1]);

                assert_int_equal(permission_set_close(all), all | own);
                assert_int_equal(permission_set_close(own), own);
        }
        assert_int_equal(permission_set_close(0), 0);
        assert_int_equal(permission_set_close(PERMISSION_SET_ALL), PERMISSION_SET_ALL);
}

static void sets_are_written_as_they_are_read(void **state)
{
        struct ctx *ctx = *state;
        const char *text;

        assert_int_equal(permission_set_text(ctx, PERMISSION_SET_ALL, &text), OK);
        assert_string_equal(text, "*");
        assert_int_equal(permission_set_text(ctx, 0, &text), OK);
        assert_string_equal(text, "");
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                permission_set set = set_of(i) | set_of(PERM_API_ACCESS);

                assert_int_equal(permission_set_text(ctx, set, &text), OK);
                assert_int_equal(permission_set_parse(text), set);
        }
}

static struct identity somebody(const char *levels, const char *granted, const char *denied)
{
        return (struct identity){ .user_id = 1,
                                  .username = "ann",
                                  .levels = levels,
                                  .granted = granted,
                                  .denied = denied };
}

static permission_set rights(const char *levels, const char *granted, const char *denied)
{
        const struct identity identity = somebody(levels, granted, denied);

        return identity_rights(&identity);
}

static void rights_are_what_levels_and_grants_give_but_what_is_denied(void **state)
{
        const permission_set view = set_of(PERM_JOB_VIEW_OWN);

        (void)state;
        assert_int_equal(rights("", "", ""), 0);
        assert_int_equal(rights("job.view.own", "", ""), view);
        assert_int_equal(rights("job.view.own", "job.submit", ""), view | set_of(PERM_JOB_SUBMIT));
        assert_int_equal(rights("job.view.own job.submit", "", "job.submit"), view);
        assert_int_equal(rights("job.view.own", "job.submit", "job.submit"), view);
}

static void what_is_denied_does_not_come_back_by_another_right(void **state)
{
        (void)state;
        assert_int_equal(rights("job.view.all", "", "job.view.own"), set_of(PERM_JOB_VIEW_ALL));
        assert_int_equal(rights("job.view.all", "", "job.view.all"), set_of(PERM_JOB_VIEW_OWN));
        assert_int_equal(rights("*", "", "*"), 0);
        assert_int_equal(rights("*", "", "admin.*") & permission_set_parse("admin.*"), 0);
        assert_true(permission_set_has(rights("*", "", "admin.*"), PERM_JOB_VIEW_ALL));
}

static void an_administrator_may_everything_whatever_is_denied(void **state)
{
        struct identity identity = somebody("", "", "*");

        (void)state;
        identity.is_admin = true;
        assert_int_equal(identity_rights(&identity), PERMISSION_SET_ALL);
}

static void scopes_bound_and_never_add(void **state)
{
        const struct identity identity = somebody("job.view.own job.submit", "", "");
        struct actor whole = identity_actor(&identity, VIA_API_KEY, NULL);
        struct actor bounded = identity_actor(&identity, VIA_API_KEY, "job.view.all admin.config");
        struct actor none = identity_actor(&identity, VIA_API_KEY, "");

        (void)state;
        assert_int_equal(whole.rights, identity_rights(&identity));
        assert_false(whole.is_bounded);
        assert_int_equal(bounded.rights, set_of(PERM_JOB_VIEW_OWN));
        assert_true(bounded.is_bounded);
        assert_int_equal(none.rights, 0);
        assert_true(none.is_bounded);
}

static void an_administrators_key_may_what_its_scopes_say(void **state)
{
        struct identity identity = somebody("", "", "");
        struct actor bounded;

        (void)state;
        identity.is_admin = true;
        bounded = identity_actor(&identity, VIA_API_KEY, "job.view.all");
        assert_int_equal(bounded.rights, set_of(PERM_JOB_VIEW_ALL) | set_of(PERM_JOB_VIEW_OWN));
}

static void a_set_within_another_has_nothing_more(void **state)
{
        const permission_set view = set_of(PERM_JOB_VIEW_OWN);

        (void)state;
        assert_true(permission_set_within(0, 0));
        assert_true(permission_set_within(view, view));
        assert_true(permission_set_within(view, PERMISSION_SET_ALL));
        assert_false(permission_set_within(view | set_of(PERM_JOB_SUBMIT), view));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_permission_has_a_name_of_its_own),
                cmocka_unit_test(those_that_can_be_given_are_described_and_found_by_name),
                cmocka_unit_test(rules_of_routes_cannot_be_given),
                cmocka_unit_test(names_are_taken_apart_at_spaces),
                cmocka_unit_test(what_is_no_name_gives_nothing),
                cmocka_unit_test(a_star_stands_for_all_below),
                cmocka_unit_test(who_has_all_has_own),
                FIXTURE_TEST(sets_are_written_as_they_are_read),
                cmocka_unit_test(rights_are_what_levels_and_grants_give_but_what_is_denied),
                cmocka_unit_test(what_is_denied_does_not_come_back_by_another_right),
                cmocka_unit_test(an_administrator_may_everything_whatever_is_denied),
                cmocka_unit_test(scopes_bound_and_never_add),
                cmocka_unit_test(an_administrators_key_may_what_its_scopes_say),
                cmocka_unit_test(a_set_within_another_has_nothing_more),
        };

        return cmocka_run_group_tests_name("permissions", tests, NULL, NULL);
}
