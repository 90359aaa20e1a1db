#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "tests/fixture.h"

#define LOGGER  "simpletuner.cloud.jobs"
#define THREADS 8
#define EVENTS  200

static int teardown(void **state)
{
        assert_true(log_configure(LOG_INFO, LOG_JSON, NULL));
        return fixture_teardown(state);
}

static void log_to_file(struct ctx *ctx, enum log_level level, enum log_format format)
{
        assert_true(log_configure(level, format, fixture_path(ctx, "log")));
}

/* One event whose source is known, so that its line is too. */
#define SUBMITTED(ctx, ...)                                                                        \
        log_event_at((ctx), LOG_INFO, "core/cloud/jobs.c", 350, "submit_job", LOGGER,              \
                     "Job submitted", ##__VA_ARGS__, (const char *)NULL)

/* Every line of the log must be JSON; how many there are. */
static size_t count_json_lines(struct ctx *ctx)
{
        const char *line, *end;
        size_t lines = 0;

        for (line = fixture_read(ctx, "log"); (end = strchr(line, '\n')); line = end + 1) {
                json_t *json = NULL;

                assert_int_equal(json_parse(ctx, "line", line, (size_t)(end - line), &json), OK);
                json_decref(json);
                lines++;
        }
        return lines;
}

static void a_json_line_is_the_documented_one(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        ctx_set_job(ctx, "xyz789");
        SUBMITTED(ctx, "provider", "replicate");
        assert_string_equal(
                fixture_read(ctx, "log"),
                "{\"timestamp\":\"2024-01-15T10:30:00.000Z\",\"level\":\"INFO\","
                "\"logger\":\"simpletuner.cloud.jobs\",\"message\":\"Job submitted\","
                "\"correlation_id\":\"abc123def456\","
                "\"source\":{\"file\":\"jobs.c\",\"line\":350,\"function\":\"submit_job\"},"
                "\"extra\":{\"job_id\":\"xyz789\",\"provider\":\"replicate\"}}\n");
}

static void a_text_line_is_the_documented_one(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_TEXT);
        SUBMITTED(ctx, "provider", "replicate", "name", "two words", "empty", "", "eq", "a=\"b\"");
        assert_string_equal(fixture_read(ctx, "log"),
                            "2024-01-15 10:30:00 [INFO] simpletuner.cloud.jobs (abc123def456): "
                            "Job submitted provider=replicate name=\"two words\" empty=\"\" "
                            "eq=\"a=\\\"b\\\"\"\n");
        SUBMITTED(NULL);
        assert_non_null(strstr(fixture_read(ctx, "log"), " (-): Job submitted\n"));
}

static void a_journal_line_has_a_priority_and_no_time(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_DEBUG, LOG_JOURNAL);
        SUBMITTED(ctx, "provider", "replicate");
        log_event(ctx, LOG_DEBUG, LOGGER, "x");
        log_event(ctx, LOG_WARNING, LOGGER, "x");
        log_event(ctx, LOG_ERROR, LOGGER, "x");
        assert_string_equal(fixture_read(ctx, "log"),
                            "<6>[INFO] simpletuner.cloud.jobs (abc123def456): Job submitted "
                            "provider=replicate\n"
                            "<7>[DEBUG] simpletuner.cloud.jobs (abc123def456): x\n"
                            "<4>[WARNING] simpletuner.cloud.jobs (abc123def456): x\n"
                            "<3>[ERROR] simpletuner.cloud.jobs (abc123def456): x\n");
}

static void numbers_are_numbers_in_json_and_bare_in_text(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        SUBMITTED(ctx, "#status", "200", "#ms", "-0.5", "#zero", "0", "text", "1");
        assert_non_null(strstr(fixture_read(ctx, "log"),
                               "\"extra\":{\"status\":200,\"ms\":-0.5,\"zero\":0,\"text\":\"1\"}"));
        log_to_file(ctx, LOG_INFO, LOG_TEXT);
        SUBMITTED(ctx, "#status", "200");
        assert_non_null(strstr(fixture_read(ctx, "log"), "Job submitted status=200\n"));
}

static void what_is_no_number_stays_text(void **state)
{
        static const char *const wrong[] = {
                "",    "-",   "1.",  ".5",  "01",
                "1e5", "0x1", "nan", "1 2", "1,2",
                "+1",  "--1", "1\"", "}",   "1111111111111111111111111111111111111111"
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                log_to_file(ctx, LOG_INFO, LOG_JSON);
                assert_int_equal(truncate(fixture_path(ctx, "log"), 0), 0);
                SUBMITTED(ctx, "#n", wrong[i]);
                assert_non_null(strstr(fixture_read(ctx, "log"), "\"n\":\""));
        }
}

