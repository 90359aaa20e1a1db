/* The job object of the protocol of the provider "http", as pure functions over JSON: README.md,
 * "A provider of your own". */
#ifndef CORE_CLOUD_PROVIDER_PROVIDER_HTTP_JOB_H
#define CORE_CLOUD_PROVIDER_PROVIDER_HTTP_JOB_H

#include "core/cloud/provider/provider_data.h"

/* The body of POST /jobs, a new reference. ERR_NOMEM. */
NODISCARD enum err http_job_request(struct ctx *ctx, const struct provider_submission *submission,
                                    json_t **ret);

/* Read a job object, from an answer or a webhook. Texts are borrowed from the tree. False: it has
 * no id or no status, so it is no job. */
NODISCARD bool http_job_read(const json_t *job, struct provider_job *ret);

#endif
