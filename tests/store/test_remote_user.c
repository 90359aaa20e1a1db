#include <stdio.h>
#include <string.h>

#include "core/cloud/auth/auth.h"
#include "core/cloud/auth/remote_user.h"
#include "core/cloud/auth/user_provider.h"
#include "tests/fixture_db.h"

static void add_user(struct ctx *ctx, const char *name, const char *provider, bool is_admin)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct user_given given = { .username = name,
                                          .auth_provider = provider,
                                          .is_admin = is_admin };
        int64_t user_id;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, user_add(ctx, &given, &user_id));
        assert_ok(ctx, db_commit(&tx));
}

/* Believed, with an administrator. */
static struct ctx *begin(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->trust_remote_user = true;
        add_user(ctx, "boss", "local", true);
        return ctx;
}

static enum err come(struct ctx *ctx, const char *name, const char *groups)
{
        struct credentials credentials = { .remote_user = name, .remote_groups = groups };

        return auth_identify(ctx, &credentials);
}

static int64_t users(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM users");
}

static int64_t audits(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM audit_log");
}

static void assert_refused(struct ctx *ctx, const char *name, const char *why)
{
        const int64_t before = users(ctx);

        assert_rc(ctx, ERR_UNAUTHENTICATED, come(ctx, name, NULL));
        if (!strstr(ctx->detail, why))
                fail_msg("'%s' does not say '%s'", ctx->detail, why);
        assert_int_equal(ctx->actor.kind, ACTOR_ANONYMOUS);
        assert_null(ctx->actor.name);
        assert_int_equal(users(ctx), before);
}

static void nobody_is_believed_unless_it_is_switched_on(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->trust_remote_user = false;
        assert_refused(ctx, "ann", "SIMPLETUNER_TRUST_REMOTE_USER");
}

static void a_user_is_made_at_first_sight(void **state)
{
        struct ctx *ctx = begin(state);

        assert_ok(ctx, come(ctx, "Ann.Smith@EXAMPLE.ORG", NULL));
        assert_int_equal(ctx->actor.kind, ACTOR_USER);
        assert_int_equal(ctx->actor.via, VIA_FRONT_SERVER);
        assert_string_equal(ctx->actor.name, "Ann.Smith@EXAMPLE.ORG");
        assert_true(auth_may(ctx, PERM_JOB_VIEW_OWN));
        assert_false(auth_may(ctx, PERM_JOB_SUBMIT));
        assert_int_equal(users(ctx), 2);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'user.created' AND actor = 'front server'"),
                         1);
}

static void the_case_of_a_name_does_not_matter(void **state)
{
        struct ctx *ctx = begin(state);
        int64_t user_id;

        assert_ok(ctx, come(ctx, "ann", NULL));
        user_id = ctx->actor.user_id;
        assert_ok(ctx, come(ctx, "ANN", NULL));
        assert_int_equal(ctx->actor.user_id, user_id);
        assert_string_equal(ctx->actor.name, "ann");
        assert_int_equal(users(ctx), 2);
}

static void what_is_no_name_is_refused(void **state)
{
        static const char *const names[] = {
                "",
                " ",
                "ann smith",
                "ann/x",
                "DOMAIN\\ann",
                "ann'--",
                "ann\n",
                "\xc3\xa4nn",
                "local",
                "Service",
                "anonymous",
                "job",
                "12345678901234567890123456789012345678901234567890123456789012345",
        };
        struct ctx *ctx = begin(state);

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                assert_refused(ctx, names[i], "a name has");
}

static void nobody_is_made_when_that_is_switched_off(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->remote_user_level = "none";
        assert_refused(ctx, "ann", "no such user");
        add_user(ctx, "ann", USER_REMOTE, false);
        assert_ok(ctx, come(ctx, "ann", NULL));
}

static void an_account_with_a_password_is_not_taken_over(void **state)
{
        struct ctx *ctx = begin(state);

        assert_refused(ctx, "boss", "a password of its own");
        assert_refused(ctx, "BOSS", "a password of its own");
}

static void an_account_is_left_to_the_front_server_by_an_administrator(void **state)
{
        struct ctx *ctx = begin(state);
        const int64_t boss = fixture_number(ctx, "SELECT user_id FROM users");
        struct user row;

        fixture_sql(ctx, "UPDATE users SET password_hash = 'x'");
        fixture_sql(ctx, "INSERT INTO sessions SELECT 'h', 's', user_id, 0, 0, 0, 0, '', '' "
                         "FROM users");
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        assert_ok(ctx, user_set_provider(ctx, boss, USER_REMOTE));
        assert_ok(ctx, store_user_get(ctx, boss, &row));
        assert_null(row.password_hash);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM sessions"), 0);
        assert_ok(ctx, come(ctx, "boss", NULL));
        assert_int_equal(ctx->actor.user_id, boss);
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        assert_ok(ctx, user_set_provider(ctx, boss, USER_LOCAL));
        assert_ok(ctx, user_set_provider(ctx, boss, USER_LOCAL));
        assert_refused(ctx, "boss", "a password of its own");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'user.provider.changed'"),
                         2);
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        assert_rc(ctx, ERR_NOT_FOUND, user_set_provider(ctx, 999, USER_REMOTE));
        ctx->actor = (struct actor){ .kind = ACTOR_USER, .name = "ann", .user_id = 7 };
        assert_rc(ctx, ERR_DENIED, user_set_provider(ctx, boss, USER_REMOTE));
}

