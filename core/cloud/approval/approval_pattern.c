#include "core/cloud/approval/approval_pattern.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 100 /* of one repetition {n} */
#define EXPANDED_MAX                                                                               \
        250          /* elements once repetitions are written out, which is how it is compiled */
#define DEPTH_MAX 20 /* groups in groups */

bool approval_pattern_is_regex(const char *pattern)
{
        const size_t len = strlen(pattern);

        return len > 0 && (pattern[0] == '^' || pattern[len - 1] == '$');
}

/* ---- globs ---- */

/* Past "[...]": *ret_in says whether c is in it. NULL: it has no end, and "[" stands for itself. */
static const char *match_set(const char *set, char c, bool *ret_in)
{
        const bool negated = *set == '!' || *set == '^';
        const char *at = set + negated;
        bool in = false;

        do {
                char from = *at, to;

                if (from == '\\' && at[1])
                        from = *++at;
                if (from == '\0')
                        return NULL;
                to = from;
                if (at[1] == '-' && at[2] && at[2] != ']') {
                        at += 2;
                        to = *at;
                }
                in = in || ((unsigned char)from <= (unsigned char)c &&
                            (unsigned char)c <= (unsigned char)to);
                at++;
        } while (*at != ']');
        *ret_in = in != negated;
        return at + 1;
}

/* Past one element of the pattern that is not "*"; NULL: c is not of it. */
static const char *match_one(const char *pattern, char c)
{
        const char *end;
        bool in;

        if (*pattern == '?')
                return pattern + 1;
        if (*pattern == '[') {
                end = match_set(pattern + 1, c, &in);
                if (end)
                        return in ? end : NULL;
        }
        if (*pattern == '\\' && pattern[1])
                pattern++;
        return *pattern && *pattern == c ? pattern + 1 : NULL;
}

bool approval_glob_matches(const char *pattern, const char *text)
{
        const char *star = NULL, *kept = NULL, *next;
        const char *end = text + strnlen(text, APPROVAL_TEXT_MAX);

        /* Only the last "*" is ever tried again: pattern times text steps at most. */
        while (text < end) {
                if (*pattern == '*') {
                        star = ++pattern;
                        kept = text;
                        continue;
                }
                next = match_one(pattern, *text);
                if (next) {
                        pattern = next;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++kept;
                } else {
                        return false;
                }
        }
        return pattern[strspn(pattern, "*")] == '\0';
}

/* ---- regular expressions ---- */

static enum err refuse(struct ctx *ctx, const char *name, const char *why)
{
        return ctx_fail(ctx, ERR_INVALID, "%s %s", name, why);
}

static enum err check_length(struct ctx *ctx, const char *name, const char *pattern)
{
        const size_t len = strlen(pattern);

        if (len == 0 || len > APPROVAL_PATTERN_MAX)
                return ctx_fail(ctx, ERR_INVALID, "%s must have 1 to %d bytes", name,
                                APPROVAL_PATTERN_MAX);
        return OK;
}

/* The larger number of "{n}", "{n,}" or "{n,m}"; -1: it is none. *at moves to its end. */
static long read_count(const char **at)
{
        char *end;
        long low = 0, high;

        if ((*at)[1] != ',' && !strchr("0123456789", (*at)[1]))
                return -1;
        low = strtol(*at + 1, &end, 10);
        high = low;
        if (*end == ',') {
                const char *second = end + 1;

                high = strtol(second, &end, 10);
                if (high < low)
                        high = low;
        }
        if (*end != '}')
                return -1;
        *at = end;
        return high;
}

/* A bracket expression from "[" on: past its "]". There nothing is special but its end. */
static const char *skip_set(const char *at)
{
        at++;
        if (*at == '^')
                at++;
        if (*at == ']')
                at++;
        while (*at && *at != ']') {
                if (*at == '[' && at[1] && strchr(":.=", at[1])) {
                        const char kind = at[1];

                        at += 2;
                        while (*at && !(at[0] == kind && at[1] == ']'))
                                at++;
                        if (!*at)
                                return at;
                        at++;
                }
                at++;
        }
        return at;
}

