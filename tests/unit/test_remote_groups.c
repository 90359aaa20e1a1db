#include "core/cloud/auth/remote_groups.h"

#include "tests/fixture.h"

#define DN "cn=leads,ou=groups,dc=example,dc=org"

static void assert_gives(const char *map, const char *groups, const char *level)
{
        if (!remote_groups_give(map, groups, level))
                fail_msg("'%s' does not give %s to '%s'", map, level, groups ? groups : "nobody");
}

static void assert_gives_not(const char *map, const char *groups, const char *level)
{
        if (remote_groups_give(map, groups, level))
                fail_msg("'%s' gives %s to '%s'", map, level, groups ? groups : "nobody");
}

static void a_group_stands_for_its_level(void **state)
{
        (void)state;
        assert_gives("staff=lead", "staff", "lead");
        assert_gives("guests=viewer;staff=lead", "staff", "lead");
        assert_gives("staff=lead;staff=researcher", "staff", "researcher");
        assert_gives_not("guests=viewer;staff=lead", "staff", "viewer");
        assert_gives_not("staff=lead", "others", "lead");
        assert_gives_not("staff=lead", "staff", "leads");
        assert_gives_not("staff=lead", "staff", "LEAD");
}

static void nobody_has_a_level_without_groups_or_map(void **state)
{
        (void)state;
        assert_gives_not("", "staff", "lead");
        assert_gives_not("staff=lead", NULL, "lead");
        assert_gives_not("staff=lead", "", "lead");
        assert_gives_not("staff=lead", " ; ,", "lead");
        assert_gives_not("=lead", "", "lead");
        assert_gives_not("=lead", ";", "lead");
        assert_gives_not(" =lead", " ", "lead");
        assert_gives_not("staff=", "staff", "lead");
        assert_gives_not("staff", "staff", "staff");
        assert_gives_not(";;", ";;", "lead");
}

static void groups_are_separated_by_commas_or_semicolons(void **state)
{
        (void)state;
        assert_gives("staff=lead", "others,staff", "lead");
        assert_gives("staff=lead", "staff, others", "lead");
        assert_gives("staff=lead", "others; staff", "lead");
        assert_gives("staff=lead", "others;staff;more", "lead");
        assert_gives("the staff=lead", "others,the staff", "lead");
        assert_gives_not("staff=lead", "others staff", "lead");
        assert_gives_not("staff=lead", "staffs,taff", "lead");
}

static void the_case_of_a_group_does_not_matter(void **state)
{
        (void)state;
        assert_gives("Staff=lead", "sTAFF", "lead");
        assert_gives(DN "=lead", "CN=Leads,OU=Groups,DC=example,DC=org", "lead");
}

static void a_distinguished_name_is_one_group(void **state)
{
        (void)state;
        assert_gives(DN "=lead", DN, "lead");
        assert_gives(DN "=lead", "cn=others,dc=example,dc=org; " DN, "lead");
        assert_gives("x=viewer; " DN " = lead", DN ";plain", "lead");
        assert_gives("plain=lead", DN ";plain", "lead");
        assert_gives_not("cn=leads=lead", DN, "lead");
        assert_gives_not("dc=org=lead", DN, "lead");
        assert_gives_not(DN "=lead", "cn=leads", "lead");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_group_stands_for_its_level),
                cmocka_unit_test(nobody_has_a_level_without_groups_or_map),
                cmocka_unit_test(groups_are_separated_by_commas_or_semicolons),
                cmocka_unit_test(the_case_of_a_group_does_not_matter),
                cmocka_unit_test(a_distinguished_name_is_one_group),
        };

        return cmocka_run_group_tests_name("remote groups", tests, NULL, NULL);
}
