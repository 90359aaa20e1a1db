#include <string.h>

#include "fcgi/routes.h"
#include "tests/fixture_db.h"

static void the_table_is_well_formed(void **state)
{
        (void)state;
        assert_null(routes_check());
}

static void every_route_has_an_operation_a_right_and_a_rate(void **state)
{
        size_t count;
        const struct route *routes = routes_all(&count);

        (void)state;
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
                assert_non_null(routes[i].operation);
                assert_non_null(routes[i].operation->run);
                assert_non_null(routes[i].operation->summary);
                assert_in_range(routes[i].permission, PERM_PUBLIC, PERM_COUNT - 1);
                assert_in_range(routes[i].rate, RATE_EXEMPT, RATE_COUNT - 1);
                assert_in_range(routes[i].method, METHOD_GET, METHOD_DELETE);
                assert_int_not_equal(routes[i].method, METHOD_HEAD);
        }
}

static void no_two_routes_are_the_same(void **state)
{
        size_t count;
        const struct route *routes = routes_all(&count);

        (void)state;
        for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < i; j++)
                        assert_false(routes[i].method == routes[j].method &&
                                     strcmp(routes[i].path, routes[j].path) == 0);
        }
}

static void a_path_is_absolute_and_its_parameters_fit(void **state)
{
        size_t count;
        const struct route *routes = routes_all(&count);

        (void)state;
        for (size_t i = 0; i < count; i++) {
                const char *path = routes[i].path, *rest = strstr(path, "...}");
                unsigned open = 0, closed = 0;

                assert_int_equal(path[0], '/');
                assert_int_not_equal(path[strlen(path) - 1], '/');
                for (const char *c = path; *c; c++) {
                        open += *c == '{';
                        closed += *c == '}';
                }
                assert_int_equal(open, closed);
                assert_in_range(open, 0, REQUEST_PARAMS_MAX);
                assert_true(!rest || strchr("?", rest[4])); /* the rest comes last */
        }
}

/* The few that strangers may call; a new one is a decision. */
static const char *const public_paths[] = {
        "/health",
        "/api/cloud/health",
        "/api/cloud/health/live",
        "/api/cloud/health/ready",
        "/api/metrics/health",
        "/api/metrics/health/live",
        "/api/metrics/health/ready",
        "/api/cloud/doctor/echo",
        "/api/events/doctor",
        "/api/cloud/storage/.doctor/{key...}",
        "/api/cloud/metrics/prometheus",
        "/api/metrics/prometheus",
        "/api/webhooks/{provider}",
        "/api/openapi.json",
        "/api/auth/setup/status",
        "/api/auth/setup/first-admin",
        "/api/auth/register",
        "/api/auth/login",
        "/api/auth/logout",
        "/api/auth/check",
        "/api/users/meta/auth-status",
};

static bool is_meant_to_be_public(const char *path)
{
        for (size_t i = 0; i < ARRAY_SIZE(public_paths); i++) {
                if (strcmp(public_paths[i], path) == 0)
                        return true;
        }
        return false;
}

static void a_stranger_gets_through_to_the_public_routes_only(void **state)
{
        struct ctx *ctx = *state;
        size_t count;
        const struct route *routes = routes_all(&count);

        ctx->actor.kind = ACTOR_ANONYMOUS;
        for (size_t i = 0; i < count; i++)
                assert_int_equal(auth_require(ctx, routes[i].permission),
                                 is_meant_to_be_public(routes[i].path) ? OK : ERR_UNAUTHENTICATED);
}

static void a_job_gets_through_to_storage_and_public_routes_only(void **state)
{
        struct ctx *ctx = *state;
        size_t count;
        const struct route *routes = routes_all(&count);

        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = "j" };
        for (size_t i = 0; i < count; i++) {
                bool storage = strncmp(routes[i].path, "/api/cloud/storage", 18) == 0;

                assert_int_equal(auth_require(ctx, routes[i].permission),
                                 storage || is_meant_to_be_public(routes[i].path) ? OK
                                                                                  : ERR_DENIED);
        }
}

static void the_administrator_gets_through_everywhere(void **state)
{
        struct ctx *ctx = *state;
        size_t count;
        const struct route *routes = routes_all(&count);

        for (size_t i = 0; i < count; i++)
                assert_int_equal(auth_require(ctx, routes[i].permission), OK);
}

static void only_writing_routes_take_a_body(void **state)
{
        size_t count;
        const struct route *routes = routes_all(&count);

        (void)state;
        for (size_t i = 0; i < count; i++) {
                if (routes[i].method == METHOD_GET || routes[i].method == METHOD_DELETE)
                        assert_true(routes[i].body_max == BODY_NONE);
                if (routes[i].body_max != BODY_STREAM)
                        assert_in_range(routes[i].body_max, 0, 8 * MiB);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_table_is_well_formed),
                cmocka_unit_test(every_route_has_an_operation_a_right_and_a_rate),
                cmocka_unit_test(no_two_routes_are_the_same),
                cmocka_unit_test(a_path_is_absolute_and_its_parameters_fit),
                FIXTURE_CLOUD_TEST(a_stranger_gets_through_to_the_public_routes_only),
                FIXTURE_CLOUD_TEST(a_job_gets_through_to_storage_and_public_routes_only),
                FIXTURE_CLOUD_TEST(the_administrator_gets_through_everywhere),
                cmocka_unit_test(only_writing_routes_take_a_body),
        };

        return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
