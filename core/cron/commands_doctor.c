/* The command that finds out what is wrong. It runs whatever that is. */
#include "core/cloud/doctor/doctor.h"
#include "core/cron/command.h"

static bool are_checks(const char *names)
{
        return doctor_knows(names);
}

/* clang-format off */
static const struct command_option doctor_options[] = {
        { "--only", "NAME,...", OPTION_WORD, INTO(only), 0, are_checks,
          "these checks alone" },
        { "--url", "URL", OPTION_WORD, INTO(url), 0, NULL,
          "try the front server here (default: SIMPLETUNER_PUBLIC_URL, else the local port)" },
        { 0 },
};

const struct command commands_doctor[] = {
        { "doctor", NULL, doctor_options, cmd_doctor, false, "find out what is wrong, and what to do",
          "Looks at settings, files, database, network, front server and companion, and says of each\n"
          "finding which command to run next. It changes nothing, and ends within two minutes whatever\n"
          "hangs. Exits with 0 when there is no error, warnings or not; with 65 when there is one.\n"
          "Run it as the user of the service: others may not read its files.\n"
          "Checks: " DOCTOR_CHECKS },
        { 0 },
};
/* clang-format on */