/* The same bytes at every run, whatever they are. */
static void fill_with_anything(char *text, size_t size, unsigned *seed)
{
        size_t len = (size_t)rand_r(seed) % size;

        for (size_t i = 0; i < len; i++) {
                int byte = rand_r(seed) >> 7;

                text[i] = (char)(byte & 0xFF ? byte & 0xFF : '"');
        }
        text[len] = '\0';
}

static void a_line_is_json_whatever_bytes_come_in(void **state)
{
        struct ctx *ctx = *state;
        char text[6][400];
        unsigned seed = 1;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        for (unsigned round = 1; round <= 2000; round++) {
                for (size_t i = 0; i < ARRAY_SIZE(text); i++)
                        fill_with_anything(text[i], sizeof(text[i]), &seed);
                log_event(ctx, LOG_INFO, text[0], text[1], text[2], text[3], "#n", text[4], "v",
                          text[5]);
                if (round % 100 == 0) {
                        assert_int_equal(count_json_lines(ctx), 100);
                        assert_int_equal(truncate(fixture_path(ctx, "log"), 0), 0);
                }
        }
}

static void extra_is_left_out_when_there_is_nothing_in_it(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        SUBMITTED(ctx);
        SUBMITTED(ctx, "provider", NULL);
        SUBMITTED(NULL);
        assert_null(strstr(fixture_read(ctx, "log"), "extra"));
}

static void a_value_without_text_leaves_its_pair_out(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        SUBMITTED(ctx, "a", "1", "b", NULL, "c", "3");
        assert_non_null(strstr(fixture_read(ctx, "log"), "\"extra\":{\"a\":\"1\",\"c\":\"3\"}"));
}

static void the_callers_job_replaces_that_of_the_context(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        ctx_set_job(ctx, "one");
        SUBMITTED(ctx, "job_id", "two");
        assert_non_null(strstr(fixture_read(ctx, "log"), "\"extra\":{\"job_id\":\"two\"}"));
}

static void the_macro_names_the_place_it_stands_at(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        log_event(ctx, LOG_WARNING, LOGGER, "Slow", "seconds", "9");
        assert_non_null(strstr(fixture_read(ctx, "log"), "\"level\":\"WARNING\""));
        assert_non_null(strstr(fixture_read(ctx, "log"), "\"file\":\"test_log.c\""));
        assert_non_null(strstr(fixture_read(ctx, "log"), __func__));
}

static void one_event_is_one_line_whatever_is_in_it(void **state)
{
        static const enum log_format formats[] = { LOG_JSON, LOG_TEXT };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
                const char *text;

                log_to_file(ctx, LOG_INFO, formats[i]);
                assert_int_equal(truncate(fixture_path(ctx, "log"), 0), 0);
                log_event(ctx, LOG_INFO, LOGGER, "a\r\nb \x1b[31m", "key\n", "x\ny\x7f\xFF");
                text = fixture_read(ctx, "log");
                assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
                for (const char *c = text; *c != '\n'; c++)
                        assert_true((unsigned char)*c >= ' ' && *c != 0x7F);
                assert_non_null(strstr(text, "a\\r\\nb \\u001b[31m"));
        }
}

static void an_event_too_long_is_cut_and_stays_json(void **state)
{
        struct ctx *ctx = *state;
        char big[20000];
        json_t *json = NULL;
        const char *text;

        memset(big, '\x01', sizeof(big) - 1); /* six bytes each when escaped */
        big[sizeof(big) - 1] = '\0';
        log_to_file(ctx, LOG_INFO, LOG_JSON);
        log_event(ctx, LOG_INFO, big, big, "a", big, big, big, "c", big, "d", big, "e", big, "f",
                  "last");
        text = fixture_read(ctx, "log");
        assert_in_range(strlen(text), 6000, 8192);
        assert_int_equal(json_parse(ctx, "line", text, strlen(text), &json), OK);
        assert_true(json_is_true(json_object_get(json_object_get(json, "extra"), "truncated")));
        json_decref(json);
        log_to_file(ctx, LOG_INFO, LOG_TEXT);
        log_event(ctx, LOG_INFO, LOGGER, big, "a", big, "b", big, "c", big, "d", big);
        assert_non_null(strstr(fixture_read(ctx, "log"), " truncated=true\n"));
}

static void many_pairs_are_not_too_many(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
#define TEN_PAIRS                                                                                  \
        "1", "x", "2", "x", "3", "x", "4", "x", "5", "x", "6", "x", "7", "x", "8", "x", "9", "x",  \
                "10", "x"
        SUBMITTED(ctx, TEN_PAIRS, TEN_PAIRS, TEN_PAIRS, TEN_PAIRS);
        assert_non_null(strstr(fixture_read(ctx, "log"), "\"10\":\"x\""));
}

