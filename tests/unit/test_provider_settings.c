#include <string.h>

#include "core/cloud/provider/provider_settings.h"
#include "tests/fixture_db.h"

#define PROVIDER "replicate"

static enum err update(struct ctx *ctx, const char *patch)
{
        CLEANUP(json_decrefp) json_t *json = NULL;

        assert_ok(ctx, json_parse_object(ctx, "patch", patch, strlen(patch), &json));
        return provider_settings_update(ctx, PROVIDER, json);
}

static struct provider_settings loaded(struct ctx *ctx)
{
        struct provider_settings settings;

        assert_ok(ctx, provider_settings_load(ctx, PROVIDER, &settings));
        return settings;
}

/* What an administrator sees, as text with sorted keys. */
static const char *view(struct ctx *ctx)
{
        CLEANUP(json_decrefp) json_t *json = NULL;
        const char *text;

        assert_ok(ctx, provider_settings_view(ctx, PROVIDER, &json));
        assert_ok(ctx, json_text(ctx, json, &text));
        return text;
}

static void nothing_set_means_the_defaults(void **state)
{
        struct ctx *ctx = *state;
        struct provider_settings settings = loaded(ctx);

        assert_string_equal(view(ctx), "{}");
        assert_null(settings.api_base_url);
        assert_null(settings.webhook_allowed_ips);
        assert_null(settings.proxy_url);
        assert_true(settings.webhook_require_signature);
        assert_true(settings.ssl_verify);
        assert_true(settings.s3_endpoint_enabled);
        assert_false(settings.cost_limit_enabled);
        assert_string_equal(settings.cost_limit_period, "monthly");
        assert_string_equal(settings.cost_limit_action, "warn");
        assert_true(settings.http_timeout == 0 && settings.max_runtime_minutes == 0);
}

/* Of each field, a value as given and as it is stored ("": the same), and wrong values. */
/* clang-format off */
static const struct {
        const char *name, *good, *stored;
        const char *wrong[4];
} fields[] = {
        { "version_override", "\" v:1 \"", "\"v:1\"", { "7", "[]" } },
        { "webhook_url", "\"https://x.example/a?b\"", "", { "\"x.example\"", "\"ftp://x\"", "1" } },
        { "preferences", "{\"a\":[1]}", "", { "[]", "\"x\"" } },
        { "cost_limit_enabled", "true", "", { "1", "\"true\"" } },
        { "cost_limit_amount", "12.5", "", { "-0.01", "\"12\"", "1e13" } },
        { "cost_limit_period", "\"weekly\"", "", { "\"yearly\"", "1" } },
        { "cost_limit_action", "\"block\"", "", { "\"explode\"" } },
        { "hardware_info",
          "{\"gpu-h100\":{\"cost_per_second\":0.5}}",
          "",
          { "{\"x\":{}}", "{\"x\":{\"cost_per_second\":-1}}", "{\"x\":1}", "[]" } },
        { "hardware_profile", "\"1xH100\"", "\"h100\"", { "\"a100\"", "1" } },
        { "webhook_require_signature", "false", "", { "0", "\"no\"" } },
        { "webhook_allowed_ips",
          "[\"10.0.0.0/8\",\"::1\"]",
          "",
          { "[\"10.0.0.256\"]", "[1]", "\"10.0.0.1\"" } },
        { "ssl_verify", "false", "", { "\"false\"" } },
        { "ssl_ca_bundle", "\"/dev/../etc/passwd\"", "", { "\"etc/passwd\"", "\"/nowhere\"",
                                                           "\"/etc\"" } },
        { "proxy_url",
          "\"socks5h://proxy.example:1080\"",
          "",
          { "\"proxy.example\"", "\"http://\"", "\"http://a@:80\"", "\"ftp://x\"" } },
        { "http_timeout", "0.5", "", { "601", "\"30\"", "0.05" } },
        { "webhook_rate_limit_max", "10000", "", { "0", "10001", "1.5" } },
        { "webhook_rate_limit_window", "3600", "", { "0", "3601" } },
        { "s3_rate_limit_max", "1", "", { "0", "10001" } },
        { "s3_rate_limit_window", "1", "", { "-1", "3601" } },
        { "org_id", "\"\xc3\xa9\"", "", { "1" } },
        { "api_base_url", "\"http://127.0.0.1:9443/v1//\"", "\"http://127.0.0.1:9443/v1\"",
          { "\"127.0.0.1\"", "\"https://\"", "\"https://u:p@x\"" } },
        { "max_runtime_minutes", "525600", "", { "0", "525601", "\"1\"" } },
        { "s3_endpoint_enabled", "false", "", { "1", "\"yes\"" } },
        { "s3_public_url", "\" https://x.example/base/ \"", "\"https://x.example/base\"",
          { "\"x.example\"", "\"https://x example\"" } },
        { "s3_output_path", "\"/srv/outputs/\"", "\"/srv/outputs\"",
          { "\"outputs\"", "\"~\"", "\"/srv/../etc\"", "\"/srv/..\"" } },
};
/* clang-format on */

