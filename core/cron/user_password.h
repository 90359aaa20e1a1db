/* Where passwords of users come from on the shell: never from the command line. */
#ifndef CORE_CRON_USER_PASSWORD_H
#define CORE_CRON_USER_PASSWORD_H

#include "core/cron/command.h"

struct user_password {
        const char *hash;
        const char *made; /* to be shown this one time; NULL: it was given */
};

/* A line of standard input with --password-stdin, else a random one. ERR_INVALID: it may not be a
 * password. Faults. */
NODISCARD enum err user_password_take(struct ctx *ctx, const struct command_options *options,
                                      struct user_password *ret);

#endif
