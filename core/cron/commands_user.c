/* The companion's commands about users. */
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option user_list_options[] = {
        { "--all", "", OPTION_FLAG, INTO(all), 0, NULL,
          "deactivated users too" },
        { 0 },
};

#define PASSWORD_STDIN                                                                             \
        { "--password-stdin", "", OPTION_FLAG, INTO(password_stdin), 0, NULL,                      \
          "read the password from standard input, a line (default: make one and show it)" }

static const struct command_option user_add_options[] = {
        { "--admin", "", OPTION_FLAG, INTO(admin), 0, NULL,
          "an administrator, who may everything" },
        { "--level", "NAMES", OPTION_WORD, INTO(level), 0, NULL,
          "levels, separated by commas (default: researcher, or admin with --admin)" },
        { "--email", "ADDRESS", OPTION_WORD, INTO(email), 0, NULL,
          "an address, with which one can log in too" },
        { "--display-name", "NAME", OPTION_WORD, INTO(display_name), 0, NULL,
          "what people call the user" },
        PASSWORD_STDIN,
        { "--no-password", "", OPTION_FLAG, INTO(no_password), 0, NULL,
          "no login by password" },
        { 0 },
};

static const struct command_option user_passwd_options[] = {
        PASSWORD_STDIN,
        { 0 },
};

static const struct command_option user_level_options[] = {
        { "--add", "LEVEL", OPTION_WORD, INTO(add), 0, NULL,
          "give this level" },
        { "--remove", "LEVEL", OPTION_WORD, INTO(remove), 0, NULL,
          "take this level away" },
        { 0 },
};

const struct command commands_user[] = {
        { "user list", NULL, user_list_options, cmd_user_list, true, "list users",
          "A line for each: number, state, when the last login was, name, address and levels. Who may\n"
          "everything is marked with a star." },
        { "user show", "NAME", NULL, cmd_user_show, true, "show all that is known about a user",
          "NAME is the user name or the address." },
        { "user add", "NAME", user_add_options, cmd_user_add, true, "make a user",
          "NAME is 3 to 50 letters, digits, underscores and hyphens, and stays. The first user must be\n"
          "made with --admin. A password is never given on the command line, where others would see\n"
          "it: it is read from standard input, or made and shown this one time." },
        { "user passwd", "NAME", user_passwd_options, cmd_user_passwd, true,
          "set the password of a user",
          "Ends all sessions of the user." },
        { "user level", "NAME", user_level_options, cmd_user_level, true,
          "give a user a level, or take one away",
          "Either or both of --add and --remove; first one is given, then one is taken away." },
        { "user deactivate", "NAME", NULL, cmd_user_deactivate, true, "keep a user out",
          "Ends all sessions of the user, whose keys and credentials are no good until the user is\n"
          "activated again." },
        { "user activate", "NAME", NULL, cmd_user_activate, true, "let a user in again",
          "Undoes user deactivate." },
        { "user remote", "NAME", NULL, cmd_user_remote, true, "leave a user to the front server",
          "From then on the front server says who is this user. Ends the password and all sessions." },
        { "user local", "NAME", NULL, cmd_user_local, true, "take a user back from the front server",
          "Undoes user remote; user passwd gives a password." },
        { "user delete", "NAME", NULL, cmd_user_delete, true, "delete a user for good",
          "Ends all sessions, keys and credentials. Jobs and the audit log keep the name, which nobody\n"
          "else is ever given." },
        { 0 },
};
/* clang-format on */
