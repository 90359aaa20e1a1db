/* A flat map in YAML: the only user of libyaml. Values are texts as they are written, whatever YAML
 * makes of them: 0123 and yes stay "0123" and "yes". */
#ifndef CORE_CLOUD_SECRETS_SECRET_YAML_H
#define CORE_CLOUD_SECRETS_SECRET_YAML_H

#include "core/base/json.h"

/* Texts by name, as a JSON object (a new reference); null where there is nothing or null.
 * ERR_INVALID: path, line and what is wrong: no YAML, more than one level, anchors, aliases and
 * tags, names twice, or more than one document. An empty document has no names. */
NODISCARD enum err secret_yaml_parse(struct ctx *ctx, const char *path, const char *text,
                                     size_t len, json_t **ret);

/* The other way; values are texts. In the arena. ERR_NOMEM. */
NODISCARD enum err secret_yaml_print(struct ctx *ctx, const json_t *values, const char **ret);

#endif
