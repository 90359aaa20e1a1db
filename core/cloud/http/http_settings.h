/* How to reach others over HTTP: a provider's own settings come first, then the environment's. */
#ifndef CORE_CLOUD_HTTP_HTTP_SETTINGS_H
#define CORE_CLOUD_HTTP_HTTP_SETTINGS_H

#include "core/cloud/http/http_client.h"

struct config;

/* What the environment says of reaching url. Texts are the configuration's. */
struct http_settings http_settings_for(const struct config *config, const char *url);

#endif
