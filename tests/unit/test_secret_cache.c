#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cloud/secrets/secret_cache.h"
#include "tests/fixture_db.h"

/* A source that does as the test says. */
static struct {
        atomic_uint asked;
        atomic_bool is_away, is_slow, is_let_go;
        const char *answer;
        double valid_s;
} fake;

static enum err fetch(struct ctx *ctx, void *state, json_t **ret, double *ret_s)
{
        (void)state;
        atomic_fetch_add(&fake.asked, 1);
        while (atomic_load(&fake.is_slow) && !atomic_load(&fake.is_let_go))
                usleep(1000);
        if (atomic_load(&fake.is_away))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "it is on holiday");
        *ret = json_loads(fake.answer, 0, NULL);
        if (fake.valid_s > 0)
                *ret_s = fake.valid_s;
        return OK;
}

static void forget(void *state)
{
        (void)state;
}

static const struct secret_source source = {
        .name = "fake", .fetch = fetch, .forget = forget, .state_size = 1
};

static struct secret_cache *start(struct ctx *ctx)
{
        struct secret_cache *cache = NULL;

        fake.asked = 0;
        fake.is_away = fake.is_slow = fake.is_let_go = false;
        fake.answer = "{\"T\":\"one\"}";
        fake.valid_s = 0;
        assert_ok(ctx, secret_cache_new(ctx, &source, &cache));
        return cache;
}

static const char *get(struct ctx *ctx, struct secret_cache *cache, const char *name)
{
        const char *value = NULL;
        enum err rc = secret_cache_get(ctx, cache, name, &value);

        if (rc == ERR_NOT_FOUND)
                return "not found";
        return rc == OK ? value : err_code(rc);
}

static void pass_s(struct ctx *ctx, int64_t seconds)
{
        fixture_advance_us(ctx, seconds * US_PER_S);
}

static void what_is_known_is_asked_for_again_when_its_time_is_over(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        assert_string_equal(get(ctx, cache, "T"), "one");
        fake.answer = "{\"T\":\"two\"}";
        pass_s(ctx, 299);
        assert_string_equal(get(ctx, cache, "T"), "one");
        assert_int_equal(fake.asked, 1);
        pass_s(ctx, 1);
        assert_string_equal(get(ctx, cache, "T"), "two");
        fake.valid_s = 20;
        pass_s(ctx, 300);
        assert_string_equal(get(ctx, cache, "T"), "two");
        pass_s(ctx, 20);
        assert_string_equal(get(ctx, cache, "T"), "two");
        assert_int_equal(fake.asked, 4);
        secret_cache_free(cache);
}

static void what_is_missing_is_asked_for_again_soon(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        assert_string_equal(get(ctx, cache, "NEW"), "not found");
        fake.answer = "{\"T\":\"one\",\"NEW\":\"here\"}";
        pass_s(ctx, SECRET_MISSING_S - 1);
        assert_string_equal(get(ctx, cache, "NEW"), "not found");
        assert_int_equal(fake.asked, 1);
        pass_s(ctx, 1);
        assert_string_equal(get(ctx, cache, "NEW"), "here");
        assert_int_equal(fake.asked, 2);
        secret_cache_free(cache);
}

static void a_flush_asks_anew_at_once(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        assert_string_equal(get(ctx, cache, "T"), "one");
        fake.answer = "{\"T\":\"two\"}";
        secret_cache_flush(cache);
        assert_string_equal(get(ctx, cache, "T"), "two");
        assert_string_equal(get(ctx, cache, "T"), "two");
        assert_int_equal(fake.asked, 2);
        secret_cache_free(cache);
}

static void a_source_that_is_away_is_no_source_without_the_name(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);
        struct secret_status status = { 0 };

        fake.is_away = true;
        assert_string_equal(get(ctx, cache, "T"), "unavailable");
        assert_non_null(strstr(ctx->detail, "fake"));
        assert_non_null(strstr(ctx->detail, "it is on holiday"));
        pass_s(ctx, SECRET_RETRY_S - 1);
        assert_string_equal(get(ctx, cache, "T"), "unavailable");
        assert_int_equal(fake.asked, 1);
        assert_ok(ctx, secret_cache_status(ctx, cache, &status));
        assert_false(status.is_up);
        assert_string_equal(status.error, "it is on holiday");
        assert_int_equal(status.succeeded_us, 0);
        pass_s(ctx, 1);
        fake.is_away = false;
        assert_string_equal(get(ctx, cache, "T"), "one");
        status = (struct secret_status){ 0 };
        assert_ok(ctx, secret_cache_status(ctx, cache, &status));
        assert_true(status.is_up);
        assert_null(status.error);
        assert_true(status.succeeded_us > status.failed_us);
        secret_cache_free(cache);
}

