#include "core/cloud/provider/replicate_prediction.h"

#include <string.h>

#include "core/cloud/provider/provider_rest.h"

/* clang-format off */
static const struct { const char *word; enum job_status status; } words[] = {
        { "starting",   JOB_QUEUED },
        { "processing", JOB_RUNNING },
        { "succeeded",  JOB_COMPLETED },
        { "failed",     JOB_FAILED },
        { "canceled",   JOB_CANCELLED },
        { "aborted",    JOB_FAILED },    /* its deadline passed before it started */
        { "error",      JOB_FAILED },
};
/* clang-format on */

bool replicate_status_parse(const char *word, enum job_status *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strcmp(word, words[i].word) == 0) {
                        *ret = words[i].status;
                        return true;
                }
        }
        return job_status_parse(word, ret) && *ret != JOB_BLOCKED;
}

json_t *replicate_prediction_request(const struct provider_submission *submission,
                                     const char *version)
{
        json_t *body = json_pack("{s:s, s:{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:O}}", "version",
                                 version, "input", "config_json", submission->config_json,
                                 "dataloader_json", submission->dataloader_json, "images",
                                 submission->images_url, "lycoris_json", submission->lycoris_json,
                                 "hf_token", submission->hf_token, "hub_model_id",
                                 submission->hub_model_id, "env", submission->env);

        if (!body || !submission->webhook_url)
                return body;
        if (json_object_set_new(body, "webhook", json_string(submission->webhook_url)) != 0 ||
            json_object_set_new(body, "webhook_events_filter",
                                json_pack("[s, s]", "start", "completed")) != 0) {
                json_decref(body);
                return NULL;
        }
        return body;
}

bool replicate_prediction_read(const json_t *prediction, struct provider_job *ret)
{
        const char *status = json_string_at(prediction, "status");
        const char *id = json_string_at(prediction, "id");
        const json_t *input = json_object_get(prediction, "input");

        if (!status || !id || !*id || strlen(id) > 128)
                return false;
        *ret = (struct provider_job){
                .external_id = id,
                .output_url = provider_rest_output_url(json_object_get(prediction, "output")),
                .started_at_us = provider_rest_time(prediction, "started_at"),
                .completed_at_us = provider_rest_time(prediction, "completed_at"),
                .run_seconds =
                        json_number_at(json_object_get(prediction, "metrics"), "predict_time", -1),
                .our_job_id = json_string_at(json_object_get(input, "env"), "SIMPLETUNER_JOB_ID"),
                .logs = json_string_at(prediction, "logs"),
                .output = json_object_get(prediction, "output"),
                .model = json_string_at(prediction, "model"),
                .data_removed = json_is_true(json_object_get(prediction, "data_removed")),
        };
        ret->status_known = replicate_status_parse(status, &ret->status);
        if (ret->status_known && ret->status == JOB_FAILED) {
                ret->error = json_string_at(prediction, "error");
                if (!ret->error && strcmp(status, "aborted") == 0)
                        ret->error = "Replicate aborted the prediction: its deadline passed "
                                     "before it started";
        }
        return true;
}
