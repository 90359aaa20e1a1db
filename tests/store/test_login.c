#include <string.h>

#include "core/cloud/auth/identity.h"
#include "core/cloud/auth/login.h"
#include "core/cloud/auth/password.h"
#include "core/cloud/auth/setup.h"
#include "tests/fixture_db.h"

#define PASSWORD "correct horse"

static const struct account_given ann = { .username = "Ann",
                                          .email = "Ann@Example.org",
                                          .password = PASSWORD };

/* The first administrator, and nobody acting. */
static struct login_result hired(struct ctx *ctx)
{
        struct login_result result;

        fixture_config(ctx)->password_cost = 10;
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        assert_ok(ctx, setup_first_admin(ctx, &ann, &result));
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        return result;
}

static struct login_given with(const char *username, const char *password)
{
        return (struct login_given){ .username = username, .password = password };
}

static enum err try(struct ctx *ctx, const char *username, const char *password)
{
        const struct login_given given = with(username, password);
        struct login_result result;

        ctx->retry_after_s = 0;
        return login(ctx, &given, &result);
}

static void the_first_administrator_may_everything_and_is_logged_in(void **state)
{
        struct ctx *ctx = *state;
        const struct login_result result = hired(ctx);

        assert_ok(ctx, session_identify(ctx, result.token));
        assert_int_equal(ctx->actor.kind, ACTOR_USER);
        assert_string_equal(ctx->actor.name, "Ann");
        assert_true(ctx->actor.rights == PERMISSION_SET_ALL);
}

static bool set_up(struct ctx *peer, unsigned index, void *arg)
{
        const struct account_given given = {
                .username = arena_printf(peer->arena, "admin%u", index),
                .email = arena_printf(peer->arena, "admin%u@example.org", index),
                .password = PASSWORD,
        };
        struct login_result result;
        enum err rc;

        (void)arg;
        peer->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
        do
                rc = setup_first_admin(peer, &given, &result);
        while (rc == ERR_LIMITED);
        return rc == OK || rc == ERR_CONFLICT;
}

static void of_many_who_set_up_at_once_one_becomes_administrator(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->password_cost = 10;
        fixture_strangers(ctx, 8, set_up, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM users"), 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM sessions"), 1);
}

static void a_name_or_an_address_in_any_case_logs_in(void **state)
{
        struct ctx *ctx = *state;

        hired(ctx);
        assert_ok(ctx, try(ctx, "ann", PASSWORD));
        assert_ok(ctx, try(ctx, "ANN", PASSWORD));
        assert_ok(ctx, try(ctx, "ann@example.ORG", PASSWORD));
        assert_rc(ctx, ERR_UNAUTHENTICATED, try(ctx, "ann", "Correct horse"));
        assert_rc(ctx, ERR_UNAUTHENTICATED, try(ctx, "anna", PASSWORD));
        assert_rc(ctx, ERR_UNAUTHENTICATED, try(ctx, "ann' OR '1'='1", PASSWORD));
}

static void a_name_waits_longer_with_each_failure_and_is_forgiven_in_an_hour(void **state)
{
        struct ctx *ctx = *state;

        hired(ctx);
        for (unsigned i = 0; i < 5; i++)
                assert_rc(ctx, ERR_UNAUTHENTICATED, try(ctx, "ann", "wrong horse"));
        assert_rc(ctx, ERR_LIMITED, try(ctx, "ann", PASSWORD));
        assert_int_equal(ctx->retry_after_s, 1);
        fixture_advance_us(ctx, US_PER_S);
        assert_rc(ctx, ERR_UNAUTHENTICATED, try(ctx, "ann", "wrong horse"));
        assert_rc(ctx, ERR_LIMITED, try(ctx, "ann", PASSWORD));
        assert_int_equal(ctx->retry_after_s, 2);
        fixture_advance_us(ctx, 61 * 60 * US_PER_S);
        assert_rc(ctx, ERR_UNAUTHENTICATED, try(ctx, "ann", "wrong horse"));
        assert_ok(ctx, try(ctx, "ann", PASSWORD));
}

static void one_name_s_failures_are_not_another_s(void **state)
{
        struct ctx *ctx = *state;

        hired(ctx);
        for (unsigned i = 0; i < 7; i++)
                (void)!try(ctx, "bob", "wrong horse");
        assert_rc(ctx, ERR_LIMITED, try(ctx, "bob", PASSWORD));
        assert_ok(ctx, try(ctx, "ann", PASSWORD));
}