static void what_was_known_serves_while_the_source_is_away_but_not_for_ever(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        assert_string_equal(get(ctx, cache, "T"), "one");
        fake.is_away = true;
        pass_s(ctx, 3599);
        assert_string_equal(get(ctx, cache, "T"), "one");
        assert_string_equal(get(ctx, cache, "NONE"), "not found");
        assert_int_equal(fake.asked, 2);
        pass_s(ctx, 1);
        assert_string_equal(get(ctx, cache, "T"), "unavailable");
        secret_cache_free(cache);
}

static void a_flush_while_the_source_is_away_loses_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        assert_string_equal(get(ctx, cache, "T"), "one");
        fake.is_away = true;
        secret_cache_flush(cache);
        assert_string_equal(get(ctx, cache, "T"), "one");
        assert_string_equal(get(ctx, cache, "T"), "one");
        assert_int_equal(fake.asked, 2);
        secret_cache_free(cache);
}

static void nothing_is_asked_inside_a_transaction(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_string_equal(get(ctx, cache, "T"), "unavailable");
        assert_ok(ctx, db_commit(&tx));
        assert_string_equal(get(ctx, cache, "T"), "one");
        pass_s(ctx, 400);
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_string_equal(get(ctx, cache, "T"), "one");
        assert_int_equal(fake.asked, 1);
        secret_cache_free(cache);
}

static bool get_one(struct ctx *ctx, unsigned index, void *arg)
{
        (void)index;
        return strcmp(get(ctx, arg, "T"), "one") == 0;
}

static void many_who_ask_at_once_are_one_call(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        fixture_threads(ctx, 16, get_one, cache);
        assert_int_equal(fake.asked, 1);
        secret_cache_free(cache);
}

/* The first asks and waits for the source, which answers when all others have what was known. */
static atomic_uint served;
static bool one_waits_for_the_source(struct ctx *ctx, unsigned index, void *arg)
{
        (void)index;
        if (strcmp(get(ctx, arg, "T"), "one") != 0)
                return false;
        if (atomic_fetch_add(&served, 1) + 1 == 7)
                atomic_store(&fake.is_let_go, true);
        return true;
}

static void others_take_what_was_known_while_one_asks(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        assert_string_equal(get(ctx, cache, "T"), "one");
        pass_s(ctx, 400);
        fake.is_slow = true;
        served = 0;
        fixture_threads(ctx, 8, one_waits_for_the_source, cache);
        assert_int_equal(fake.asked, 2);
        secret_cache_free(cache);
}

static void it_is_kept_fresh_when_it_is_used_at_all(void **state)
{
        struct ctx *ctx = *state;
        struct secret_cache *cache = start(ctx);

        secret_cache_keep(ctx, cache);
        assert_int_equal(fake.asked, 0);
        assert_string_equal(get(ctx, cache, "T"), "one");
        pass_s(ctx, 225);
        secret_cache_keep(ctx, cache);
        assert_int_equal(fake.asked, 1);
        pass_s(ctx, 1);
        secret_cache_keep(ctx, cache);
        assert_int_equal(fake.asked, 2);
        secret_cache_flush(cache);
        secret_cache_keep(ctx, cache);
        assert_int_equal(fake.asked, 3);
        fake.is_away = true;
        pass_s(ctx, 226);
        secret_cache_keep(ctx, cache);
        secret_cache_keep(ctx, cache);
        assert_int_equal(fake.asked, 4);
        pass_s(ctx, SECRET_RETRY_S);
        secret_cache_keep(ctx, cache);
        assert_int_equal(fake.asked, 5);
        secret_cache_free(cache);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(what_is_known_is_asked_for_again_when_its_time_is_over),
                FIXTURE_CLOUD_TEST(what_is_missing_is_asked_for_again_soon),
                FIXTURE_CLOUD_TEST(a_flush_asks_anew_at_once),
                FIXTURE_CLOUD_TEST(a_source_that_is_away_is_no_source_without_the_name),
                FIXTURE_CLOUD_TEST(what_was_known_serves_while_the_source_is_away_but_not_for_ever),
                FIXTURE_CLOUD_TEST(a_flush_while_the_source_is_away_loses_nothing),
                FIXTURE_CLOUD_TEST(nothing_is_asked_inside_a_transaction),
                FIXTURE_CLOUD_TEST(many_who_ask_at_once_are_one_call),
                FIXTURE_CLOUD_TEST(others_take_what_was_known_while_one_asks),
                FIXTURE_CLOUD_TEST(it_is_kept_fresh_when_it_is_used_at_all),
        };

        return cmocka_run_group_tests_name("secret_cache", tests, NULL, NULL);
}
