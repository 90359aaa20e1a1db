/* What somebody asks for who submits a job: the fields of the body, and the sealed form in which
 * the request is kept beside the job, so that it can be made again. */
#ifndef CORE_CLOUD_JOB_JOB_REQUEST_H
#define CORE_CLOUD_JOB_JOB_REQUEST_H

#include "core/base/crypto.h"
#include "core/base/fields.h"

struct job_request {
        const char *provider_id;
        const json_t *config;            /* an object, not empty once it is resolved */
        const json_t *dataloader_config; /* an array of objects or NULL */
        /* Texts may be NULL. */
        const char *config_name_to_load; /* see named_config.h */
        const char *config_name, *webhook_url, *hardware_profile, *tracker_run_name;
        const char *snapshot_name, *snapshot_message;
        const char *upload_id;       /* the caller's own word, kept in the metadata */
        int64_t max_runtime_minutes; /* 0: the provider's setting */
        bool dry_run;                /* only say what would be sent */
        bool data_consent;           /* its local data sets may be sent to the provider */

        const char *idempotency_key; /* two requests under one key are one job; NULL: none */
        const char *sha256;          /* hex, of all that was asked but the key; NULL without one */

        const char *retry_of; /* the job that this repeats, NULL: none */
        int64_t attempt;      /* which try it is; 0 and 1: the first */
};

#define IDEMPOTENCY_KEY_MAX 255

/* What a body may have. */
extern const struct field_table job_request_fields;

/* Read a body for a provider. Everything is borrowed from body, or in the arena. ERR_INVALID. */
NODISCARD enum err job_request_decode(struct ctx *ctx, const char *provider_id, const json_t *body,
                                      struct job_request *ret);

/* Set an idempotency key and the hash of what it stands for: the same request always hashes to the
 * same, however its JSON was written. ERR_INVALID: a bad key. */
NODISCARD enum err job_request_set_key(struct ctx *ctx, struct job_request *request,
                                       const char *key, const json_t *asked);

/* Put the named configuration in place, and check that there is something to run. ERR_INVALID. */
NODISCARD enum err job_request_resolve(struct ctx *ctx, struct job_request *request);

/* A resolved request as the column jobs.request keeps it. Faults. */
NODISCARD enum err job_request_seal(struct ctx *ctx, const char *job_id,
                                    const struct job_request *request, const char **ret_sealed);
/* ERR_UNAVAILABLE: it was sealed under another key. Faults. */
NODISCARD enum err job_request_open(struct ctx *ctx, const char *job_id, const char *sealed,
                                    struct job_request *ret);

#endif
