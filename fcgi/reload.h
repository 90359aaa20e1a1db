/* What SIGHUP does: take over the settings that may change while the service runs. */
#ifndef FCGI_RELOAD_H
#define FCGI_RELOAD_H

#include "core/base/ctx.h"

/* Read the settings anew: level, form and file of the log (which is opened anew in any case, for
 * logrotate); RATE_LIMIT_CALLS, RATE_LIMIT_PERIOD and the file of rules. Secrets of AWS
 * and Vault are asked for anew in any case. Settings that are wrong
 * change nothing, and the log says what is wrong. For the main thread; ctx->config stays as it is,
 * for other threads read it. */
void reload_settings(struct ctx *ctx);

#endif
