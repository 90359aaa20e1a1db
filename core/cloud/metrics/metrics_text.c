#include "core/cloud/metrics/metrics_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 40

void metrics_family(struct metrics_text *text, enum metrics_type type, const char *name,
                    const char *help)
{
        text->type = type;
        text->name = name;
        text->help = help;
        text->has_head = false;
}

/* A backslash and a line break are escaped everywhere, a quote within quotes. */
static void put_escaped(struct buf *out, const char *s, bool quoted)
{
        for (; *s; s++) {
                if (*s == '\n')
                        buf_add(out, "\\n", 2);
                else if (*s == '\\' || (*s == '"' && quoted)) {
                        buf_putc(out, '\\');
                        buf_putc(out, *s);
                } else
                        buf_putc(out, *s);
        }
}

/* The shortest text that reads as the same number. */
static void format_number(double value, char ret[NUMBER_SIZE])
{
        if (isnan(value))
                snprintf(ret, NUMBER_SIZE, "NaN");
        else if (isinf(value))
                snprintf(ret, NUMBER_SIZE, value > 0 ? "+Inf" : "-Inf");
        else if (fabs(value) < 1e15 && value == floor(value))
                snprintf(ret, NUMBER_SIZE, "%.0f", value);
        else {
                snprintf(ret, NUMBER_SIZE, "%.15g", value);
                if (strtod(ret, NULL) != value)
                        snprintf(ret, NUMBER_SIZE, "%.17g", value);
        }
}

/* Bounds are labels, which are compared as text: both formats and all versions have to write them
 * alike, as OpenMetrics says: "1.0". */
static void format_bound(double value, char ret[NUMBER_SIZE])
{
        size_t len;

        format_number(value, ret);
        len = strlen(ret);
        if (!strpbrk(ret, ".eIN"))
                snprintf(ret + len, NUMBER_SIZE - len, ".0");
}

/* OpenMetrics names a family without what its type adds. */
static size_t family_len(const struct metrics_text *text)
{
        const size_t len = strlen(text->name);

        if (!text->open_metrics)
                return len;
        return text->type == METRICS_COUNTER ? len - strlen("_total")
               : text->type == METRICS_INFO  ? len - strlen("_info")
                                             : len;
}

static void put_head(struct metrics_text *text)
{
        static const char *const types[2][5] = {
                { "counter", "gauge", "histogram", "gauge", "untyped" },
                { "counter", "gauge", "histogram", "info", "unknown" },
        };
        const int len = (int)family_len(text);

        if (text->has_head)
                return;
        text->has_head = true;
        if (!text->open_metrics && text->out->len > 0)
                buf_putc(text->out, '\n'); /* OpenMetrics has no empty lines */
        buf_printf(text->out, "# HELP %.*s ", len, text->name);
        put_escaped(text->out, text->help, text->open_metrics);
        buf_printf(text->out, "\n# TYPE %.*s %s\n", len, text->name,
                   types[text->open_metrics][text->type]);
}

static void put_label(struct buf *out, const struct metrics_label *label, bool *is_open)
{
        if (!label->value)
                return;
        buf_putc(out, *is_open ? ',' : '{');
        *is_open = true;
        buf_puts(out, label->name);
        buf_add(out, "=\"", 2);
        put_escaped(out, label->value, true);
        buf_putc(out, '"');
}

/* bound: of a bucket, else NULL. */
static void put_sample(struct metrics_text *text, const char *suffix,
                       const struct metrics_label *labels, const char *bound, double value)
{
        const struct metrics_label le = { "le", bound };
        char number[NUMBER_SIZE];
        bool is_open = false;

        put_head(text);
        buf_puts(text->out, text->name);
        buf_puts(text->out, suffix);
        for (; labels && labels->name; labels++)
                put_label(text->out, labels, &is_open);
        put_label(text->out, &le, &is_open);
        if (is_open)
                buf_putc(text->out, '}');
        format_number(value, number);
        buf_putc(text->out, ' ');
        buf_puts(text->out, number);
        buf_putc(text->out, '\n');
        text->samples++;
}

void metrics_sample(struct metrics_text *text, const struct metrics_label *labels, double value)
{
        put_sample(text, "", labels, NULL, value);
}

void metrics_buckets(struct metrics_text *text, const struct metrics_label *labels,
                     const struct metrics_histogram *histogram)
{
        char bound[NUMBER_SIZE];

        for (size_t i = 0; i < histogram->count; i++) {
                format_bound(histogram->bounds[i], bound);
                put_sample(text, "_bucket", labels, bound, (double)histogram->below[i]);
        }
        put_sample(text, "_bucket", labels, "+Inf", (double)histogram->all);
        put_sample(text, "_sum", labels, NULL, histogram->sum);
        put_sample(text, "_count", labels, NULL, (double)histogram->all);
}

void metrics_end(struct metrics_text *text)
{
        if (text->open_metrics)
                buf_puts(text->out, "# EOF\n");
}
