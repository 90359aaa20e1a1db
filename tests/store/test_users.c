#include <string.h>

#include "core/cloud/auth/user_avatar.h"
#include "core/cloud/auth/user_change.h"
#include "core/store/store_api_keys.h"
#include "core/store/store_identity.h"
#include "core/store/store_sessions.h"
#include "tests/fixture_db.h"

static const char *const researcher[] = { "researcher", NULL };
static const char *const admin[] = { "admin", NULL };

static void act_as_administrator(struct ctx *ctx)
{
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
}

static struct user_given given(const char *name)
{
        return (struct user_given){ .username = name, .level_names = researcher };
}

static int64_t made(struct ctx *ctx, const struct user_given *user)
{
        int64_t user_id = 0;

        act_as_administrator(ctx);
        assert_ok(ctx, user_create(ctx, user, &user_id));
        return user_id;
}

/* Somebody must be there who administers. */
static int64_t made_boss(struct ctx *ctx)
{
        struct user_given boss = { .username = "boss", .is_admin = true, .level_names = admin };

        return made(ctx, &boss);
}

static int64_t made_ann(struct ctx *ctx)
{
        struct user_given ann = given("Ann");

        ann.email = "ann@example.org";
        ann.password_hash = "$scrypt$of$ann";
        return made(ctx, &ann);
}

static int64_t audited(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM audit_log");
}

static void the_first_user_must_administer(void **state)
{
        struct ctx *ctx = *state;
        const struct user_given ann = given("ann");
        int64_t user_id = 7;

        act_as_administrator(ctx);
        assert_rc(ctx, ERR_CONFLICT, user_create(ctx, &ann, &user_id));
        assert_int_equal(user_id, 7);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM users"), 0);
        assert_int_equal(audited(ctx), 0);
        made_boss(ctx);
        assert_ok(ctx, user_create(ctx, &ann, &user_id));
}

static void a_name_is_one_users_for_ever(void **state)
{
        struct ctx *ctx = *state;
        const struct user_given again = given("ANN");
        int64_t user_id, ann;

        made_boss(ctx);
        ann = made_ann(ctx);
        assert_rc(ctx, ERR_CONFLICT, user_create(ctx, &again, &user_id));
        assert_ok(ctx, user_delete(ctx, ann));
        assert_rc(ctx, ERR_CONFLICT, user_create(ctx, &again, &user_id));
        assert_rc(ctx, ERR_NOT_FOUND, user_find(ctx, "ann", &user_id));
}

static void a_user_is_found_by_name_and_by_address(void **state)
{
        struct ctx *ctx = *state;
        int64_t ann, found = 0;

        made_boss(ctx);
        ann = made_ann(ctx);
        assert_ok(ctx, user_find(ctx, "aNN", &found));
        assert_int_equal(found, ann);
        assert_ok(ctx, user_find(ctx, "ANN@example.ORG", &found));
        assert_int_equal(found, ann);
        assert_rc(ctx, ERR_NOT_FOUND, user_find(ctx, "ann@example.com", &found));
}

static void names_that_stand_for_the_service_are_nobodys(void **state)
{
        static const char *const reserved[] = { "local", "Service", "ANONYMOUS",
                                                "job",   "user",    "cron" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
                const struct user_given user = given(reserved[i]);

                assert_rc(ctx, ERR_INVALID, user_given_check(ctx, &user));
        }
}

static void addresses_are_bounded(void **state)
{
        static const char *const bad[] = { "x",     "@",     "a@",     "@b",    "a@b@c",
                                           "a b@c", "a@b\n", "\x7f@b", "\xff@b" };
        struct ctx *ctx = *state;
        struct user_given user = given("ann");
        char text[300];

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                user.email = bad[i];
                assert_rc(ctx, ERR_INVALID, user_given_check(ctx, &user));
        }
        memset(text, 'x', sizeof(text));
        text[1] = '@';
        text[USER_EMAIL_MAX] = '\0';
        user.email = text;
        assert_ok(ctx, user_given_check(ctx, &user));
        text[USER_EMAIL_MAX] = 'x';
        text[USER_EMAIL_MAX + 1] = '\0';
        assert_rc(ctx, ERR_INVALID, user_given_check(ctx, &user));
}

static void a_view_has_all_that_belongs_to_a_user(void **state)
{
        struct ctx *ctx = *state;
        struct user_view view;
        int64_t ann;

        made_boss(ctx);
        ann = made_ann(ctx);
        assert_ok(ctx, user_add_level(ctx, ann, "lead"));
        assert_ok(ctx, user_view_load(ctx, ann, &view));
        assert_string_equal(view.user.username, "Ann");
        assert_string_equal(view.levels->name, "lead");
        assert_string_equal(view.levels->next->name, "researcher");
        assert_true(permission_set_has(view.rights, PERM_ADMIN_AUDIT));
        assert_false(permission_set_has(view.rights, PERM_ADMIN_USERS));
        assert_null(view.org);
        assert_null(view.teams);
        assert_null(view.rules);
}

static void a_deactivated_user_may_nothing_and_is_nobody(void **state)
{
        const bool no = false, yes = true;
        const struct user_patch off = { .is_active = &no }, on = { .is_active = &yes };
        struct ctx *ctx = *state;
        struct identity identity;
        struct user_view view;
        int64_t ann;

        made_boss(ctx);
        ann = made_ann(ctx);
        assert_ok(ctx, user_update(ctx, ann, &off));
        assert_ok(ctx, user_view_load(ctx, ann, &view));
        assert_int_equal(view.rights, 0);
        assert_rc(ctx, ERR_NOT_FOUND, store_identity_by_id(ctx, ann, &identity));
        assert_ok(ctx, user_update(ctx, ann, &on));
        assert_ok(ctx, store_identity_by_id(ctx, ann, &identity));
}

