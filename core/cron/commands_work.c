/* The companion's commands about what it does again and again. */
#include "core/cron/command.h"
#include "core/cron/tasks.h"

#define DAY_S (24 * 3600)

static bool is_task(const char *word)
{
        return task_find(word) != NULL;
}

/* clang-format off */
static const struct command_option cron_options[] = {
        { "--task", "NAME", OPTION_WORD, INTO(task), 0, is_task,
          "do this task now, due or not; \"simpletuner-cloud tasks\" names them" },
        { 0 },
};

static const struct command_option poll_options[] = {
        { "--every", "DURATION", OPTION_DURATION, INTO(every_us), DAY_S, NULL,
          "again and again, a round every 30s, 5m or 1h" },
        { "--for", "DURATION", OPTION_DURATION, INTO(for_us), 365 * DAY_S, NULL,
          "begin no round later than this after the first (default: never end)" },
        { 0 },
};

const struct command commands_work[] = {
        { "cron", NULL, cron_options, cmd_cron, true, "do whatever is due",
          "Polls the providers, recovers interrupted submissions, sweeps and forgets what is old:\n"
          "each task when it is due, under a lease. Safe to start every minute and several times at\n"
          "once. Without a terminal it speaks only of trouble, so that cron sends no mail." },
        { "poll", NULL, poll_options, cmd_poll, true, "ask the providers about every active job",
          "Asks about the longest unasked first, and finds interrupted submissions again. Safe to\n"
          "start at any time and several times at once. SIGTERM ends --every between two rounds." },
        { "tasks", NULL, NULL, cmd_tasks, true, "what cron does, when it did, and how it went",
          "A line for each task: how often it is done, when it last was, and with what result." },
        { 0 },
};
/* clang-format on */
