#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/cloud/secrets/secrets.h"
#include "tests/fixture_db.h"

#define NAME "REPLICATE_API_TOKEN"

static const char *get(struct ctx *ctx, const char *name)
{
        struct secret secret;
        enum err rc = secrets_get(ctx, name, &secret);

        if (rc == ERR_NOT_FOUND)
                return NULL;
        assert_ok(ctx, rc);
        assert_int_equal(secret.len, strlen(secret.bytes));
        return secret.bytes;
}

static void write_file(struct ctx *ctx, const char *text, mode_t mode)
{
        assert_int_equal(chmod(fixture_write(ctx, "secrets.json", text), mode), 0);
}

static mode_t mode_of(struct ctx *ctx, const char *name)
{
        struct stat st;

        assert_int_equal(stat(fixture_path(ctx, name), &st), 0);
        return st.st_mode & 07777;
}

static void a_secret_nobody_set_is_not_found(void **state)
{
        struct ctx *ctx = *state;
        struct secret untouched = { .bytes = "untouched" };

        assert_rc(ctx, ERR_NOT_FOUND, secrets_get(ctx, NAME, &untouched));
        assert_string_equal(untouched.bytes, "untouched");
        write_file(ctx, "{\"" NAME "\":\"\",\"OTHER\":null}", 0600);
        assert_null(get(ctx, NAME));
        assert_null(get(ctx, "OTHER"));
}

static void the_environment_goes_before_the_file(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, secrets_put(ctx, NAME, "from the file"));
        assert_string_equal(get(ctx, NAME), "from the file");
        setenv(NAME, "from the environment", 1);
        assert_string_equal(get(ctx, NAME), "from the environment");
        setenv(NAME, "", 1);
        assert_string_equal(get(ctx, NAME), "from the file");
}

static void a_saved_secret_reads_back_until_it_is_deleted(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, secrets_put(ctx, NAME, "r8_\xc3\xa9\"\\\n"));
        assert_ok(ctx, secrets_put(ctx, "OTHER", "o"));
        assert_string_equal(get(ctx, NAME), "r8_\xc3\xa9\"\\\n");
        assert_ok(ctx, secrets_put(ctx, NAME, "new"));
        assert_string_equal(get(ctx, NAME), "new");
        assert_ok(ctx, secrets_delete(ctx, NAME));
        assert_ok(ctx, secrets_delete(ctx, NAME));
        assert_null(get(ctx, NAME));
        assert_string_equal(get(ctx, "OTHER"), "o");
}

static void the_file_is_for_its_owner_alone(void **state)
{
        struct ctx *ctx = *state;
        mode_t old = umask(0);

        assert_ok(ctx, secrets_put(ctx, NAME, "x"));
        umask(old);
        assert_string_equal(secrets_path(ctx->cloud->secrets), fixture_path(ctx, "secrets.json"));
        assert_int_equal(mode_of(ctx, "secrets.json"), 0600);
}

static void a_file_that_others_may_read_is_not_believed(void **state)
{
        static const mode_t unsafe[] = { 0640, 0604, 0660, 0622 };
        struct ctx *ctx = *state;
        struct secret secret;

        for (size_t i = 0; i < ARRAY_SIZE(unsafe); i++) {
                write_file(ctx, "{\"" NAME "\":\"x\"}", unsafe[i]);
                assert_rc(ctx, ERR_UNAVAILABLE, secrets_get(ctx, NAME, &secret));
                assert_non_null(strstr(ctx->detail, "chmod 600"));
                assert_rc(ctx, ERR_UNAVAILABLE, secrets_put(ctx, "OTHER", "o"));
                assert_string_equal(fixture_read(ctx, "secrets.json"), "{\"" NAME "\":\"x\"}");
        }
        write_file(ctx, "{\"" NAME "\":\"x\"}", 0600);
        assert_string_equal(get(ctx, NAME), "x");
        assert_int_equal(chmod(fixture_path(ctx, "secrets.json"), 0644), 0);
        assert_rc(ctx, ERR_UNAVAILABLE, secrets_get(ctx, NAME, &secret));
}

static void a_damaged_file_is_left_as_it_is(void **state)
{
        static const char *const damaged[] = { "", "{", "[]", "{\"a\":1}{", "null", "\xff" };
        struct ctx *ctx = *state;
        struct secret secret;

        for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
                write_file(ctx, damaged[i], 0600);
                assert_rc(ctx, ERR_UNAVAILABLE, secrets_get(ctx, NAME, &secret));
                assert_rc(ctx, ERR_UNAVAILABLE, secrets_put(ctx, NAME, "x"));
                assert_string_equal(fixture_read(ctx, "secrets.json"), damaged[i]);
        }
}

