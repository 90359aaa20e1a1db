#include "core/cloud/http/http_settings.h"

#include <string.h>

#include "core/base/config.h"

static const char *or_null(const char *text)
{
        return *text ? text : NULL;
}

struct http_settings http_settings_for(const struct config *config, const char *url)
{
        bool tls = strncmp(url, "https://", 8) == 0;
        const char *proxy = or_null(tls ? config->https_proxy : config->http_proxy);

        return (struct http_settings){
                .ssl_verify = config->ssl_verify,
                .ca_bundle = or_null(config->ca_bundle),
                .proxy = proxy ? proxy : or_null(config->http_proxy),
                .no_proxy = or_null(config->no_proxy),
                .timeout_s = config->http_timeout_s,
        };
}