static void every_field_is_stored_and_shown(void **state)
{
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                const char *name = fields[i].name, *good = fields[i].good;
                const char *stored = *fields[i].stored ? fields[i].stored : good;

                if (update(ctx, arena_printf(ctx->arena, "{\"%s\":%s}", name, good)) != OK)
                        fail_msg("%s: %s", name, ctx->detail);
                if (!strstr(view(ctx), arena_printf(ctx->arena, "\"%s\":%s", name, stored)))
                        fail_msg("%s is not %s in %s", name, stored, view(ctx));
        }
        loaded(ctx);
}

static void a_wrong_value_is_refused_by_the_name_of_its_field(void **state)
{
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                for (size_t j = 0; j < ARRAY_SIZE(fields[i].wrong); j++) {
                        const char *name = fields[i].name, *wrong = fields[i].wrong[j];

                        if (!wrong)
                                continue;
                        if (update(ctx, arena_printf(ctx->arena, "{\"%s\":%s}", name, wrong)) !=
                                    ERR_INVALID ||
                            !strstr(ctx->detail, name))
                                fail_msg("%s: %s gives \"%s\"", name, wrong, ctx->detail);
                }
        }
        assert_string_equal(view(ctx), "{}");
}

static void the_stored_values_are_the_effective_ones(void **state)
{
        struct ctx *ctx = *state;
        struct provider_settings settings;

        assert_ok(ctx, update(ctx, "{\"ssl_verify\":false,\"http_timeout\":2.5,"
                                   "\"cost_limit_amount\":3,\"max_runtime_minutes\":90,"
                                   "\"webhook_allowed_ips\":[\"::1\"],"
                                   "\"s3_output_path\":\"~/files\"}"));
        settings = loaded(ctx);
        assert_false(settings.ssl_verify);
        assert_true(settings.http_timeout == 2.5);
        assert_true(settings.cost_limit_amount == 3);
        assert_true(settings.max_runtime_minutes == 90);
        assert_int_equal(json_array_size(settings.webhook_allowed_ips), 1);
        assert_string_equal(settings.s3_output_path, fixture_path(ctx, "files"));
}

static void without_a_setting_the_environment_decides_on_verification(void **state)
{
        struct ctx *ctx = *state;

        fixture_config(ctx)->ssl_verify = false;
        assert_false(loaded(ctx).ssl_verify);
        assert_ok(ctx, update(ctx, "{\"ssl_verify\":true}"));
        assert_true(loaded(ctx).ssl_verify);
}

static void a_missing_or_null_field_is_left_alone(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, update(ctx, "{\"org_id\":\"a\",\"ssl_verify\":false}"));
        assert_ok(ctx, update(ctx, "{\"org_id\":null,\"version_override\":\"v\"}"));
        assert_ok(ctx, update(ctx, "{}"));
        assert_string_equal(view(ctx),
                            "{\"org_id\":\"a\",\"ssl_verify\":false,\"version_override\":\"v\"}");
}

static void an_empty_text_removes_a_setting(void **state)
{
        static const char *const empty[] = { "\"\"", "\"  \"" };
        static const char *const names[] = { "version_override", "webhook_url",
                                             "hardware_profile", "ssl_ca_bundle",
                                             "proxy_url",        "org_id",
                                             "api_base_url",     "s3_public_url",
                                             "s3_output_path",   "cost_limit_period" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(empty); i++) {
                const char *name = names[i / ARRAY_SIZE(empty)];

                for (size_t f = 0; f < ARRAY_SIZE(fields); f++) {
                        if (strcmp(fields[f].name, name) == 0)
                                assert_ok(ctx, update(ctx, arena_printf(ctx->arena, "{\"%s\":%s}",
                                                                        name, fields[f].good)));
                }
                assert_string_not_equal(view(ctx), "{}");
                assert_ok(ctx, update(ctx, arena_printf(ctx->arena, "{\"%s\":%s}", name,
                                                        empty[i % ARRAY_SIZE(empty)])));
                assert_string_equal(view(ctx), "{}");
        }
}

static void a_time_out_of_nothing_removes_it(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, update(ctx, "{\"http_timeout\":5}"));
        assert_ok(ctx, update(ctx, "{\"http_timeout\":0}"));
        assert_string_equal(view(ctx), "{}");
        assert_ok(ctx, update(ctx, "{\"http_timeout\":-1}"));
        assert_string_equal(view(ctx), "{}");
}