/* How large a pattern is once it is compiled. */
struct weight {
        long sums[DEPTH_MAX + 1]; /* of the groups that are open */
        unsigned depth;
        long last; /* of the element that a repetition would repeat */
};

/* The last element is there so many times. */
static void multiply(struct weight *weight, long times)
{
        if (times > 1 && weight->last <= EXPANDED_MAX) {
                weight->sums[weight->depth] += weight->last * (times - 1);
                weight->last *= times;
        }
}

static const char *weigh_group(struct weight *weight, char bracket)
{
        if (bracket == '(') {
                if (weight->depth == DEPTH_MAX)
                        return "has too many groups in groups";
                weight->sums[++weight->depth] = 0;
        } else if (weight->depth > 0) {
                weight->last = weight->sums[weight->depth--] + 1;
                weight->sums[weight->depth] += weight->last;
        }
        return NULL;
}

/* The element at *at, which moves to its last byte. Returns why it is refused, NULL: it is not. */
static const char *weigh(struct weight *weight, const char **at)
{
        long count;

        switch (**at) {
        case '(':
        case ')':
                return weigh_group(weight, **at);
        case '+':
                multiply(weight, 2); /* x+ is compiled as xx* */
                return NULL;
        case '{':
                count = read_count(at);
                if (count > COUNT_MAX)
                        return "must not repeat anything more than 100 times";
                multiply(weight, count + 1);
                return NULL;
        case '\\':
                if ((*at)[1] >= '1' && (*at)[1] <= '9')
                        return "must not have back-references";
                *at += (*at)[1] != '\0';
                break;
        case '[':
                *at = skip_set(*at);
                break;
        default:
                break;
        }
        weight->last = 1;
        weight->sums[weight->depth]++;
        return NULL;
}

/* Without back-references a pattern takes the time of its compiled size, and there is only so much
 * of that. */
static enum err check_cost(struct ctx *ctx, const char *name, const char *pattern)
{
        struct weight weight = { .depth = 0 };
        long total = 0;

        for (const char *at = pattern; *at; at++) {
                const char *why = weigh(&weight, &at);

                if (why)
                        return refuse(ctx, name, why);
                if (!*at)
                        break; /* a set without an end, which regcomp refuses */
        }
        for (unsigned depth = 0; depth <= weight.depth; depth++)
                total += weight.sums[depth];
        return total > EXPANDED_MAX ? refuse(ctx, name, "repeats too much too often") : OK;
}

enum err approval_glob_check(struct ctx *ctx, const char *name, const char *pattern)
{
        return check_length(ctx, name, pattern);
}

enum err approval_regex_check(struct ctx *ctx, const char *name, const char *pattern)
{
        char why[128];
        regex_t regex;
        enum err rc = check_length(ctx, name, pattern);
        int code;

        if (rc == OK)
                rc = check_cost(ctx, name, pattern);
        if (rc != OK)
                return rc;
        code = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
                regerror(code, &regex, why, sizeof(why));
                return ctx_fail(ctx, ERR_INVALID, "%s is no POSIX extended regular expression: %s",
                                name, why);
        }
        regfree(&regex);
        return OK;
}

enum err approval_pattern_check(struct ctx *ctx, const char *name, const char *pattern)
{
        return approval_pattern_is_regex(pattern) ? approval_regex_check(ctx, name, pattern)
                                                  : check_length(ctx, name, pattern);
}

static bool regex_matches(const char *pattern, const char *text)
{
        char seen[APPROVAL_TEXT_MAX + 1];
        const size_t len = strnlen(text, APPROVAL_TEXT_MAX);
        regex_t regex;
        bool matches;

        memcpy(seen, text, len);
        seen[len] = '\0';
        if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
                return true;
        matches = regexec(&regex, seen, 0, NULL, 0) != REG_NOMATCH;
        regfree(&regex);
        return matches;
}

bool approval_pattern_matches(const char *pattern, const char *text)
{
        return approval_pattern_is_regex(pattern) ? regex_matches(pattern, text)
                                                  : approval_glob_matches(pattern, text);
}
