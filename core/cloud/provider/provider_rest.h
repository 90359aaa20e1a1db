/* What providers that speak JSON over HTTP have in common: one call, what its answer means, and
 * URLs that ids and cursors from outside cannot lead astray. */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_REST_H
#define CORE_CLOUD_PROVIDER_PROVIDER_REST_H

#include "core/cloud/provider/provider.h"

/* Perform a request that is complete and read its answer. *ret_json: as in provider_rest_read.
 * ERR_NOT_FOUND, ERR_PROVIDER, ERR_OUTCOME_UNKNOWN; detail begins with the provider's name. */
NODISCARD enum err provider_rest_call(struct ctx *ctx, const struct provider_session *session,
                                      const struct http_request *request, json_t **ret_json);

/* What an answer means. name is the provider's. *ret_json: parsed, owned by the arena, NULL when a
 * 2xx had no body. ERR_NOT_FOUND: 404 with a JSON object. ERR_PROVIDER: refused.
 * ERR_OUTCOME_UNKNOWN: 5xx, which leaves open whether a POST took effect, or a 2xx that is not
 * JSON. */
NODISCARD enum err provider_rest_read(struct ctx *ctx, const char *name,
                                      const struct http_answer *answer, json_t **ret_json);

/* For calls that change nothing, an unknown outcome is a plain failure. */
static inline enum err provider_rest_settled(enum err rc)
{
        return rc == ERR_OUTCOME_UNKNOWN ? ERR_PROVIDER : rc;
}

/* Give a request a JSON body. ERR_NOMEM. */
NODISCARD enum err provider_rest_body(struct ctx *ctx, const json_t *body,
                                      struct http_request *request);

/* The URL of a job: api_base, collection ("/predictions"), its id, and suffix. ERR_PROVIDER: the id
 * has characters that could change the meaning of a path. */
NODISCARD enum err provider_rest_job_url(struct ctx *ctx, const struct provider_session *session,
                                         const char *const parts[3], const char **ret_url);

/* Does url lead to base or below it? A token goes nowhere else. base has no trailing slash. */
bool provider_rest_is_below(const char *base, const char *url);

/* The link in an output: a URL, or the first item of a list. NULL: there is none. */
const char *provider_rest_output_url(const json_t *output);

/* The time under a key as UTC microseconds; 0: none, or unreadable. */
int64_t provider_rest_time(const json_t *object, const char *key);

/* Whose the token is. Texts are borrowed from the answer. */
struct provider_account provider_rest_account(const json_t *answer);

#endif
