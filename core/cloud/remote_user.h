/* Users whom the front server has identified (LDAP, Kerberos, OpenID Connect): REMOTE_USER,
 * believed only with SIMPLETUNER_TRUST_REMOTE_USER=1. */
#ifndef CORE_CLOUD_REMOTE_USER_H
#define CORE_CLOUD_REMOTE_USER_H

#include "core/base/ctx.h"

/* Set ctx->actor to the user of this name, who is made at first sight with the level of
 * SIMPLETUNER_REMOTE_USER_LEVEL. groups: their names, separated by commas or semicolons, NULL: not
 * said; when SIMPLETUNER_REMOTE_GROUP_LEVELS maps groups to levels, the user has just those levels
 * from then on. ERR_UNAUTHENTICATED: not a name that can be a user's, or he is deactivated. */
NODISCARD enum err remote_user_identify(struct ctx *ctx, const char *name, const char *groups);

#endif
