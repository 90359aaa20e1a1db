/* THE command table of the companion: its parts, in the order of the help. */
#include "core/cron/command.h"

static const struct command *const parts[] = {
        commands_work,  commands_jobs,    commands_user,     commands_key,    commands_secret,
        commands_audit, commands_storage, commands_database, commands_backup, commands_doctor,
};

const struct command *command_at(size_t n)
{
        for (size_t part = 0; part < ARRAY_SIZE(parts); part++) {
                const struct command *command = parts[part];

                for (; command->name; command++) {
                        if (n-- == 0)
                                return command;
                }
        }
        return NULL;
}

bool command_runs_bare(const struct command *command)
{
        const struct command *bare = commands_doctor;

        while (bare->name && bare != command)
                bare++;
        return bare->name != NULL;
}
