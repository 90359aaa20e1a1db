#include "core/cloud/job/progress.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/utf8.h"

#define LINES_MAX 50
#define TAIL_MAX  (64 * KiB) /* bytes looked at; lines may be of any length */
#define LINE_MAX  512        /* bytes of a line that are searched for words */
#define ELLIPSIS  "..."

static const char blanks[] = " \t\r\n";

/* clang-format off */
static const struct { const char *word, *stage; } stages[] = {
        { "preprocessing", "Preprocessing" },
        { "loading",       "Preprocessing" },
        { "warming up",    "Warmup" },
        { "warmup",        "Warmup" },
        { "checkpoint",    "Saving checkpoint" },
        { "validat",       "Validation" },
        { "epoch",         "Training" },
        { "step",          "Training" },
};
/* clang-format on */

/* A line without the blanks around it. */
struct line {
        const char *text;
        size_t len;
};

static bool is_blank(char c)
{
        return strchr(blanks, c) != NULL;
}

/* The last line of the text before end that is not blank, and end moved before it. */
static bool previous_line(const char *start, const char **end, struct line *ret)
{
        const char *last = *end, *first;

        while (last > start && is_blank(last[-1]))
                last--;
        if (last == start)
                return false;
        for (first = last; first > start && first[-1] != '\n' && first[-1] != '\r';)
                first--;
        *end = first;
        while (is_blank(*first))
                first++;
        *ret = (struct line){ first, (size_t)(last - first) };
        return true;
}

/* At most PROGRESS_LINE_CHARS characters, the last three dots when there are more; what is not
 * UTF-8 becomes question marks. */
static void cut_line(const struct line *line, char ret[PROGRESS_LINE_SIZE])
{
        size_t at = 0, out = 0, chars = 0, dots_at = 0;

        while (at < line->len && chars < PROGRESS_LINE_CHARS) {
                size_t len = utf8_sequence(line->text + at);

                if (chars == PROGRESS_LINE_CHARS - strlen(ELLIPSIS))
                        dots_at = out;
                if (len == 0 || len > line->len - at) {
                        ret[out++] = '?';
                        len = 1;
                } else {
                        memcpy(ret + out, line->text + at, len);
                        out += len;
                }
                at += len;
                chars++;
        }
        ret[out] = '\0';
        if (at < line->len)
                memcpy(ret + dots_at, ELLIPSIS, sizeof(ELLIPSIS));
}

static bool read_number(const char **text, uint64_t *ret)
{
        uint64_t number = 0;
        unsigned digits = 0;

        for (; isdigit((unsigned char)**text) && digits < 15; digits++)
                number = number * 10 + (uint64_t)(*(*text)++ - '0');
        *ret = number;
        return digits > 0;
}

/* "12/100" or "12 100" after "step", "steps:", "epoch =": the share done. -1: no such numbers. */
static int64_t read_share(const char *text)
{
        uint64_t done, all;

        text += strspn(text, "sS");
        text += strspn(text, " \t:=#");
        if (!read_number(&text, &done) || strspn(text, "/ \t") == 0)
                return -1;
        text += strspn(text, "/ \t");
        if (!read_number(&text, &all) || all == 0)
                return -1;
        return done >= all ? 1000 : (int64_t)((done * 1000 + all / 2) / all);
}

static int64_t find_share(const char *line)
{
        static const char *const words[] = { "step", "epoch" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                const char *at = line;

                while ((at = strcasestr(at, words[i]))) {
                        int64_t permille;

                        at += strlen(words[i]);
                        permille = read_share(at);
                        if (permille >= 0)
                                return permille;
                }
        }
        return -1;
}

/* What a line says about the stage. False: nothing. */
static bool read_stage(const struct line *line, struct progress *ret)
{
        char text[LINE_MAX + 1];
        size_t len = line->len < LINE_MAX ? line->len : LINE_MAX;

        memcpy(text, line->text, len);
        text[len] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
                if (!strcasestr(text, stages[i].word))
                        continue;
                ret->stage = stages[i].stage;
                if (strcmp(ret->stage, "Training") == 0)
                        ret->permille = find_share(text);
                return true;
        }
        return false;
}

bool progress_read(const char *logs, struct progress *ret)
{
        struct progress progress = { .stage = "Training", .permille = -1 };
        const char *end = logs + strlen(logs);
        const char *start = (size_t)(end - logs) > TAIL_MAX ? end - TAIL_MAX : logs;
        struct line line;

        for (unsigned count = 0; count < LINES_MAX && previous_line(start, &end, &line); count++) {
                if (count == 0)
                        cut_line(&line, progress.line);
                if (read_stage(&line, &progress))
                        break;
        }
        if (progress.line[0] == '\0')
                return false;
        *ret = progress;
        return true;
}
