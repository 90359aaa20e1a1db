/* The companion's commands about API keys and S3 credentials. */
#include "core/cloud/auth/api_key.h"
#include "core/cloud/s3/s3_credential.h"
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option add_options[] = {
        { "--name", "NAME", OPTION_WORD, INTO(name), 0, NULL,
          "what it is for, as the list shows it" },
        { "--expires-days", "N", OPTION_COUNT, INTO(expires_days), S3_CREDENTIAL_DAYS_MAX, NULL,
          "it is no good after so many days (default: never)" },
        { 0 },
};

static const struct command_option key_add_options[] = {
        { "--user", "NAME", OPTION_WORD, INTO(user), 0, NULL,
          "whose it is; must be given" },
        { "--name", "NAME", OPTION_WORD, INTO(name), 0, NULL,
          "what it is for, as the list shows it (default: cron)" },
        { "--expires-days", "N", OPTION_COUNT, INTO(expires_days), API_KEY_DAYS_MAX, NULL,
          "it is no good after so many days (default: never)" },
        { "--scopes", "NAMES", OPTION_WORD, INTO(scopes), 0, NULL,
          "permissions, separated by commas: it may nothing else (default: what its user may)" },
        { 0 },
};

static const struct command_option key_list_options[] = {
        { "--user", "NAME", OPTION_WORD, INTO(user), 0, NULL,
          "of this user (default: of all)" },
        { 0 },
};

const struct command commands_key[] = {
        { "api-key add", NULL, key_add_options, cmd_api_key_add, true, "make an API key for a user",
          "The key is shown this one time." },
        { "api-key list", NULL, key_list_options, cmd_api_key_list, true, "list API keys",
          "A line for each that is not revoked: number, first characters, state, when it was made and\n"
          "last used, user and name." },
        { "api-key revoke", "ID", NULL, cmd_api_key_revoke, true, "end an API key",
          "Nothing is accepted with it from now on. ID is its number, as the list shows it." },
        { "s3-credential add", NULL, add_options, cmd_s3_credential_add, true,
          "make an S3 credential",
          "Makes an access key id and a secret access key for S3 clients. They act with the rights of\n"
          "the local administrator. The secret is shown this one time." },
        { "s3-credential list", NULL, NULL, cmd_s3_credential_list, true, "list S3 credentials",
          "A line for each that is not revoked, of all owners: access key id, whether it is active or\n"
          "expired, when it was made and last used, owner and name." },
        { "s3-credential revoke", "ID", NULL, cmd_s3_credential_revoke, true,
          "end an S3 credential",
          "Nothing that is signed with it is accepted from now on. ID is the access key id." },
        { 0 },
};
/* clang-format on */
