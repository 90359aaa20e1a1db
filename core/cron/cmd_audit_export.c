/* simpletuner-cloud audit export: write the audit log to standard output. */
#include <stdio.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_export.h"
#include "core/cron/command.h"

static bool write_out(void *arg, const char *text, size_t len)
{
        (void)arg;
        return fwrite(text, 1, len, stdout) == len;
}

static enum err read_time(struct ctx *ctx, const char *name, const char *text, int64_t *ret_us)
{
        if (text && !clock_parse_iso(text, ret_us))
                return ctx_fail(ctx, ERR_INVALID, "%s must be a time like 2024-01-15T10:30:00Z",
                                name);
        return OK;
}

enum err cmd_audit_export(struct ctx *ctx, const struct command_options *options)
{
        struct audit_export export = { .write = write_out };
        enum err rc = OK;

        if (!audit_format_parse(options->format, &export.format))
                return ctx_fail(ctx, ERR_INVALID, "--format must be json, csv or cef");
        rc = read_time(ctx, "--since", options->since, &export.since_us);
        if (rc == OK)
                rc = read_time(ctx, "--until", options->until, &export.until_us);
        if (export.until_us)
                export.until_us = audit_until(export.until_us);
        if (rc == OK)
                rc = audit_export_run(ctx, &export);
        if (rc == OK && fflush(stdout) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "the export cannot be written: %m");
        return rc;
}
