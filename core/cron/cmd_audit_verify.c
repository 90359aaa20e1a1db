/* simpletuner-cloud audit verify: is the audit log what was written? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cloud/audit/audit_note.h"
#include "core/cloud/audit/audit_offline.h"
#include "core/cloud/audit/audit_verify.h"
#include "core/cloud/cloud.h"
#include "core/cron/command.h"

static void print_broken(const struct audit_broken *broken)
{
        printf("entry %" PRId64 ": %s", broken->audit_id, audit_fault_name(broken->fault));
        if (broken->count > 1)
                printf(", %" PRId64 " entries", broken->count);
        printf("\n");
}

static void print_text(const struct audit_report *report)
{
        for (unsigned i = 0; i < report->broken_count; i++)
                print_broken(&report->broken[i]);
        if (report->broken_total > report->broken_count)
                printf("and %" PRId64 " more\n", report->broken_total - report->broken_count);
        if (report->checked > 0)
                printf("%" PRId64 " entries checked, from %" PRId64 " to %" PRId64 "\n",
                       report->checked, report->first_id, report->last_id);
        else
                printf("no entry to check\n");
        if (report->unchained > 0)
                printf("%" PRId64 " older entries have no hash\n", report->unchained);
        printf("%s\n", report->broken_total == 0 ? "valid" : "NOT VALID");
}

static void print_json(const struct audit_report *report)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();

        audit_report_render(&out.json, report);
}

/* A log that is good as a whole is noted outside of the database. */
static enum err verify_database(struct ctx *ctx, const struct command_options *options,
                                struct audit_report *report)
{
        const struct audit_range range = { options->start_id, options->end_id };
        bool written;
        enum err rc = cloud_check_schema(ctx);

        if (rc == OK)
                rc = audit_verify(ctx, range, report);
        if (rc == OK && report->broken_total == 0 && !range.start_id && !range.end_id)
                rc = audit_note_write(ctx, &written);
        return rc;
}

enum err cmd_audit_verify(struct ctx *ctx, const struct command_options *options)
{
        struct audit_report *report = arena_alloc(ctx->arena, sizeof(*report));
        enum err rc;

        if (!report)
                return ctx_nomem(ctx);
        rc = options->offline ? audit_offline_verify(ctx, options->offline, report)
                              : verify_database(ctx, options, report);
        if (rc != OK)
                return rc;
        if (options->json)
                print_json(report);
        else
                print_text(report);
        if (report->broken_total == 0)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT, "the audit log is not what was written");
}
