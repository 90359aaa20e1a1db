/* Patterns of approval rules: globs, and POSIX extended regular expressions. Both take a time that
 * is bounded by the lengths of pattern and text, whatever somebody writes: what a regular
 * expression could take long for is refused when the rule is made. */
#ifndef CORE_CLOUD_APPROVAL_APPROVAL_PATTERN_H
#define CORE_CLOUD_APPROVAL_APPROVAL_PATTERN_H

#include "core/base/ctx.h"

#define APPROVAL_PATTERN_MAX 200 /* bytes */
#define APPROVAL_TEXT_MAX    256 /* bytes of a text that are looked at */

/* One that begins with "^" or ends with "$" is a regular expression, else it is a glob. */
bool approval_pattern_is_regex(const char *pattern);

/* ERR_INVALID, naming name: too long; no regular expression; one with a back-reference, or one
 * that is large once its repetitions are written out. */
NODISCARD enum err approval_pattern_check(struct ctx *ctx, const char *name, const char *pattern);
/* The same of what is a regular expression, or a glob, in any case. */
NODISCARD enum err approval_regex_check(struct ctx *ctx, const char *name, const char *pattern);
NODISCARD enum err approval_glob_check(struct ctx *ctx, const char *name, const char *pattern);

/* Does it match? A pattern that was not checked matches: nobody shall pass by a broken rule. */
bool approval_pattern_matches(const char *pattern, const char *text);
/* * ? [a-z] [!a-z], and \ before what stands for itself; all of the text. */
bool approval_glob_matches(const char *pattern, const char *text);

#endif
