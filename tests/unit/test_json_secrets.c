#include <string.h>

#include "core/base/json_secrets.h"
#include "tests/fixture.h"

static const char *masked(struct ctx *ctx, const char *text)
{
        CLEANUP(json_decrefp) json_t *tree = json_loads(text, JSON_DECODE_ANY, NULL);
        const json_t *shown;
        const char *result;

        assert_non_null(tree);
        assert_int_equal(json_without_secrets(ctx, tree, &shown), OK);
        assert_int_equal(json_text(ctx, shown, &result), OK);
        return result;
}

static void members_named_like_secrets_are_masked(void **state)
{
        static const char *const names[] = { "token",       "hf_token",     "AWS_SECRET_ACCESS_KEY",
                                             "secret_key",  "access_key",   "AWS_ACCESS_KEY_ID",
                                             "apiKey",      "password",     "wandb_api_key",
                                             "accessKeyId", "Authorization" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                assert_string_equal(
                        masked(ctx, arena_printf(ctx->arena, "{\"%s\":\"r8_x\"}", names[i])),
                        arena_printf(ctx->arena, "{\"%s\":\"***\"}", names[i]));
}

static void other_members_stay_as_they_are(void **state)
{
        static const char text[] = "{\"keyword\":\"k\",\"push\":true,\"steps\":10,"
                                   "\"token\":null,\"tokenizer\":\"t5\"}";

        assert_string_equal(masked(*state, text), text);
}

static void secrets_are_found_at_any_depth(void **state)
{
        assert_string_equal(masked(*state, "{\"a\":[{\"secret\":{\"password\":\"p\"}}],"
                                           "\"keys\":[\"x\"],\"token\":7}"),
                            "{\"a\":[{\"secret\":{\"password\":\"***\"}}],\"keys\":[\"x\"],"
                            "\"token\":\"***\"}");
}

static void all_that_a_secret_consists_of_is_masked(void **state)
{
        assert_string_equal(masked(*state, "{\"after\":\"x\",\"credentials\":{\"on\":true,"
                                           "\"user\":\"u\"},\"tokens\":[\"a\",[\"b\"]]}"),
                            "{\"after\":\"x\",\"credentials\":{\"on\":true,"
                            "\"user\":\"***\"},\"tokens\":[\"***\",[\"***\"]]}");
}

static void the_original_is_not_changed(void **state)
{
        CLEANUP(json_decrefp) json_t *tree = json_pack("{s:{s:s}}", "a", "token", "t");
        struct ctx *ctx = *state;
        const json_t *shown;

        assert_int_equal(json_without_secrets(ctx, tree, &shown), OK);
        assert_string_equal(json_string_at(json_object_get(tree, "a"), "token"), "t");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(members_named_like_secrets_are_masked),
                FIXTURE_TEST(other_members_stay_as_they_are),
                FIXTURE_TEST(secrets_are_found_at_any_depth),
                FIXTURE_TEST(all_that_a_secret_consists_of_is_masked),
                FIXTURE_TEST(the_original_is_not_changed),
        };

        return cmocka_run_group_tests_name("json secrets", tests, NULL, NULL);
}