static void an_unknown_field_is_refused(void **state)
{
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_INVALID, update(ctx, "{\"org_id\":\"a\",\"colour\":\"red\"}"));
        assert_non_null(strstr(ctx->detail, "colour"));
        assert_rc(ctx, ERR_INVALID, update(ctx, "{\"\":1}"));
        assert_string_equal(view(ctx), "{}");
}

static void one_bad_field_keeps_the_good_ones_out(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, update(ctx, "{\"org_id\":\"a\"}"));
        assert_rc(ctx, ERR_INVALID, update(ctx, "{\"org_id\":\"b\",\"http_timeout\":999}"));
        assert_string_equal(view(ctx), "{\"org_id\":\"a\"}");
}

static void a_password_in_the_proxy_is_never_shown(void **state)
{
        static const char *const cases[][2] = {
                { "http://user:s3cret@proxy.example:8080", "http://user:***@proxy.example:8080" },
                { "http://user:p@ss:w@proxy.example", "http://user:***@proxy.example" },
                { "http://user@proxy.example:8080", "http://user@proxy.example:8080" },
                { "http://proxy.example:8080", "http://proxy.example:8080" },
                { "socks5://:s3cret@proxy.example", "socks5://:***@proxy.example" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_ok(ctx, update(ctx, arena_printf(ctx->arena, "{\"proxy_url\":\"%s\"}",
                                                        cases[i][0])));
                assert_string_equal(
                        view(ctx), arena_printf(ctx->arena, "{\"proxy_url\":\"%s\"}", cases[i][1]));
                assert_string_equal(loaded(ctx).proxy_url, cases[i][0]);
        }
}

static void the_masked_form_sent_back_keeps_the_password(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, update(ctx, "{\"proxy_url\":\"http://u:s3cret@proxy.example\"}"));
        assert_ok(ctx, update(ctx, "{\"proxy_url\":\"http://u:***@proxy.example\"}"));
        assert_string_equal(loaded(ctx).proxy_url, "http://u:s3cret@proxy.example");
        assert_ok(ctx, update(ctx, "{\"proxy_url\":\"http://u:new@proxy.example\"}"));
        assert_string_equal(loaded(ctx).proxy_url, "http://u:new@proxy.example");
}

static bool set_own_field(struct ctx *ctx, unsigned index, void *arg)
{
        static const char *const names[] = {
                "cost_limit_amount", "webhook_rate_limit_max", "webhook_rate_limit_window",
                "s3_rate_limit_max", "s3_rate_limit_window",   "max_runtime_minutes",
                "http_timeout",
        };

        (void)arg;
        for (int i = 1; i <= 10; i++) {
                CLEANUP(json_decrefp) json_t *patch = NULL;

                if (index < ARRAY_SIZE(names))
                        patch = json_pack("{s:i}", names[index], i);
                else
                        patch = json_pack("{s:s}", "org_id", i % 2 ? "odd" : "even");
                if (provider_settings_update(ctx, PROVIDER, patch) != OK)
                        return false;
        }
        return true;
}

static void updates_at_once_lose_nothing(void **state)
{
        struct ctx *ctx = *state;

        fixture_threads(ctx, 8, set_own_field, NULL);
        assert_string_equal(view(ctx),
                            "{\"cost_limit_amount\":10,\"http_timeout\":10,"
                            "\"max_runtime_minutes\":10,\"org_id\":\"even\","
                            "\"s3_rate_limit_max\":10,\"s3_rate_limit_window\":10,"
                            "\"webhook_rate_limit_max\":10,\"webhook_rate_limit_window\":10}");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(nothing_set_means_the_defaults),
                FIXTURE_CLOUD_TEST(every_field_is_stored_and_shown),
                FIXTURE_CLOUD_TEST(a_wrong_value_is_refused_by_the_name_of_its_field),
                FIXTURE_CLOUD_TEST(the_stored_values_are_the_effective_ones),
                FIXTURE_CLOUD_TEST(without_a_setting_the_environment_decides_on_verification),
                FIXTURE_CLOUD_TEST(a_missing_or_null_field_is_left_alone),
                FIXTURE_CLOUD_TEST(an_empty_text_removes_a_setting),
                FIXTURE_CLOUD_TEST(a_time_out_of_nothing_removes_it),
                FIXTURE_CLOUD_TEST(an_unknown_field_is_refused),
                FIXTURE_CLOUD_TEST(one_bad_field_keeps_the_good_ones_out),
                FIXTURE_CLOUD_TEST(a_password_in_the_proxy_is_never_shown),
                FIXTURE_CLOUD_TEST(the_masked_form_sent_back_keeps_the_password),
                FIXTURE_CLOUD_TEST(updates_at_once_lose_nothing),
        };

        return FIXTURE_RUN("provider settings", tests);
}
