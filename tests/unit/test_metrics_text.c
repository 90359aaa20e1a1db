#include <math.h>
#include <string.h>

#include "core/cloud/metrics/metrics_text.h"
#include "tests/fixture.h"

#define TEXT_MAX 4096

static struct metrics_text begin(struct buf *out, bool open_metrics)
{
        buf_init(out, TEXT_MAX);
        return (struct metrics_text){ .out = out, .open_metrics = open_metrics };
}

static void expect(struct buf *out, const char *text)
{
        assert_true(buf_ok(out));
        assert_string_equal(buf_str(out), text);
        buf_done(out);
}

static void a_family_has_its_head_once_and_only_with_samples(void **state)
{
        struct buf out;
        struct metrics_text text = begin(&out, false);

        (void)state;
        metrics_family(&text, METRICS_GAUGE, "nothing", "Never seen");
        metrics_family(&text, METRICS_COUNTER, "a_total", "Some");
        metrics_sample(&text, METRICS_LABELS({ "b", "c" }, { "d", NULL }), 1);
        metrics_sample(&text, NULL, 2.5);
        metrics_family(&text, METRICS_UNKNOWN, "u", "Who knows");
        metrics_sample(&text, NULL, 3);
        metrics_end(&text);
        assert_int_equal(text.samples, 3);
        expect(&out,
               "# HELP a_total Some\n# TYPE a_total counter\na_total{b=\"c\"} 1\na_total 2.5\n"
               "\n# HELP u Who knows\n# TYPE u untyped\nu 3\n");
}

static void open_metrics_names_families_without_what_their_type_adds(void **state)
{
        struct buf out;
        struct metrics_text text = begin(&out, true);

        (void)state;
        metrics_family(&text, METRICS_COUNTER, "a_total", "Some");
        metrics_sample(&text, NULL, 1);
        metrics_family(&text, METRICS_INFO, "x_info", "What \"it\" is");
        metrics_sample(&text, METRICS_LABELS({ "v", "1" }), 1);
        metrics_end(&text);
        expect(&out, "# HELP a Some\n# TYPE a counter\na_total 1\n"
                     "# HELP x What \\\"it\\\" is\n# TYPE x info\nx_info{v=\"1\"} 1\n# EOF\n");
}

static void what_would_break_a_line_is_escaped(void **state)
{
        struct buf out;
        struct metrics_text text = begin(&out, false);

        (void)state;
        metrics_family(&text, METRICS_GAUGE, "g", "a\\b\n\"c\"");
        metrics_sample(&text, METRICS_LABELS({ "l", "a\"b\\c\nd\te" }), 1);
        expect(&out, "# HELP g a\\\\b\\n\"c\"\n# TYPE g gauge\ng{l=\"a\\\"b\\\\c\\nd\te\"} 1\n");
}

static void a_histogram_ends_with_infinity_sum_and_count(void **state)
{
        static const double bounds[] = { 0.001, 1, 1e9 };
        static const uint64_t below[] = { 1, 2, 2 };
        const struct metrics_histogram histogram = { bounds, below, 3, 4, 12.25 };
        struct buf out;
        struct metrics_text text = begin(&out, true);

        (void)state;
        metrics_family(&text, METRICS_HISTOGRAM, "h", "H");
        metrics_buckets(&text, METRICS_LABELS({ "a", "b" }), &histogram);
        expect(&out, "# HELP h H\n# TYPE h histogram\nh_bucket{a=\"b\",le=\"0.001\"} 1\n"
                     "h_bucket{a=\"b\",le=\"1.0\"} 2\nh_bucket{a=\"b\",le=\"1000000000.0\"} 2\n"
                     "h_bucket{a=\"b\",le=\"+Inf\"} 4\nh_sum{a=\"b\"} 12.25\nh_count{a=\"b\"} 4\n");
}

static void numbers_read_as_what_they_were(void **state)
{
        static const struct {
                double value;
                const char *text;
        } cases[] = {
                { 0, "0" },
                { -3, "-3" },
                { 0.1, "0.1" },
                { 1e21, "1e+21" },
                { 1.0 / 3, "0.33333333333333331" },
                { 450.25, "450.25" },
                { NAN, "NaN" },
                { INFINITY, "+Inf" },
                { -INFINITY, "-Inf" },
                { 123456789012345678.0, "1.2345678901234568e+17" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct buf out;
                struct metrics_text text = begin(&out, false);
                char *line;

                metrics_family(&text, METRICS_GAUGE, "g", "G");
                metrics_sample(&text, NULL, cases[i].value);
                line = strstr(out.data, "\ng ");
                assert_non_null(line);
                line[strlen(line) - 1] = '\0';
                assert_string_equal(line + 3, cases[i].text);
                buf_done(&out);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_family_has_its_head_once_and_only_with_samples),
                cmocka_unit_test(open_metrics_names_families_without_what_their_type_adds),
                cmocka_unit_test(what_would_break_a_line_is_escaped),
                cmocka_unit_test(a_histogram_ends_with_infinity_sum_and_count),
                cmocka_unit_test(numbers_read_as_what_they_were),
        };

        return cmocka_run_group_tests_name("metrics_text", tests, NULL, NULL);
}