static void an_address_is_no_name(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_sql(ctx, "UPDATE users SET email = 'boss@x.org', email_key = 'boss@x.org', "
                         "auth_provider = 'remote'");
        assert_ok(ctx, come(ctx, "boss@x.org", NULL));
        assert_string_equal(ctx->actor.name, "boss@x.org");
        assert_false(auth_may(ctx, PERM_ADMIN_USERS));
}

static void deactivated_and_deleted_ones_stay_out(void **state)
{
        struct ctx *ctx = begin(state);

        assert_ok(ctx, come(ctx, "ann", NULL));
        fixture_sql(ctx, "UPDATE users SET deactivated_at_us = 1 WHERE username_key = 'ann'");
        assert_refused(ctx, "ann", "deactivated");
        fixture_sql(ctx, "UPDATE users SET deleted_at_us = 1 WHERE username_key = 'ann'");
        assert_refused(ctx, "ann", "deleted");
}

static void the_first_user_is_one_who_may_everything(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->trust_remote_user = true;
        assert_refused(ctx, "ann", "no administrator yet");
        assert_int_equal(users(ctx), 0);
        fixture_config(ctx)->remote_group_levels = "admins=admin";
        assert_ok(ctx, come(ctx, "ann", "admins"));
        assert_true(auth_may(ctx, PERM_ADMIN_USERS));
        assert_ok(ctx, come(ctx, "bob", "others"));
        assert_false(auth_may(ctx, PERM_ADMIN_USERS));
}

static void levels_follow_the_groups(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->remote_group_levels = "trainers=researcher;cn=a,dc=b=lead";
        assert_ok(ctx, come(ctx, "ann", "trainers"));
        assert_true(auth_may(ctx, PERM_JOB_SUBMIT));
        assert_false(auth_may(ctx, PERM_JOB_VIEW_ALL));
        assert_ok(ctx, come(ctx, "ann", "cn=a,dc=b"));
        assert_true(auth_may(ctx, PERM_JOB_VIEW_ALL));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM user_levels"), 1);
        assert_ok(ctx, come(ctx, "ann", "trainers;cn=a,dc=b"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM user_levels"), 2);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'user.level.changed' AND actor = 'front server'"),
                         2);
}

static void who_is_in_no_group_any_more_has_the_level_of_first_sight(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->remote_group_levels = "leads=lead";
        assert_ok(ctx, come(ctx, "ann", "leads"));
        assert_true(auth_may(ctx, PERM_JOB_VIEW_ALL));
        assert_ok(ctx, come(ctx, "ann", NULL));
        assert_false(auth_may(ctx, PERM_JOB_VIEW_ALL));
        assert_true(auth_may(ctx, PERM_JOB_VIEW_OWN));
}

static void without_a_map_levels_are_given_by_hand(void **state)
{
        struct ctx *ctx = begin(state);

        assert_ok(ctx, come(ctx, "ann", NULL));
        fixture_sql(ctx, "UPDATE user_levels SET level_id = 3");
        assert_ok(ctx, come(ctx, "ann", "trainers"));
        assert_true(auth_may(ctx, PERM_JOB_VIEW_ALL));
}

static void a_level_that_there_is_not_gives_nothing(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->remote_user_level = "no-such-level";
        assert_true(log_configure(LOG_ERROR, LOG_TEXT, NULL));
        assert_ok(ctx, come(ctx, "ann", NULL));
        assert_int_equal(auth_rights(ctx), 0);
}

static void an_unchanged_visit_writes_once_an_hour(void **state)
{
        struct ctx *ctx = begin(state);
        int64_t written;

        fixture_config(ctx)->remote_group_levels = "trainers=researcher";
        assert_ok(ctx, come(ctx, "ann", "trainers"));
        written = audits(ctx);
        for (unsigned i = 0; i < 3; i++) {
                fixture_advance_us(ctx, 15 * 60 * US_PER_S);
                assert_ok(ctx, come(ctx, "ann", "trainers"));
                assert_int_equal(audits(ctx), written);
                assert_int_equal(fixture_number(ctx, "SELECT MAX(last_login_at_us) FROM users"),
                                 FIXTURE_TIME_US);
        }
        fixture_advance_us(ctx, 16 * 60 * US_PER_S);
        assert_ok(ctx, come(ctx, "ann", "trainers"));
        assert_int_equal(audits(ctx), written + 1);
        assert_int_equal(fixture_number(ctx, "SELECT MAX(last_login_at_us) FROM users"),
                         FIXTURE_TIME_US + INT64_C(61) * 60 * US_PER_S);
}

