#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "tests/fixture.h"

static char message[512];

/* Every test starts in an environment that holds HOME only, and without an env file. */
static int setup(void **state)
{
        fixture_setup(state);
        assert_int_equal(clearenv(), 0);
        setenv("HOME", fixture_dir(*state), 1);
        setenv("SIMPLETUNER_CONFIG", "/dev/null", 1);
        message[0] = '\0';
        return 0;
}

static struct config *loaded(void)
{
        struct config *config = NULL;

        if (!config_load(&config, message, sizeof(message)))
                fail_msg("%s", message);
        return config;
}

static void use_file(struct ctx *ctx, const char *text)
{
        setenv("SIMPLETUNER_CONFIG", fixture_write(ctx, "cloud.env", text), 1);
}

/* The start is refused and the message ends so; what stands before names the place. */
static void refused(const char *end)
{
        struct config *config = NULL;
        size_t len, end_len = strlen(end);

        assert_false(config_load(&config, message, sizeof(message)));
        assert_null(config);
        len = strlen(message);
        if (len < end_len || strcmp(message + len - end_len, end) != 0)
                fail_msg("'%s' does not end in '%s'", message, end);
}

static void defaults_are_the_documented_ones(void **state)
{
        struct ctx *ctx = *state;
        CLEANUP(config_freep) struct config *config = loaded();
        char expected[256];

        snprintf(expected, sizeof(expected), "%s/.simpletuner", fixture_dir(ctx));
        assert_string_equal(config->home, expected);
        snprintf(expected, sizeof(expected), "sqlite://%s/.simpletuner/config/cloud/jobs.db",
                 fixture_dir(ctx));
        assert_string_equal(config->database_url, expected);
        assert_string_equal(config->public_url, "");
        assert_int_equal(config->log_level, LOG_INFO);
        assert_int_equal(config->log_format, LOG_JSON);
        assert_string_equal(config->log_file, "");
        assert_true(config->ssl_verify);
        assert_false(config->ssl_verify_set);
        assert_true(config->http_timeout_s == 30);
        assert_false(config->http_timeout_set);
        assert_string_equal(config->https_proxy, "");
        assert_int_equal(config->trusted_proxy_count, 2);
        assert_int_equal(config->webhook_tolerance_s, 300);
        assert_int_equal(config->api_threads, 16);
        assert_int_equal(config->bulk_threads, 32);
        assert_int_equal(config->max_object_bytes, 53687091200);
        assert_int_equal(config->min_free_bytes, 268435456);
        assert_int_equal(config->shutdown_timeout_s, 30);
}

static void the_environment_sets_every_kind(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        (void)state;
        setenv("SIMPLETUNER_HOME", "/srv/tuner/", 1);
        setenv("SIMPLETUNER_PUBLIC_URL", "https://tuner.example/base/", 1);
        setenv("SIMPLETUNER_LOG_LEVEL", "warning", 1);
        setenv("SIMPLETUNER_LOG_FORMAT", "TEXT", 1);
        setenv("SIMPLETUNER_SSL_VERIFY", "no", 1);
        setenv("SIMPLETUNER_HTTP_TIMEOUT", "2.5", 1);
        setenv("SIMPLETUNER_TRUSTED_PROXIES", "10.0.0.0/8 ::1", 1);
        setenv("SIMPLETUNER_API_THREADS", "256", 1);
        config = loaded();
        assert_string_equal(config->home, "/srv/tuner");
        assert_string_equal(config->database_url, "sqlite:///srv/tuner/config/cloud/jobs.db");
        assert_string_equal(config->public_url, "https://tuner.example/base");
        assert_int_equal(config->log_level, LOG_WARNING);
        assert_string_equal(config->log_level_name, "WARNING");
        assert_int_equal(config->log_format, LOG_TEXT);
        assert_false(config->ssl_verify);
        assert_true(config->ssl_verify_set);
        assert_true(config->http_timeout_s == 2.5);
        assert_true(config->http_timeout_set);
        assert_int_equal(config->trusted_proxy_count, 2);
        assert_int_equal(config->api_threads, 256);
}