static void begin_session(struct ctx *ctx, int64_t user_id, const char *token)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct session row = {
                .session_id = token,
                .user_id = user_id,
                .created_at_us = clock_wall_us(ctx->clock),
                .seen_at_us = clock_wall_us(ctx->clock),
                .expires_at_us = clock_wall_us(ctx->clock) + US_PER_DAY,
                .lifetime_s = 86400,
                .client = "",
                .user_agent = "",
        };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_session_insert(ctx, &row, token));
        assert_ok(ctx, db_commit(&tx));
}

static void a_reset_password_ends_the_sessions_of_that_user_only(void **state)
{
        const struct user_patch patch = { .password_hash = "$scrypt$other" };
        struct ctx *ctx = *state;
        int64_t boss = made_boss(ctx), ann = made_ann(ctx);

        begin_session(ctx, ann, "one");
        begin_session(ctx, ann, "two");
        begin_session(ctx, boss, "three");
        assert_ok(ctx, user_update(ctx, ann, &patch));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM sessions"), 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM users WHERE password_hash = "
                                             "'$scrypt$other'"),
                         1);
}

static void a_password_that_the_directory_keeps_is_not_set(void **state)
{
        const struct user_patch patch = { .password_hash = "$scrypt$other" };
        struct ctx *ctx = *state;
        struct user_given remote = given("remote-ann");
        int64_t user_id;

        made_boss(ctx);
        remote.auth_provider = "remote";
        user_id = made(ctx, &remote);
        assert_rc(ctx, ERR_CONFLICT, user_update(ctx, user_id, &patch));
        assert_non_null(strstr(ctx->detail, "directory"));
}

static void a_patch_of_nothing_writes_nothing(void **state)
{
        const struct user_patch nothing = { 0 }, same = { .email = "ann@example.org" };
        struct ctx *ctx = *state;
        int64_t ann, before;

        made_boss(ctx);
        ann = made_ann(ctx);
        before = audited(ctx);
        assert_ok(ctx, user_update(ctx, ann, &nothing));
        assert_ok(ctx, user_update(ctx, ann, &same));
        assert_int_equal(audited(ctx), before);
}

static void a_refused_change_leaves_nothing_behind(void **state)
{
        const bool no = false;
        const struct user_patch patch = { .display_name = "New", .is_active = &no };
        struct ctx *ctx = *state;
        int64_t boss = made_boss(ctx), before = audited(ctx);

        assert_rc(ctx, ERR_CONFLICT, user_update(ctx, boss, &patch));
        assert_string_equal(ctx->detail, "Cannot deactivate the last active admin user");
        assert_int_equal(fixture_number(ctx,
                                        "SELECT COUNT(*) FROM users WHERE display_name = 'New' "
                                        "OR deactivated_at_us IS NOT NULL"),
                         0);
        assert_int_equal(audited(ctx), before);
}

struct counted {
        int64_t users, levels;
};

static void count_user(void *arg, const struct user_view *view)
{
        struct counted *counted = arg;

        counted->users++;
        for (const struct level *level = view->levels; level; level = level->next)
                counted->levels++;
}

static void a_list_is_read_a_page_at_a_time_with_levels(void **state)
{
        struct ctx *ctx = *state;
        struct user_filter page = { .limit = 2, .offset = 1 };
        struct counted counted = { 0 };
        char name[] = "user-0";
        int64_t total;

        made_boss(ctx);
        for (; name[5] < '5'; name[5]++) {
                const struct user_given user = given(name);

                made(ctx, &user);
        }
        assert_ok(ctx, user_list(ctx, &page, count_user, &counted, &total));
        assert_int_equal(counted.users, 2);
        assert_int_equal(counted.levels, 2);
        assert_int_equal(total, 6);
        page.offset = 6;
        counted = (struct counted){ 0 };
        assert_ok(ctx, user_list(ctx, &page, count_user, &counted, &total));
        assert_int_equal(counted.users, 0);
}

static void strangers_have_no_picture(void **state)
{
        struct ctx *ctx = *state;
        struct avatar avatar;

        act_as_administrator(ctx);
        assert_rc(ctx, ERR_NOT_FOUND,
                  user_avatar_set(ctx, "data:image/gif;base64,R0lGODlhAQABAAAAACw="));
        assert_rc(ctx, ERR_NOT_FOUND, user_avatar_get(ctx, 12345, &avatar));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_first_user_must_administer),
                FIXTURE_CLOUD_TEST(a_name_is_one_users_for_ever),
                FIXTURE_CLOUD_TEST(a_user_is_found_by_name_and_by_address),
                FIXTURE_CLOUD_TEST(names_that_stand_for_the_service_are_nobodys),
                FIXTURE_CLOUD_TEST(addresses_are_bounded),
                FIXTURE_CLOUD_TEST(a_view_has_all_that_belongs_to_a_user),
                FIXTURE_CLOUD_TEST(a_deactivated_user_may_nothing_and_is_nobody),
                FIXTURE_CLOUD_TEST(a_reset_password_ends_the_sessions_of_that_user_only),
                FIXTURE_CLOUD_TEST(a_password_that_the_directory_keeps_is_not_set),
                FIXTURE_CLOUD_TEST(a_patch_of_nothing_writes_nothing),
                FIXTURE_CLOUD_TEST(a_refused_change_leaves_nothing_behind),
                FIXTURE_CLOUD_TEST(a_list_is_read_a_page_at_a_time_with_levels),
                FIXTURE_CLOUD_TEST(strangers_have_no_picture),
        };

        return FIXTURE_RUN("users", tests);
}
