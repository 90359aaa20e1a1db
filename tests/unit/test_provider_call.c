#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cloud/provider/breaker.h"
#include "core/cloud/provider/provider_call.h"
#include "tests/fixture_db.h"

/* A URL at which nobody listens: its port is ours until the next one. */
static const char *dead_url(struct ctx *ctx)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        static int held = -1;
        socklen_t len = sizeof(address);
        const char *url;

        close_fdp(&held);
        held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(held, (struct sockaddr *)&address, len), 0);
        assert_int_equal(getsockname(held, (struct sockaddr *)&address, &len), 0);
        url = arena_printf(ctx->arena, "http://127.0.0.1:%u/", ntohs(address.sin_port));
        assert_non_null(url);
        return url;
}

static struct provider_session session(void)
{
        return (struct provider_session){
                .provider = &provider_replicate,
                .http = { .ssl_verify = true, .timeout_s = 10 },
        };
}

static int64_t failures(struct ctx *ctx)
{
        struct breaker breaker;

        assert_ok(ctx, breaker_get(ctx, "replicate", &breaker));
        return breaker.total_failures;
}

static void every_attempt_of_a_repeatable_call_counts(void **state)
{
        const struct provider_session dead = session();
        struct http_answer answer = { 0 };
        struct ctx *ctx = *state;
        const struct http_request request = { .method = "GET", .url = dead_url(ctx) };

        assert_rc(ctx, ERR_PROVIDER, provider_call(ctx, &dead, &request, &answer));
        assert_int_equal(failures(ctx), 3);
        assert_true(clock_mono_us(ctx->clock) > FIXTURE_TIME_US);
        assert_rc(ctx, ERR_NOT_READY, provider_call(ctx, &dead, &request, &answer));
        assert_int_equal(failures(ctx), BREAKER_FAILURES);
}

static void a_call_that_may_happen_once_is_made_once(void **state)
{
        const struct provider_session dead = session();
        struct http_answer answer = { 0 };
        struct ctx *ctx = *state;
        const struct http_request request = { .method = "POST", .url = dead_url(ctx) };

        assert_rc(ctx, ERR_PROVIDER, provider_call(ctx, &dead, &request, &answer));
        assert_int_equal(failures(ctx), 1);
        assert_int_equal(clock_mono_us(ctx->clock), FIXTURE_TIME_US);
}

static void a_wrong_setting_is_not_held_against_the_provider(void **state)
{
        struct provider_session wrong = session();
        struct http_answer answer = { 0 };
        struct ctx *ctx = *state;
        const struct http_request request = { .method = "GET", .url = dead_url(ctx) };

        wrong.http.proxy = "ftp://127.0.0.1";
        assert_rc(ctx, ERR_PROVIDER, provider_call(ctx, &wrong, &request, &answer));
        assert_int_equal(failures(ctx), 0);
}

static void mark(struct ctx *ctx, struct http_call *call)
{
        (void)ctx;
        *(char *)call->arg = call->rc == ERR_PROVIDER ? 'f' : call->rc == ERR_NOT_READY ? 'r' : '?';
}

static void of_many_calls_those_after_it_opened_are_not_made(void **state)
{
        const struct provider_session dead = session();
        struct http_call each[8];
        char marks[] = "........";
        const struct http_calls calls = {
                .calls = each, .count = ARRAY_SIZE(each), .width = 1, .done = mark
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(each); i++)
                each[i] = (struct http_call){
                        .request = { .method = "GET", .url = dead_url(ctx) },
                        .arg = &marks[i],
                };
        assert_ok(ctx, provider_call_all(ctx, &dead, &calls));
        assert_string_equal(marks, "fffffrrr");
        assert_ptr_equal(each[7].arg, &marks[7]);
        assert_non_null(strstr(each[7].detail, "temporarily unavailable"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(every_attempt_of_a_repeatable_call_counts),
                FIXTURE_CLOUD_TEST(a_call_that_may_happen_once_is_made_once),
                FIXTURE_CLOUD_TEST(a_wrong_setting_is_not_held_against_the_provider),
                FIXTURE_CLOUD_TEST(of_many_calls_those_after_it_opened_are_not_made),
        };

        return FIXTURE_RUN("provider call", tests);
}