static void events_below_the_level_are_not_written(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_WARNING, LOG_JSON);
        assert_false(log_enabled(LOG_INFO));
        assert_true(log_enabled(LOG_WARNING));
        assert_true(log_enabled(LOG_ERROR));
        SUBMITTED(ctx);
        assert_string_equal(fixture_read(ctx, "log"), "");
        log_event(ctx, LOG_ERROR, LOGGER, "Bad");
        assert_string_not_equal(fixture_read(ctx, "log"), "");
}

static void the_file_is_appended_to_and_not_for_strangers(void **state)
{
        struct ctx *ctx = *state;
        struct stat st;
        mode_t mask = umask(0);

        log_to_file(ctx, LOG_INFO, LOG_TEXT);
        umask(mask);
        assert_int_equal(stat(fixture_path(ctx, "log"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        SUBMITTED(ctx);
        log_to_file(ctx, LOG_INFO, LOG_TEXT);
        SUBMITTED(ctx);
        assert_string_not_equal(strchr(fixture_read(ctx, "log"), '\n'), "\n");
}

static void a_file_that_cannot_be_opened_changes_nothing(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_ERROR, LOG_JSON);
        assert_false(log_configure(LOG_DEBUG, LOG_TEXT, fixture_path(ctx, "no/such/log")));
        assert_int_equal(errno, ENOENT);
        assert_false(log_enabled(LOG_WARNING));
        log_event(ctx, LOG_ERROR, LOGGER, "Bad");
        assert_int_equal(fixture_read(ctx, "log")[0], '{');
}

static void after_a_rotation_reopen_starts_the_new_file(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        assert_int_equal(rename(fixture_path(ctx, "log"), fixture_path(ctx, "log.1")), 0);
        SUBMITTED(ctx);
        assert_string_not_equal(fixture_read(ctx, "log.1"), "");
        log_reopen();
        assert_string_equal(fixture_read(ctx, "log"), "");
        SUBMITTED(ctx);
        assert_string_not_equal(fixture_read(ctx, "log"), "");
}

static void without_a_file_lines_go_to_standard_error(void **state)
{
        struct ctx *ctx = *state;
        int saved = dup(STDERR_FILENO);
        int fd = open(fixture_path(ctx, "err"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(saved >= 0 && fd >= 0);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        SUBMITTED(ctx);
        log_reopen();
        SUBMITTED(ctx);
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        close(saved);
        close(fd);
        assert_int_equal(fixture_read(ctx, "err")[0], '{');
}

static void logging_keeps_errno(void **state)
{
        struct ctx *ctx = *state;

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        errno = EPIPE;
        SUBMITTED(ctx);
        assert_int_equal(errno, EPIPE);
}

static void *log_many(void *arg)
{
        for (int i = 0; i < EVENTS; i++)
                SUBMITTED(arg, "provider", "replicate");
        return NULL;
}

static void threads_do_not_mix_their_lines_even_while_reopening(void **state)
{
        struct ctx *ctx = *state;
        pthread_t threads[THREADS];

        log_to_file(ctx, LOG_INFO, LOG_JSON);
        for (size_t i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, log_many, ctx), 0);
        for (int i = 0; i < 20; i++)
                log_reopen();
        for (size_t i = 0; i < THREADS; i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(count_json_lines(ctx), THREADS * EVENTS);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(without_a_file_lines_go_to_standard_error),
                CASE(a_json_line_is_the_documented_one),
                CASE(a_text_line_is_the_documented_one),
                CASE(a_journal_line_has_a_priority_and_no_time),
                CASE(numbers_are_numbers_in_json_and_bare_in_text),
                CASE(what_is_no_number_stays_text),
                CASE(a_line_is_json_whatever_bytes_come_in),
                CASE(extra_is_left_out_when_there_is_nothing_in_it),
                CASE(a_value_without_text_leaves_its_pair_out),
                CASE(the_callers_job_replaces_that_of_the_context),
                CASE(the_macro_names_the_place_it_stands_at),
                CASE(one_event_is_one_line_whatever_is_in_it),
                CASE(an_event_too_long_is_cut_and_stays_json),
                CASE(many_pairs_are_not_too_many),
                CASE(events_below_the_level_are_not_written),
                CASE(the_file_is_appended_to_and_not_for_strangers),
                CASE(a_file_that_cannot_be_opened_changes_nothing),
                CASE(after_a_rotation_reopen_starts_the_new_file),
                CASE(logging_keeps_errno),
                CASE(threads_do_not_mix_their_lines_even_while_reopening),
        };

        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
