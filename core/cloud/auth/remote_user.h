/* Users whom the front server has identified (LDAP, Kerberos, OpenID Connect): REMOTE_USER,
 * believed only with SIMPLETUNER_TRUST_REMOTE_USER=1.
 *
 * Such a user is made at first sight, with the levels that his groups stand for by
 * SIMPLETUNER_REMOTE_GROUP_LEVELS, else with SIMPLETUNER_REMOTE_USER_LEVEL. Where there is such a
 * map, his levels follow his groups from then on, and levels that were given by hand go; who is in
 * no group of it, or whose groups are not said, has the level of first sight. A user who was made
 * here is not taken over by the name of the front server until an administrator leaves him to it
 * (user_set_provider); the name of one who was deleted never is. The very first user is made only
 * when his level may everything: otherwise nobody could administrate from then on. */
#ifndef CORE_CLOUD_AUTH_REMOTE_USER_H
#define CORE_CLOUD_AUTH_REMOTE_USER_H

#include "core/base/ctx.h"

/* What SIMPLETUNER_REMOTE_USER_LEVEL says when users are not to be made at first sight. */
#define REMOTE_LEVEL_NONE "none"

/* Set ctx->actor to the user of this name. A name is 1 to 64 of A-Z a-z 0-9 . _ @ - and compared in
 * any case of letters. groups: as remote_groups_give has them, NULL: not said. Writes nothing when
 * nothing has changed, but the time of his last visit once an hour. ERR_UNAUTHENTICATED: not a name
 * that can be a user's, there is no such user and none may be made, he is deactivated, or he is not
 * the front server's. Faults. */
NODISCARD enum err remote_user_identify(struct ctx *ctx, const char *name, const char *groups);

#endif
