#include "fcgi/reload.h"

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/rate_rules.h"
#include "core/cloud/secrets/secrets.h"

static const char logger[] = "simpletuner.cloud";

void reload_settings(struct ctx *ctx)
{
        CLEANUP(config_freep) struct config *config = NULL;
        char message[512];

        log_reopen();
        secrets_flush(ctx->cloud->secrets);
        bell_ring(ctx->cloud->bells, BELL_SECRETS);
        if (!config_load(&config, message, sizeof(message))) {
                log_event(ctx, LOG_ERROR, logger, "The settings stay as they are", "reason",
                          message);
                return;
        }
        if (!log_configure(config->log_level, config->log_format,
                           *config->log_file ? config->log_file : NULL))
                log_event(ctx, LOG_ERROR, logger,
                          "The log stays where it is: SIMPLETUNER_LOG_FILE cannot be opened");
        if (rate_rules_reload(ctx, config) != OK)
                log_event(ctx, LOG_ERROR, logger, "The rate limits stay as they are", "reason",
                          ctx->detail);
        log_event(ctx, LOG_INFO, logger, "The settings were read anew");
}
