/* A user, for people and for scripts. */
#ifndef CORE_CRON_USER_PRINT_H
#define CORE_CRON_USER_PRINT_H

#include "core/base/jsonw.h"
#include "core/cloud/auth/user.h"

/* One line of a list to standard output. */
void user_print_line(const struct user_view *view);

/* A line for each thing known about him. */
void user_print(const struct user_view *view);

/* His members, named as in the API. */
void user_print_json(struct jsonw *json, const struct user_view *view);

/* The user of this name or address as he is now, as the command's result. */
struct command_options;
NODISCARD enum err user_print_result(struct ctx *ctx, const struct command_options *options,
                                     int64_t user_id);

#endif
