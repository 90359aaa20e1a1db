/* Replicate's prediction object as pure functions over JSON: what we send and what it says.
 * Source: replicate.com/docs/reference/http and /docs/topics/predictions/lifecycle. */
#ifndef CORE_CLOUD_PROVIDER_REPLICATE_PREDICTION_H
#define CORE_CLOUD_PROVIDER_REPLICATE_PREDICTION_H

#include "core/cloud/provider/provider.h"

/* The body of POST /predictions, a new reference. NULL: out of memory. */
NODISCARD json_t *replicate_prediction_request(const struct provider_submission *submission,
                                               const char *version);

/* Read a prediction object, from an answer or a webhook. Texts are borrowed from the tree.
 * False: it has no id or no status, so it is not a prediction. */
NODISCARD bool replicate_prediction_read(const json_t *prediction, struct provider_job *ret);

/* "starting, processing, succeeded, failed, canceled, aborted" to our words, and our own words to
 * themselves. False: an unknown word. */
NODISCARD bool replicate_status_parse(const char *word, enum job_status *ret);

#endif
