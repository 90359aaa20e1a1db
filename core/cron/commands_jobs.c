/* The companion's commands about jobs. */
#include "core/cloud/job/job.h"
#include "core/cron/command.h"

static bool is_status(const char *word)
{
        enum job_status status;

        return job_status_parse(word, &status);
}

/* clang-format off */
static const struct command_option list_options[] = {
        { "--status", "STATUS", OPTION_WORD, INTO(status), 0, is_status,
          "pending, uploading, queued, running, completed, failed or cancelled" },
        { "--provider", "PROVIDER", OPTION_WORD, INTO(provider), 0, NULL,
          "of this provider" },
        { "--limit", "N", OPTION_COUNT, INTO(limit), 1000, NULL,
          "at most so many, the newest (default 50)" },
        { 0 },
};

const struct command commands_jobs[] = {
        { "jobs list", NULL, list_options, cmd_jobs_list, true, "list jobs, the newest first",
          "A line for each job: id, status, when it was made, provider, hardware and configuration." },
        { "jobs show", "ID", NULL, cmd_jobs_show, true, "show all that is known about a job",
          "Shows one job with its times, cost, errors and uploads." },
        { "jobs cancel", "ID", NULL, cmd_jobs_cancel, true, "cancel a job, at its provider too",
          "The job is cancelled at the provider first, then here; if the provider does not do it,\n"
          "nothing is changed." },
        { 0 },
};
/* clang-format on */