static void a_clock_that_was_set_back_locks_nobody_out(void **state)
{
        struct ctx *ctx = *state;

        hired(ctx);
        for (unsigned i = 0; i < 6; i++)
                (void)!try(ctx, "ann", "wrong horse");
        fixture_advance_us(ctx, -24 * 60 * 60 * US_PER_S);
        assert_ok(ctx, try(ctx, "ann", PASSWORD));
}

static void old_failures_are_forgotten_by_and_by(void **state)
{
        struct ctx *ctx = *state;
        unsigned pruned = 0;

        hired(ctx);
        (void)!try(ctx, "bob", "wrong horse");
        assert_ok(ctx, login_prune(ctx, 10, &pruned));
        assert_int_equal(pruned, 0);
        fixture_advance_us(ctx, 2 * 60 * 60 * US_PER_S);
        assert_ok(ctx, login_prune(ctx, 10, &pruned));
        assert_int_equal(pruned, 1);
}

static void a_session_ends_when_it_is_not_used(void **state)
{
        struct ctx *ctx = *state;
        const struct login_given given = with("ann", PASSWORD);
        struct login_result result;

        hired(ctx);
        assert_ok(ctx, login(ctx, &given, &result));
        fixture_advance_us(ctx, 23 * 60 * 60 * US_PER_S);
        assert_ok(ctx, session_identify(ctx, result.token));
        fixture_advance_us(ctx, 23 * 60 * 60 * US_PER_S);
        assert_ok(ctx, session_identify(ctx, result.token));
        fixture_advance_us(ctx, 25 * 60 * 60 * US_PER_S);
        assert_rc(ctx, ERR_UNAUTHENTICATED, session_identify(ctx, result.token));
        assert_int_equal(ctx->actor.kind, ACTOR_ANONYMOUS);
}

static void ended_sessions_are_forgotten_by_and_by(void **state)
{
        struct ctx *ctx = *state;
        unsigned pruned = 0;

        hired(ctx);
        assert_ok(ctx, try(ctx, "ann", PASSWORD));
        fixture_advance_us(ctx, 2 * US_PER_DAY);
        assert_ok(ctx, session_prune(ctx, 10, &pruned));
        assert_int_equal(pruned, 1); /* that of the first administrator lasts for a month */
}

static void what_is_no_token_is_no_session(void **state)
{
        static const char *const bad[] = { "", "x", "' OR '1'='1' OR '1'='1' OR '1'='1' OR '1'='",
                                           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
        struct ctx *ctx = *state;

        hired(ctx);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_rc(ctx, ERR_UNAUTHENTICATED, session_identify(ctx, bad[i]));
}

static void the_proof_of_a_page_is_its_session_s_own(void **state)
{
        struct ctx *ctx = *state;
        char one[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE], other[SHA256_HEX_SIZE];

        assert_ok(ctx, session_csrf_token(ctx, "token", one));
        assert_ok(ctx, session_csrf_token(ctx, "token", again));
        assert_ok(ctx, session_csrf_token(ctx, "tokem", other));
        assert_string_equal(one, again);
        assert_string_not_equal(one, other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_first_administrator_may_everything_and_is_logged_in),
                FIXTURE_CLOUD_TEST(of_many_who_set_up_at_once_one_becomes_administrator),
                FIXTURE_CLOUD_TEST(a_name_or_an_address_in_any_case_logs_in),
                FIXTURE_CLOUD_TEST(
                        a_name_waits_longer_with_each_failure_and_is_forgiven_in_an_hour),
                FIXTURE_CLOUD_TEST(one_name_s_failures_are_not_another_s),
                FIXTURE_CLOUD_TEST(a_clock_that_was_set_back_locks_nobody_out),
                FIXTURE_CLOUD_TEST(old_failures_are_forgotten_by_and_by),
                FIXTURE_CLOUD_TEST(a_session_ends_when_it_is_not_used),
                FIXTURE_CLOUD_TEST(ended_sessions_are_forgotten_by_and_by),
                FIXTURE_CLOUD_TEST(what_is_no_token_is_no_session),
                FIXTURE_CLOUD_TEST(the_proof_of_a_page_is_its_session_s_own),
        };

        return FIXTURE_RUN("login", tests);
}
