/* Are the settings well? For --test-config: what stops a start is said, and nothing is done. */
#ifndef CORE_CLOUD_SETTINGS_TEST_H
#define CORE_CLOUD_SETTINGS_TEST_H

#include "core/base/ctx.h"

/* Beyond what config_load has read: the files that settings name, the kinds of database and state
 * backend that this build has, and the audit key. ERR_INVALID, ERR_UNAVAILABLE: detail says which
 * is wrong. ERR_NOMEM. */
NODISCARD enum err settings_test(struct ctx *ctx);

#endif
