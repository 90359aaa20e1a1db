/* Providers are a table of functions. A session is one provider made ready for one request or
 * task: its settings, the way to reach it, and the token of whoever it works for. */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_H
#define CORE_CLOUD_PROVIDER_PROVIDER_H

#include "core/base/crypto.h"
#include "core/cloud/http/http_client.h"
#include "core/cloud/provider/provider_data.h"
#include "core/cloud/provider/provider_settings.h"

struct provider;

struct provider_session {
        const struct provider *provider;
        const char *owner; /* whose jobs these are */
        struct provider_settings settings;
        struct http_settings http;
        const char *api_base; /* without trailing slash; NULL: not set */
        struct secret token;  /* len 0: none is set */
        bool token_is_owners; /* their own; false: the global one */
};

/* ERR_PROVIDER everywhere: refused or nonsense, and surely nothing happened.
 * ERR_NOT_READY: its circuit breaker is open, and surely nothing happened.
 * ERR_OUTCOME_UNKNOWN: it may have happened. NULL members: the provider has no such thing. */
struct provider {
        const char *id, *name, *description;
        const char *default_api_base; /* NULL: the setting api_base_url is required */
        const char *token_name;       /* in the secrets */
        const char *token_prefix;     /* what a token starts with, NULL: anything */
        bool token_optional;
        const char *webhook_secret_name;
        const char *model_prefix; /* a profile's model is this and its id */
        const char *default_profile;
        const char *status_page_url; /* unless the setting of this name is there */
        const char *balance_note;
        unsigned default_run_limit_s; /* it ends jobs after this time unless told otherwise */
        int64_t file_max_bytes;       /* of what upload_file takes */
        enum err (*validate)(struct ctx *ctx, const struct provider_session *session,
                             struct provider_account *ret);
        enum err (*submit)(struct ctx *ctx, const struct provider_session *session,
                           const struct provider_submission *submission, struct provider_job *ret);
        /* The request that asks about a job, and what its answer says: two halves of one call, so
         * that many can be under way. ERR_NOT_FOUND: the provider has no such job. */
        enum err (*status_request)(struct ctx *ctx, const struct provider_session *session,
                                   const char *external_id, struct http_request *ret);
        enum err (*status_answer)(struct ctx *ctx, const struct http_answer *answer,
                                  struct provider_job *ret);
        /* A job that is gone counts as cancelled. */
        enum err (*cancel)(struct ctx *ctx, const struct provider_session *session,
                           const char *external_id);
        /* One page of its jobs. cursor: NULL for the newest, else the page's next before. */
        enum err (*list)(struct ctx *ctx, const struct provider_session *session,
                         const char *cursor, struct provider_page *ret);
        /* NULL: it hands none out, CLOUD_WEBHOOK_SECRET signs. */
        enum err (*webhook_secret)(struct ctx *ctx, const struct provider_session *session,
                                   const char **ret_secret);
        /* The provider's own webhook body. False: it is not one. */
        bool (*parse_webhook)(const json_t *body, struct provider_job *ret);
        /* Its hardware profiles, as in hardware.h; info: the hardware_info setting or NULL. */
        enum err (*hardware_find)(struct ctx *ctx, const json_t *info, const char *name,
                                  struct hardware *ret);
        bool (*hardware_at)(const json_t *info, size_t n, struct hardware *ret);
        /* The ids of the hardware it has now, as an array of strings in the arena. */
        enum err (*hardware_now)(struct ctx *ctx, const struct provider_session *session,
                                 const json_t **ret_ids);
        /* All versions of a model "owner/name". ERR_NOT_FOUND: no such model. */
        enum err (*versions)(struct ctx *ctx, const struct provider_session *session,
                             const char *model, struct provider_versions *ret);
        /* Send a file ahead of a job; file->field is the provider's business. *ret_url: where its
         * jobs find it. ERR_CONFLICT: file->progress said stop. May be repeated. */
        enum err (*upload_file)(struct ctx *ctx, const struct provider_session *session,
                                const struct http_file *file, const char **ret_url);
        /* Have it call a URL, and wait up to a minute for what comes of it. */
        enum err (*probe)(struct ctx *ctx, const struct provider_session *session, const char *url,
                          struct provider_probe *ret);
};

extern const struct provider provider_replicate, provider_http;

/* ERR_NOT_FOUND. */
NODISCARD enum err provider_find(struct ctx *ctx, const char *id, const struct provider **ret);
/* The n-th provider, NULL past the last. */
const struct provider *provider_at(size_t n);

/* For the jobs of one owner: with the owner's own token when there is one, else the global one;
 * owner "": with the global one.
 * ERR_NOT_FOUND: no such provider. ERR_UNAVAILABLE: settings or secrets cannot be read. */
NODISCARD enum err provider_open_for(struct ctx *ctx, const char *id, const char *owner,
                                     struct provider_session *ret);
/* For jobs of whoever is asking. */
NODISCARD enum err provider_open(struct ctx *ctx, const char *id, struct provider_session *ret);

/* ERR_CONFLICT: a token or an address must be set first; detail says which. */
NODISCARD enum err provider_check_configured(struct ctx *ctx,
                                             const struct provider_session *session);

/* A profile by any of its spellings; NULL: the one set, else the provider's default. ERR_INVALID:
 * there is none of this name; detail lists the valid ones. */
NODISCARD enum err provider_hardware(struct ctx *ctx, const struct provider_session *session,
                                     const char *name, struct hardware *ret);

/* The base URL under which the world reaches us, for this provider's jobs; "" when none is set. */
const char *provider_public_url(struct ctx *ctx, const struct provider_settings *settings);

#endif
