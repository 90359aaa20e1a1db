#include "core/cron/job_print.h"

#include <inttypes.h>
#include <stdio.h>

static const char *or_dash(const char *text)
{
        return text ? text : "-";
}

void job_print_line(const struct job *job)
{
        char created[CLOCK_ISO_SIZE];

        clock_format_second(job->created_at_us, created);
        printf("%s  %-9s  %s  %-10s  %-8s  %s\n", job->job_id, job_status_name(job->status),
               created, job->provider, or_dash(job->hardware_type), or_dash(job->config_name));
}

static void print_text(const char *name, const char *value)
{
        if (value)
                printf("%-15s %s\n", name, value);
}

static void print_time(const char *name, int64_t at_us)
{
        char text[CLOCK_ISO_SIZE];

        if (!at_us)
                return;
        clock_format_iso(at_us, text);
        print_text(name, text);
}

void job_print(const struct job *job, const struct upload_progress *uploads)
{
        print_text("job", job->job_id);
        print_text("status", job_status_name(job->status));
        print_text("owner", job->owner);
        print_text("provider", job->provider);
        print_text("external id", job->external_id);
        print_text("configuration", job->config_name);
        print_text("hardware", job->hardware_type);
        print_time("created", job->created_at_us);
        print_time("started", job->started_at_us);
        print_time("completed", job->completed_at_us);
        print_text("stage", job->progress_stage);
        print_text("output", job->output_url);
        print_text("message", job->error_message);
        if (job->cost_usd_micros != JOB_COST_UNKNOWN)
                printf("%-15s %.4f USD\n", "cost", (double)job->cost_usd_micros / 1e6);
        printf("%-15s %" PRId64 " files, %" PRId64 " bytes\n", "uploads", uploads->files,
               uploads->bytes);
        if (!job_status_is_terminal(job->status))
                print_time("asked again", job->poll_at_us);
        if (job->poll_failures)
                printf("%-15s %" PRId64 " in a row\n", "poll failures", job->poll_failures);
}

void job_print_json(struct jsonw *json, const struct job *job)
{
        jsonw_string(json, "job_id", job->job_id);
        jsonw_string(json, "status", job_status_name(job->status));
        jsonw_string(json, "owner", job->owner);
        jsonw_string(json, "provider", job->provider);
        jsonw_string(json, "external_id", job->external_id);
        jsonw_string(json, "config_name", job->config_name);
        jsonw_string(json, "hardware_type", job->hardware_type);
        jsonw_time(json, "created_at", job->created_at_us);
        jsonw_time(json, "started_at", job->started_at_us);
        jsonw_time(json, "completed_at", job->completed_at_us);
        if (job->cost_usd_micros == JOB_COST_UNKNOWN)
                jsonw_null(json, "cost_usd");
        else
                jsonw_number(json, "cost_usd", (double)job->cost_usd_micros / 1e6, 6);
        jsonw_string(json, "error_message", job->error_message);
        jsonw_string(json, "output_url", job->output_url);
        jsonw_int(json, "poll_failures", job->poll_failures);
}
