/* Parsing JSON with bounds; the tree is jansson's. Only json.c, fields.c and the files that read
 * a tree include this header, which is the one place that includes jansson.h. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include <jansson.h>

#include "core/base/ctx.h"

#define JSON_DEPTH_MAX 32 /* guards: jansson itself offers json_decrefp */

/* Parse len bytes of UTF-8 into *ret (a new reference: CLEANUP(json_decrefp)).
 * what names the text in the message: "body".
 * ERR_INVALID: not JSON, not UTF-8, NUL in a string, duplicate keys, deeper than JSON_DEPTH_MAX. */
NODISCARD enum err json_parse(struct ctx *ctx, const char *what, const char *text, size_t len,
                              json_t **ret);

/* Is it nested deeper than JSON_DEPTH_MAX? For those who want to say why json_parse refused it. */
bool json_is_too_deep(const char *text, size_t len);

/* json_parse, and the top must be an object. */
NODISCARD enum err json_parse_object(struct ctx *ctx, const char *what, const char *text,
                                     size_t len, json_t **ret);

/* Let the arena own a tree: it lives until the request or task ends. Takes the reference in every
 * case. ERR_NOMEM. */
NODISCARD enum err json_keep(struct ctx *ctx, json_t *json);

/* Compact text with sorted keys, in the arena. ERR_NOMEM. */
NODISCARD enum err json_text(struct ctx *ctx, const json_t *json, const char **ret_text);

/* The string under key, NULL when absent or not a string. Borrowed from the tree. */
const char *json_string_at(const json_t *object, const char *key);

/* The real or integer number under key, fallback when absent or not a number. */
double json_number_at(const json_t *object, const char *key, double fallback);

#endif
