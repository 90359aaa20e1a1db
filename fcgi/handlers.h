/* Every handler: one file per resource, h_<resource>.c. */
#ifndef FCGI_HANDLERS_H
#define FCGI_HANDLERS_H

#include "fcgi/routes.h"

handler_fn health_plain, health_full, health_live, health_is_ready;
handler_fn providers_list, providers_show, providers_update, providers_token_save;
handler_fn providers_token_delete, providers_validate;
handler_fn jobs_submit, jobs_list, jobs_show, jobs_cancel;
handler_fn data_consent_preview, data_consent_show, data_consent_update;
handler_fn webhooks_receive;
handler_fn storage_buckets, storage_list, storage_get, storage_put;

#endif