static void the_file_is_read_and_the_environment_wins(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        use_file(*state, "# a comment\n"
                         "\n"
                         "SIMPLETUNER_API_THREADS=8\n"
                         "export SIMPLETUNER_BULK_THREADS = 9\r\n"
                         "  SIMPLETUNER_LOG_FILE=\"/var/log/a b.log\"\n"
                         "SIMPLETUNER_LOG_LEVEL='DEBUG'\n"
                         "SIMPLETUNER_SHUTDOWN_TIMEOUT=5\n"
                         "SIMPLETUNER_SHUTDOWN_TIMEOUT=6");
        setenv("SIMPLETUNER_API_THREADS", "4", 1);
        config = loaded();
        assert_int_equal(config->api_threads, 4);
        assert_int_equal(config->bulk_threads, 9);
        assert_string_equal(config->log_file, "/var/log/a b.log");
        assert_int_equal(config->log_level, LOG_DEBUG);
        assert_int_equal(config->shutdown_timeout_s, 6);
}

static void an_empty_value_means_the_default(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        use_file(*state, "SIMPLETUNER_API_THREADS=8\nSIMPLETUNER_SSL_VERIFY=\n");
        setenv("SIMPLETUNER_API_THREADS", "", 1);
        config = loaded();
        assert_int_equal(config->api_threads, 16);
        assert_true(config->ssl_verify);
        assert_false(config->ssl_verify_set);
}

static void the_home_of_the_file_is_honoured(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        use_file(*state, "SIMPLETUNER_HOME=~/elsewhere\n");
        config = loaded();
        assert_string_equal(config->home, fixture_path(*state, "elsewhere"));
        assert_non_null(strstr(config->database_url, "/elsewhere/config/cloud/jobs.db"));
}

static void without_a_named_file_the_one_in_the_home_is_read(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        if (access("/etc/simpletuner-cloud/cloud.env", F_OK) == 0)
                skip(); /* this machine has a service of its own, whose file comes first */
        unsetenv("SIMPLETUNER_CONFIG");
        setenv("SIMPLETUNER_HOME", fixture_dir(*state), 1);
        fixture_write(*state, "cloud.env", "SIMPLETUNER_API_THREADS=3\n");
        config = loaded();
        assert_int_equal(config->api_threads, 3);
}

static void a_missing_file_matters_only_when_it_was_named(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        if (access("/etc/simpletuner-cloud/cloud.env", F_OK) != 0) {
                unsetenv("SIMPLETUNER_CONFIG");
                config = loaded();
        }
        setenv("SIMPLETUNER_CONFIG", fixture_path(*state, "missing.env"), 1);
        refused("/missing.env cannot be opened: No such file or directory");
}

static void a_bad_value_names_its_place_and_what_is_allowed(void **state)
{
        use_file(*state, "\n# comment\nSIMPLETUNER_HTTP_TIMEOUT=soon\n");
        refused("/cloud.env:3: SIMPLETUNER_HTTP_TIMEOUT must be a number from 1 to 600");
        setenv("SIMPLETUNER_HTTP_TIMEOUT", "601", 1);
        refused("environment: SIMPLETUNER_HTTP_TIMEOUT must be a number from 1 to 600");
}

