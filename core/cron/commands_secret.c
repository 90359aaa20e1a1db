/* The companion's commands about secrets and the keys under which they are kept. */
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option get_options[] = {
        { "--reveal", "", OPTION_FLAG, INTO(reveal), 0, NULL, "write the value itself, and only that" },
        { 0 },
};

static const struct command_option rotate_options[] = {
        { "--prepare", "", OPTION_FLAG, INTO(prepare), 0, NULL,
          "add a key to the file, and seal with the old one still" },
        { "--activate", "", OPTION_FLAG, INTO(activate), 0, NULL,
          "seal with the key that was prepared, when all hosts have the file" },
        { "--retire", "", OPTION_FLAG, INTO(retire), 0, NULL,
          "drop old keys that nothing is sealed under any more" },
        { "--one-host", "", OPTION_FLAG, INTO(one_host), 0, NULL,
          "no other host uses this PostgreSQL database: prepare and activate at once" },
        { 0 },
};

const struct command commands_secret[] = {
        { "secret get", "NAME", get_options, cmd_secret_get, false, "tell where a secret comes from",
          "Says which source has it; of the value no more than its end, unless --reveal is given." },
        { "secret set", "NAME", NULL, cmd_secret_set, true, "save a secret in the file of secrets",
          "The value is read from standard input, without the end of its last line." },
        { "secret delete", "NAME", NULL, cmd_secret_delete, true,
          "remove a secret from the file of secrets",
          "Other sources are not changed, and may still have it." },
        { "secret explain", "NAME", NULL, cmd_secret_explain, false,
          "tell what every source says of a secret",
          "In the order in which they are asked: used, shadowed (a source before has it), absent,\n"
          "failed (the source cannot be asked, and nor are those after it), or not configured." },
        { "secret list", NULL, NULL, cmd_secret_list, false, "list secrets and where they come from",
          "The names that this program asks for, and those that the sources can list." },
        { "secret rotate-key", NULL, rotate_options, cmd_secret_rotate_key, true,
          "change the key under which secrets are kept in the database",
          "Makes a new key in credential.key, seals everything in the database anew, and keeps the old\n"
          "key until --retire. May be stopped at any time and started again. Where several hosts use\n"
          "one database: --prepare, copy credential.key to all of them, --activate, copy it again, and\n"
          "once more without options; a responder notices the file by itself. Old backups of the\n"
          "database need the credential.key of their time." },
        { 0 },
};
/* clang-format on */
