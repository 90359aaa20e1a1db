#include <stdatomic.h>
#include <stdio.h>

#include "core/cloud/auth/authority.h"
#include "core/cloud/auth/user_change.h"
#include "tests/fixture_db.h"

#define ADMINS 4

/* Somebody with an account and just these rights. */
static void act_as(struct ctx *ctx, int64_t user_id, const char *permissions)
{
        ctx->actor = (struct actor){
                .kind = ACTOR_USER,
                .name = "somebody",
                .user_id = user_id,
                .rights = permission_set_close(permission_set_parse(permissions)),
        };
}

/* 1 may everything, 2 is a researcher, 3 a viewer, 4 to 7 are administrators who sleep. */
static void people(struct ctx *ctx)
{
        fixture_sql(ctx, "INSERT INTO users (user_id, username, username_key, auth_provider, "
                         "is_admin, created_at_us, deactivated_at_us) VALUES "
                         "(1, 'boss', 'boss', 'local', 1, 1, NULL), "
                         "(2, 'ann', 'ann', 'local', 0, 1, NULL), "
                         "(3, 'eve', 'eve', 'local', 0, 1, NULL), "
                         "(4, 'a4', 'a4', 'local', 1, 1, 1), (5, 'a5', 'a5', 'local', 1, 1, 1), "
                         "(6, 'a6', 'a6', 'local', 1, 1, 1), (7, 'a7', 'a7', 'local', 1, 1, 1)");
        fixture_sql(ctx, "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                         "VALUES (2, 2, 'test', 1), (3, 1, 'test', 1)");
}

static void one_is_over_those_who_may_no_more(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        act_as(ctx, 9, "job.view.own config.view admin.users");
        assert_ok(ctx, authority_over_user(ctx, 3));
        assert_rc(ctx, ERR_DENIED, authority_over_user(ctx, 2));
        assert_rc(ctx, ERR_DENIED, authority_over_user(ctx, 1));
        assert_rc(ctx, ERR_NOT_FOUND, authority_over_user(ctx, 99));
        act_as(ctx, 9, "*");
        assert_ok(ctx, authority_over_user(ctx, 1));
}

static void who_sleeps_counts_as_he_will_when_he_wakes(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        act_as(ctx, 9, "job.* config.* queue.* api.* admin.users");
        assert_rc(ctx, ERR_DENIED, authority_over_user(ctx, 4));
}

static void a_deny_counts_on_both_sides(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        fixture_sql(ctx, "UPDATE users SET denied = 'config.view' WHERE user_id = 3");
        act_as(ctx, 9, "job.view.own admin.levels");
        assert_ok(ctx, authority_over_user(ctx, 3));
        assert_rc(ctx, ERR_DENIED, user_set_override(ctx, 3, "config.view", USER_AS_LEVELS));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM users WHERE denied <> ''"), 1);
        act_as(ctx, 3, "job.view.own config.view admin.levels");
        assert_rc(ctx, ERR_DENIED, user_set_override(ctx, 3, "config.view", USER_AS_LEVELS));
}

static void only_who_may_everything_changes_what_he_may(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        act_as(ctx, 2, "job.submit admin.levels");
        assert_rc(ctx, ERR_DENIED, authority_not_self(ctx, 2, "levels"));
        assert_ok(ctx, authority_not_self(ctx, 3, "levels"));
        act_as(ctx, 1, "*");
        assert_ok(ctx, authority_not_self(ctx, 1, "levels"));
}

static void names_of_permissions_are_within_ones_own(void **state)
{
        struct ctx *ctx = *state;

        act_as(ctx, 2, "job.view.all");
        assert_ok(ctx, authority_over_permissions(ctx, ""));
        assert_ok(ctx, authority_over_permissions(ctx, "job.view.all job.view.own"));
        assert_rc(ctx, ERR_DENIED, authority_over_permissions(ctx, "job.*"));
        assert_rc(ctx, ERR_DENIED, authority_over_permissions(ctx, "*"));
        assert_rc(ctx, ERR_DENIED, authority_over_permissions(ctx, "job.view.own quota.view"));
}

static void who_is_bound_is_over_those_who_are_bound_as_much(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        fixture_sql(ctx,
                    "INSERT INTO levels (level_id, name, priority, permissions, created_at_us) "
                    "VALUES (50, 'bound', 0, '', 1)");
        fixture_sql(ctx,
                    "INSERT INTO resource_rules (rule_id, name, resource_type, pattern, action, "
                    "created_at_us) VALUES (1, 'r', 'config', 'team-*', 'allow', 1)");
        fixture_sql(ctx, "INSERT INTO level_rules (level_id, rule_id) VALUES (50, 1)");
        fixture_sql(ctx, "INSERT INTO users (user_id, username, username_key, auth_provider, "
                         "created_at_us) VALUES (9, 'mgr', 'mgr', 'local', 1)");
        act_as(ctx, 9, "job.* config.* queue.* api.* admin.users");
        assert_ok(ctx, authority_unbound(ctx));
        assert_ok(ctx, authority_over_user(ctx, 2));
        fixture_sql(ctx, "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                         "VALUES (9, 50, 'test', 1)");
        assert_rc(ctx, ERR_DENIED, authority_unbound(ctx));
        assert_rc(ctx, ERR_DENIED, authority_over_user(ctx, 2));
        assert_ok(ctx, authority_over_user(ctx, 3)); /* who submits nothing */
        fixture_sql(ctx, "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                         "VALUES (2, 50, 'test', 1)");
        assert_ok(ctx, authority_over_user(ctx, 2));
}

static bool deactivate_the_next(struct ctx *ctx, unsigned index, void *arg)
{
        const bool no = false;
        const struct user_patch patch = { .is_active = &no };
        atomic_uint *refused = arg;
        enum err rc;

        act_as(ctx, 4 + index, "*");
        rc = user_update(ctx, 4 + (index + 1) % ADMINS, &patch);
        if (rc == ERR_CONFLICT)
                atomic_fetch_add(refused, 1);
        return rc == OK || rc == ERR_CONFLICT;
}

static void administrators_who_deactivate_each_other_at_once_leave_one(void **state)
{
        struct ctx *ctx = *state;
        atomic_uint refused = 0;

        people(ctx);
        fixture_sql(ctx, "UPDATE users SET deactivated_at_us = 1 WHERE user_id = 1");
        fixture_sql(ctx, "UPDATE users SET deactivated_at_us = NULL WHERE user_id >= 4");
        fixture_strangers(ctx, ADMINS, deactivate_the_next, &refused);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM users WHERE is_admin = 1 "
                                             "AND deactivated_at_us IS NULL"),
                         1);
        assert_int_equal(atomic_load(&refused), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(one_is_over_those_who_may_no_more),
                FIXTURE_CLOUD_TEST(who_sleeps_counts_as_he_will_when_he_wakes),
                FIXTURE_CLOUD_TEST(a_deny_counts_on_both_sides),
                FIXTURE_CLOUD_TEST(only_who_may_everything_changes_what_he_may),
                FIXTURE_CLOUD_TEST(names_of_permissions_are_within_ones_own),
                FIXTURE_CLOUD_TEST(who_is_bound_is_over_those_who_are_bound_as_much),
                FIXTURE_CLOUD_TEST(administrators_who_deactivate_each_other_at_once_leave_one),
        };

        return FIXTURE_RUN("authority", tests);
}
