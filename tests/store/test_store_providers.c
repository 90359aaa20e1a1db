#include "core/store/store_providers.h"
#include "tests/fixture_db.h"

static void put(struct ctx *ctx, const char *provider, const char *config)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, db_lock(ctx, provider));
        assert_ok(ctx, store_provider_put(ctx, provider, config));
        assert_ok(ctx, db_commit(&tx));
}

static const char *config_of(struct ctx *ctx, const char *provider)
{
        const char *config = NULL;

        assert_ok(ctx, store_provider_get(ctx, provider, &config));
        return config;
}

static void settings_that_were_never_set_are_an_empty_object(void **state)
{
        assert_string_equal(config_of(*state, "replicate"), "{}");
}

static void settings_read_back_as_they_were_written(void **state)
{
        put(*state, "replicate", "{\"org_id\":\"\xc3\xa9'\\u0000\"}");
        assert_string_equal(config_of(*state, "replicate"), "{\"org_id\":\"\xc3\xa9'\\u0000\"}");
}

static void new_settings_replace_the_old_of_their_provider_only(void **state)
{
        struct ctx *ctx = *state;

        put(ctx, "replicate", "{\"a\":1}");
        put(ctx, "elsewhere", "{\"b\":2}");
        put(ctx, "replicate", "{\"c\":3}");
        assert_string_equal(config_of(ctx, "replicate"), "{\"c\":3}");
        assert_string_equal(config_of(ctx, "elsewhere"), "{\"b\":2}");
}

static void settings_that_are_not_committed_are_forgotten(void **state)
{
        struct ctx *ctx = *state;

        put(ctx, "replicate", "{\"a\":1}");
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, store_provider_put(ctx, "replicate", "{}"));
        }
        assert_string_equal(config_of(ctx, "replicate"), "{\"a\":1}");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(settings_that_were_never_set_are_an_empty_object),
                FIXTURE_DB_TEST(settings_read_back_as_they_were_written),
                FIXTURE_DB_TEST(new_settings_replace_the_old_of_their_provider_only),
                FIXTURE_DB_TEST(settings_that_are_not_committed_are_forgotten),
        };

        return FIXTURE_RUN("store providers", tests);
}
