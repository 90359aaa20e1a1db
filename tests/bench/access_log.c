/* access_log FILE LINES: processor time of one access line, "line_ns=N". The calls are those of
 * fcgi/access_log.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/log.h"

static double processor_s(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_line(const struct ctx *ctx, long number)
{
        char status[16], sent[24], took[32];

        snprintf(status, sizeof(status), "%d", 200);
        snprintf(sent, sizeof(sent), "%ld", number);
        snprintf(took, sizeof(took), "%ld.%ld", number % 100, number % 10);
        log_event(ctx, LOG_INFO, "simpletuner.cloud.http", "Request", "method", "GET", "route",
                  "/api/cloud/jobs/{job_id}", "#status", status, "#bytes", sent, "#ms", took,
                  "client", "192.0.2.17", "user", "somebody", "via", "api_key");
}

int main(int argc, char **argv)
{
        struct ctx ctx = { .clock = &clock_system };
        long lines = argc == 3 ? atol(argv[2]) : 0;
        double start;

        if (lines <= 0 || !log_configure(LOG_INFO, LOG_JSON, argv[1]))
                return 1;
        memcpy(ctx.correlation_id, "abc123def456", sizeof("abc123def456"));
        start = processor_s();
        for (long number = 0; number < lines; number++)
                write_line(&ctx, number);
        printf("line_ns=%.0f\n", (processor_s() - start) * 1e9 / (double)lines);
        return 0;
}