static bool come_at_once(struct ctx *ctx, unsigned index, void *arg)
{
        const char *groups = arg;

        (void)index;
        for (unsigned i = 0; i < 5; i++) {
                if (come(ctx, "ann", groups) != OK || ctx->actor.user_id == 0)
                        return false;
        }
        return true;
}

static void who_comes_twice_at_once_is_made_once(void **state)
{
        static char groups[] = "trainers";
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->remote_group_levels = "trainers=researcher";
        fixture_threads(ctx, 8, come_at_once, groups);
        assert_int_equal(users(ctx), 2);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'user.created' AND actor = 'front server'"),
                         1);
        fixture_config(ctx)->remote_group_levels = "trainers=lead";
        fixture_strangers(ctx, 4, come_at_once, groups);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM user_levels"), 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'user.level.changed'"),
                         1);
}

static void whoever_shows_a_credential_is_not_the_front_servers_user(void **state)
{
        struct ctx *ctx = begin(state);
        struct credentials both = { .remote_user = "ann", .api_key = "st_x" };

        assert_rc(ctx, ERR_UNAUTHENTICATED, auth_identify(ctx, &both));
        both.api_key = NULL;
        both.session = "x";
        assert_rc(ctx, ERR_UNAUTHENTICATED, auth_identify(ctx, &both));
        both.session = NULL;
        both.authorization = "Bearer x";
        assert_rc(ctx, ERR_UNAUTHENTICATED, auth_identify(ctx, &both));
        both.authorization = "Basic YW5uOng="; /* what the front server has asked for */
        assert_ok(ctx, auth_identify(ctx, &both));
        assert_string_equal(ctx->actor.name, "ann");
}

static void the_last_administrator_stays_one_whatever_his_groups_say(void **state)
{
        struct ctx *ctx = begin(state);

        fixture_config(ctx)->remote_group_levels = "admins=admin;staff=viewer";
        assert_ok(ctx, come(ctx, "ann", "admins"));
        fixture_sql(ctx, "UPDATE users SET deactivated_at_us = 1 WHERE username = 'boss'");
        assert_ok(ctx, come(ctx, "ann", "staff"));
        assert_true(auth_rights(ctx) == PERMISSION_SET_ALL);
        fixture_sql(ctx, "UPDATE users SET deactivated_at_us = NULL WHERE username = 'boss'");
        assert_ok(ctx, come(ctx, "ann", "staff"));
        assert_false(auth_may(ctx, PERM_ADMIN_USERS));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(nobody_is_believed_unless_it_is_switched_on),
                FIXTURE_CLOUD_TEST(a_user_is_made_at_first_sight),
                FIXTURE_CLOUD_TEST(the_case_of_a_name_does_not_matter),
                FIXTURE_CLOUD_TEST(what_is_no_name_is_refused),
                FIXTURE_CLOUD_TEST(nobody_is_made_when_that_is_switched_off),
                FIXTURE_CLOUD_TEST(an_account_with_a_password_is_not_taken_over),
                FIXTURE_CLOUD_TEST(an_account_is_left_to_the_front_server_by_an_administrator),
                FIXTURE_CLOUD_TEST(an_address_is_no_name),
                FIXTURE_CLOUD_TEST(deactivated_and_deleted_ones_stay_out),
                FIXTURE_CLOUD_TEST(the_first_user_is_one_who_may_everything),
                FIXTURE_CLOUD_TEST(levels_follow_the_groups),
                FIXTURE_CLOUD_TEST(who_is_in_no_group_any_more_has_the_level_of_first_sight),
                FIXTURE_CLOUD_TEST(without_a_map_levels_are_given_by_hand),
                FIXTURE_CLOUD_TEST(a_level_that_there_is_not_gives_nothing),
                FIXTURE_CLOUD_TEST(an_unchanged_visit_writes_once_an_hour),
                FIXTURE_CLOUD_TEST(who_comes_twice_at_once_is_made_once),
                FIXTURE_CLOUD_TEST(whoever_shows_a_credential_is_not_the_front_servers_user),
                FIXTURE_CLOUD_TEST(the_last_administrator_stays_one_whatever_his_groups_say),
        };

        return FIXTURE_RUN("users of the front server", tests);
}