static void a_file_that_is_a_link_or_a_directory_is_not_believed(void **state)
{
        struct ctx *ctx = *state;
        struct secret secret;

        fixture_write(ctx, "elsewhere", "{\"" NAME "\":\"x\"}");
        assert_int_equal(chmod(fixture_path(ctx, "elsewhere"), 0600), 0);
        assert_int_equal(symlink("elsewhere", fixture_path(ctx, "secrets.json")), 0);
        assert_rc(ctx, ERR_UNAVAILABLE, secrets_get(ctx, NAME, &secret));
        assert_int_equal(unlink(fixture_path(ctx, "secrets.json")), 0);
        assert_int_equal(mkdir(fixture_path(ctx, "secrets.json"), 0700), 0);
        assert_rc(ctx, ERR_UNAVAILABLE, secrets_get(ctx, NAME, &secret));
}

static void a_change_by_another_process_is_seen(void **state)
{
        struct ctx *ctx = *state;
        struct secrets *own = ctx->cloud->secrets, *other = NULL;

        assert_ok(ctx, secrets_new(ctx, &other));
        assert_ok(ctx, secrets_put(ctx, NAME, "one"));
        ctx->cloud->secrets = other;
        assert_string_equal(get(ctx, NAME), "one");
        assert_ok(ctx, secrets_put(ctx, NAME, "two"));
        ctx->cloud->secrets = own;
        assert_string_equal(get(ctx, NAME), "two");
        assert_int_equal(unlink(fixture_path(ctx, "secrets.json")), 0);
        assert_null(get(ctx, NAME));
        secrets_free(other);
}

/* Two replacements within one tick of the file system's clock, which may be some milliseconds; the
 * second file may even get the number that the first had. */
static void a_change_is_seen_whatever_the_time_of_the_file(void **state)
{
        struct ctx *ctx = *state;
        struct secrets *own = ctx->cloud->secrets, *other = NULL;
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
        struct stat st;

        assert_ok(ctx, secrets_new(ctx, &other));
        assert_ok(ctx, secrets_put(ctx, NAME, "one"));
        assert_string_equal(get(ctx, NAME), "one");
        assert_int_equal(stat(fixture_path(ctx, "secrets.json"), &st), 0);
        times[1] = st.st_mtim;
        ctx->cloud->secrets = other;
        assert_ok(ctx, secrets_put(ctx, NAME, "two"));
        assert_ok(ctx, secrets_put(ctx, NAME, "six"));
        assert_int_equal(utimensat(AT_FDCWD, fixture_path(ctx, "secrets.json"), times, 0), 0);
        ctx->cloud->secrets = own;
        assert_string_equal(get(ctx, NAME), "six");
        secrets_free(other);
}

static void what_cannot_be_written_is_unavailable(void **state)
{
        struct ctx *ctx = *state;
        struct rlimit usual, none;
        enum err rc;

        assert_ok(ctx, secrets_put(ctx, NAME, "x"));
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
        none = (struct rlimit){ .rlim_cur = 0, .rlim_max = usual.rlim_max };
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        rc = secrets_put(ctx, NAME, "y");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
        assert_int_equal(rc, ERR_UNAVAILABLE);
        assert_string_equal(get(ctx, NAME), "x");
}

static bool put_own(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (int i = 0; i < 10; i++) {
                const char *name = arena_printf(ctx->arena, "NAME_%u_%d", index, i);
                struct secret read;

                if (secrets_put(ctx, name, name) != OK || secrets_get(ctx, name, &read) != OK ||
                    strcmp(read.bytes, name) != 0 || (i % 2 && secrets_delete(ctx, name) != OK))
                        return false;
        }
        return true;
}

/* Half of the threads stand for another process. */
static bool put_own_here_or_there(struct ctx *ctx, unsigned index, void *arg)
{
        struct cloud other = { .database = ctx->cloud->database, .secrets = arg };

        if (index % 2)
                ctx->cloud = &other;
        return put_own(ctx, index, NULL);
}

static void changes_at_once_lose_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct secrets *other = NULL;
        CLEANUP(json_decrefp) json_t *values = NULL;
        const char *text;

        assert_ok(ctx, secrets_new(ctx, &other));
        fixture_threads(ctx, 8, put_own_here_or_there, other);
        secrets_free(other);
        text = fixture_read(ctx, "secrets.json");
        values = json_loads(text, 0, NULL);
        assert_int_equal(json_object_size(values), 8 * 5);
        assert_int_equal(mode_of(ctx, "secrets.json"), 0600);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_secret_nobody_set_is_not_found),
                FIXTURE_CLOUD_TEST(the_environment_goes_before_the_file),
                FIXTURE_CLOUD_TEST(a_saved_secret_reads_back_until_it_is_deleted),
                FIXTURE_CLOUD_TEST(the_file_is_for_its_owner_alone),
                FIXTURE_CLOUD_TEST(a_file_that_others_may_read_is_not_believed),
                FIXTURE_CLOUD_TEST(a_damaged_file_is_left_as_it_is),
                FIXTURE_CLOUD_TEST(a_file_that_is_a_link_or_a_directory_is_not_believed),
                FIXTURE_CLOUD_TEST(a_change_by_another_process_is_seen),
                FIXTURE_CLOUD_TEST(a_change_is_seen_whatever_the_time_of_the_file),
                FIXTURE_CLOUD_TEST(what_cannot_be_written_is_unavailable),
                FIXTURE_CLOUD_TEST(changes_at_once_lose_nothing),
        };

        return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
