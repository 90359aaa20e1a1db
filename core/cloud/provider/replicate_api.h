/* Replicate's API, shared by the files that make its provider: the one way a call is made, and the
 * calls about everything but predictions. Source: replicate.com/docs/reference/http. */
#ifndef CORE_CLOUD_PROVIDER_REPLICATE_API_H
#define CORE_CLOUD_PROVIDER_REPLICATE_API_H

#include "core/cloud/provider/provider.h"

/* Add the token, and the body when there is one. ERR_PROVIDER: there is no token. */
NODISCARD enum err replicate_prepare(struct ctx *ctx, const struct provider_session *session,
                                     const json_t *body, struct http_request *request);

/* One call: prepare, perform, read. As provider_rest_call. */
NODISCARD enum err replicate_call(struct ctx *ctx, const struct provider_session *session,
                                  struct http_request request, const json_t *body,
                                  json_t **ret_json);

/* GET a path below api_base. ERR_NOT_FOUND. ERR_PROVIDER. */
NODISCARD enum err replicate_get(struct ctx *ctx, const struct provider_session *session,
                                 const char *path, json_t **ret_json);

/* GET one page of a list and its array "results". cursor: NULL for the first page, else the page's
 * "next" before. ERR_NOT_FOUND. ERR_PROVIDER: refused, or the cursor leads elsewhere. */
struct replicate_page {
        const json_t *results;
        const char *next; /* NULL: this is the last */
};
NODISCARD enum err replicate_get_page(struct ctx *ctx, const struct provider_session *session,
                                      const char *path, const char *cursor,
                                      struct replicate_page *ret);

/* As the members of struct provider by these names. */
NODISCARD enum err replicate_versions(struct ctx *ctx, const struct provider_session *session,
                                      const char *model, struct provider_versions *ret);
NODISCARD enum err replicate_hardware_now(struct ctx *ctx, const struct provider_session *session,
                                          const json_t **ret_ids);
NODISCARD enum err replicate_upload_file(struct ctx *ctx, const struct provider_session *session,
                                         const struct http_file *file, const char **ret_url);
NODISCARD enum err replicate_webhook_secret(struct ctx *ctx, const struct provider_session *session,
                                            const char **ret_secret);
NODISCARD enum err replicate_probe(struct ctx *ctx, const struct provider_session *session,
                                   const char *url, struct provider_probe *ret);

#endif