static void wrong_values_of_every_kind_are_refused(void **state)
{
        static const char *const wrong[][3] = {
                { "SIMPLETUNER_HOME", "relative/path", "an absolute path" },
                { "SIMPLETUNER_HOME", "/a\nb", "an absolute path" },
                { "SIMPLETUNER_LOG_FILE", "cloud.log", "an absolute path" },
                { "SIMPLETUNER_API_THREADS", "0", "a whole number from 1 to 256" },
                { "SIMPLETUNER_API_THREADS", "-1", "a whole number from 1 to 256" },
                { "SIMPLETUNER_API_THREADS", "1.5", "a whole number from 1 to 256" },
                { "SIMPLETUNER_API_THREADS", "99999999999999999999",
                  "a whole number from 1 to 256" },
                { "SIMPLETUNER_HTTP_TIMEOUT", "nan", "a number from 1 to 600" },
                { "SIMPLETUNER_HTTP_TIMEOUT", "1.2.3", "a number from 1 to 600" },
                { "SIMPLETUNER_SSL_VERIFY", "maybe", "true or false" },
                { "SIMPLETUNER_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING or ERROR" },
                { "SIMPLETUNER_LOG_FORMAT", "xml", "json or text" },
                { "SIMPLETUNER_TRUSTED_PROXIES", "10.0.0.0/8,front",
                  "a list of IP addresses or CIDR ranges" },
                { "SIMPLETUNER_PUBLIC_URL", "tuner.example",
                  "an http or https URL with a host and without query" },
                { "SIMPLETUNER_PUBLIC_URL", "https://tuner.example/?a=b",
                  "an http or https URL with a host and without query" },
                { "SIMPLETUNER_STORAGE_URL", "/var/outputs",
                  "s3://bucket or s3://bucket/prefix, of letters, digits, -, _ and ." },
                { "SIMPLETUNER_STORAGE_URL", "s3:///prefix",
                  "s3://bucket or s3://bucket/prefix, of letters, digits, -, _ and ." },
                { "SIMPLETUNER_STORAGE_URL", "s3://bucket/../x",
                  "s3://bucket or s3://bucket/prefix, of letters, digits, -, _ and ." },
                { "SIMPLETUNER_STORAGE_URL", "s3://bucket/a b",
                  "s3://bucket or s3://bucket/prefix, of letters, digits, -, _ and ." },
                { "SIMPLETUNER_DATABASE_URL", "sqlite://relative.db",
                  "sqlite:///ABSOLUTE/PATH or postgresql://..." },
                { "SIMPLETUNER_DATABASE_URL", "mysql://h/db",
                  "sqlite:///ABSOLUTE/PATH or postgresql://..." },
                { "HTTPS_PROXY", "http://proxy\r\n", "text without control characters" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                setenv(wrong[i][0], wrong[i][1], 1);
                refused(wrong[i][2]);
                assert_non_null(strstr(message, wrong[i][0]));
                unsetenv(wrong[i][0]);
        }
}

static void a_bad_value_is_not_repeated(void **state)
{
        (void)state;
        setenv("SIMPLETUNER_DATABASE_URL", "mysql://user:hunter2@host/db", 1);
        refused("postgresql://...");
        assert_null(strstr(message, "hunter2"));
}

static void postgresql_urls_are_taken_in_both_spellings(void **state)
{
        static const char *const urls[] = { "postgresql://u:p@h/db", "postgres:///db?host=/run",
                                            "sqlite:///var/lib/jobs.db" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
                CLEANUP(config_freep) struct config *config = NULL;

                setenv("SIMPLETUNER_DATABASE_URL", urls[i], 1);
                config = loaded();
                assert_string_equal(config->database_url, urls[i]);
        }
}

static void an_unknown_setting_of_ours_in_the_file_is_an_error(void **state)
{
        use_file(*state, "OTHER=1\nSIMPLETUNER_API_TREADS=8\n");
        refused("/cloud.env:2: unknown setting SIMPLETUNER_API_TREADS");
}

static void a_line_that_assigns_nothing_is_an_error(void **state)
{
        static const char *const wrong[] = { "nonsense\n", "=1\n", "A B=1\n", "1A=1\n",
                                             "export\n" };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                use_file(*state, wrong[i]);
                refused("/cloud.env:1: it is not of the form NAME=VALUE");
        }
}

static void proxies_are_found_under_both_spellings(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        use_file(*state, "NO_PROXY=file.example\nHTTP_PROXY=http://file:1\n");
        setenv("https_proxy", "http://lower:1", 1);
        setenv("http_proxy", "http://lower:2", 1);
        setenv("HTTPS_PROXY", "http://upper:1", 1);
        config = loaded();
        assert_string_equal(config->https_proxy, "http://upper:1");
        assert_string_equal(config->http_proxy, "http://lower:2");
        assert_string_equal(config->no_proxy, "file.example");
}

