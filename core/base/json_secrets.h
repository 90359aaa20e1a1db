/* Secrets in JSON that is shown to people: what a member is called tells that its value is one. */
#ifndef CORE_BASE_JSON_SECRETS_H
#define CORE_BASE_JSON_SECRETS_H

#include "core/base/json.h"

#define JSON_SECRET_MASK "***"

/* A copy in which all texts and numbers in members named like "hf_token", "AWS_SECRET_ACCESS_KEY"
 * or "password" are masked, at any depth. In the arena. ERR_NOMEM. */
NODISCARD enum err json_without_secrets(struct ctx *ctx, const json_t *json, const json_t **ret);

#endif