static void secrets_come_from_the_environment_then_the_file(void **state)
{
        CLEANUP(config_freep) struct config *config = NULL;

        use_file(*state, "REPLICATE_API_TOKEN=r8_file\nFROM_FILE=\"x#y=z\"\nEMPTY=\n");
        setenv("REPLICATE_API_TOKEN", "r8_environment", 1);
        config = loaded();
        assert_string_equal(config_secret(config, "REPLICATE_API_TOKEN"), "r8_environment");
        assert_string_equal(config_secret(config, "FROM_FILE"), "x#y=z");
        assert_null(config_secret(config, "EMPTY"));
        assert_null(config_secret(config, "UNSET"));
}

static void a_config_made_by_hand_has_the_environments_secrets(void **state)
{
        struct config config = { 0 };

        (void)state;
        setenv("REPLICATE_API_TOKEN", "r8_environment", 1);
        assert_string_equal(config_secret(&config, "REPLICATE_API_TOKEN"), "r8_environment");
        assert_null(config_secret(&config, "UNSET"));
}

static void help_has_a_line_for_every_setting_and_no_values(void **state)
{
        FILE *out = fopen(fixture_path(*state, "help"), "we");
        const char *text;
        size_t lines = 0;

        assert_non_null(out);
        setenv("SIMPLETUNER_DATABASE_URL", "postgresql://u:hunter2@h/db", 1);
        config_print_help(out);
        assert_int_equal(fclose(out), 0);
        text = fixture_read(*state, "help");
        assert_non_null(strstr(text, "SIMPLETUNER_WEBHOOK_TIMESTAMP_TOLERANCE"));
        assert_non_null(strstr(text, "(default 127.0.0.0/8,::1/128)"));
        assert_null(strstr(text, "hunter2"));
        for (; *text; text++)
                lines += *text == '\n';
        assert_in_range(lines, 36, 100);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)

static void groups_of_the_front_server_are_mapped(void **state)
{
        static const char *const good[] = { "a=viewer", "a=viewer;b=lead", "cn=x,dc=y=lead",
                                            "a=viewer;" };
        static const char *const bad[] = { "a", "=viewer", "a=", "a=viewer;b", ";a=viewer" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                CLEANUP(config_freep) struct config *config = NULL;

                setenv("SIMPLETUNER_REMOTE_GROUP_LEVELS", good[i], 1);
                config = loaded();
                assert_string_equal(config->remote_group_levels, good[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                setenv("SIMPLETUNER_REMOTE_GROUP_LEVELS", bad[i], 1);
                refused("of the form group=level;group=level");
        }
}

static void no_header_says_the_groups(void **state)
{
        static const char *const bad[] = { "HTTP_X_GROUPS", "http_groups", "Remote-Groups", "a b" };
        CLEANUP(config_freep) struct config *config = NULL;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                setenv("SIMPLETUNER_REMOTE_GROUPS_VARIABLE", bad[i], 1);
                refused("letters, digits and _, and not begin with HTTP_");
        }
        setenv("SIMPLETUNER_REMOTE_GROUPS_VARIABLE", "OIDC_CLAIM_groups", 1);
        config = loaded();
        assert_string_equal(config->remote_groups_variable, "OIDC_CLAIM_groups");
        assert_string_equal(config->remote_user_level, "viewer");
        assert_false(config->trust_remote_user);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(defaults_are_the_documented_ones),
                CASE(the_environment_sets_every_kind),
                CASE(the_file_is_read_and_the_environment_wins),
                CASE(an_empty_value_means_the_default),
                CASE(the_home_of_the_file_is_honoured),
                CASE(without_a_named_file_the_one_in_the_home_is_read),
                CASE(a_missing_file_matters_only_when_it_was_named),
                CASE(a_bad_value_names_its_place_and_what_is_allowed),
                CASE(wrong_values_of_every_kind_are_refused),
                CASE(a_bad_value_is_not_repeated),
                CASE(postgresql_urls_are_taken_in_both_spellings),
                CASE(an_unknown_setting_of_ours_in_the_file_is_an_error),
                CASE(a_line_that_assigns_nothing_is_an_error),
                CASE(proxies_are_found_under_both_spellings),
                CASE(secrets_come_from_the_environment_then_the_file),
                CASE(a_config_made_by_hand_has_the_environments_secrets),
                CASE(groups_of_the_front_server_are_mapped),
                CASE(no_header_says_the_groups),
                CASE(help_has_a_line_for_every_setting_and_no_values),
        };

        return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
