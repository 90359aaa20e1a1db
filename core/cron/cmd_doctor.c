/* simpletuner-cloud doctor: what is wrong, and what to do about it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cloud/doctor/doctor.h"
#include "core/cron/command.h"

static const char *const marks[] = { "\xe2\x9c\x93", "\xc2\xb7", "!", "\xe2\x9c\x97" };

/* The worst of a check's findings. */
static enum doctor_level worst_of(const struct doctor_finding *first)
{
        enum doctor_level worst = DOCTOR_OK;

        for (const struct doctor_finding *each = first; each && each->check == first->check;
             each = each->next)
                worst = each->level > worst ? each->level : worst;
        return worst;
}

static const struct doctor_finding *next_check(const struct doctor_finding *finding)
{
        const char *check = finding->check;

        while (finding && finding->check == check)
                finding = finding->next;
        return finding;
}

static void print_finding(const struct doctor_finding *finding)
{
        printf("  %s %-11s%s\n", marks[finding->level], finding->check, finding->found);
        if (finding->command)
                printf("               -> %s\n", finding->command);
}

/* Names of the checks of a group without trouble, on one line; then the others' findings. */
static const struct doctor_finding *print_group(const struct doctor_finding *first)
{
        const char *group = first->group;
        const struct doctor_finding *each;
        bool tick = false;

        printf("%s\n", group);
        for (each = first; each && each->group == group; each = next_check(each)) {
                if (worst_of(each) != DOCTOR_OK)
                        continue;
                printf("%s%s", tick ? ", " : "  \xe2\x9c\x93 ", each->check);
                tick = true;
        }
        if (tick)
                puts("");
        for (each = first; each && each->group == group; each = each->next) {
                if (each->level != DOCTOR_OK)
                        print_finding(each);
        }
        return each;
}

static void print_text(const struct doctor_report *report)
{
        const struct doctor_finding *at = report->findings;

        while (at)
                at = print_group(at);
        printf("%u errors, %u warnings, %u notes\n", report->counts[DOCTOR_ERROR],
               report->counts[DOCTOR_WARNING], report->counts[DOCTOR_NOTE]);
}

static void print_json(const struct doctor_report *report)
{
        CLEANUP(command_json_end) struct command_json out = command_json_begin();
        const struct doctor_finding *each;
        bool errors = report->counts[DOCTOR_ERROR] > 0;

        jsonw_string(&out.json, "version", PACKAGE_VERSION);
        jsonw_string(&out.json, "status",
                     doctor_level_name(errors                           ? DOCTOR_ERROR
                                       : report->counts[DOCTOR_WARNING] ? DOCTOR_WARNING
                                                                        : DOCTOR_OK));
        jsonw_int(&out.json, "errors", report->counts[DOCTOR_ERROR]);
        jsonw_int(&out.json, "warnings", report->counts[DOCTOR_WARNING]);
        jsonw_int(&out.json, "notes", report->counts[DOCTOR_NOTE]);
        jsonw_number(&out.json, "took_seconds", (double)report->took_us / 1e6, 3);
        jsonw_array(&out.json, "findings");
        for (each = report->findings; each; each = each->next) {
                jsonw_object(&out.json, NULL);
                jsonw_string(&out.json, "check", each->check);
                jsonw_string(&out.json, "group", each->group);
                jsonw_string(&out.json, "level", doctor_level_name(each->level));
                jsonw_string(&out.json, "found", each->found);
                jsonw_string(&out.json, "command", each->command);
                jsonw_object_end(&out.json);
        }
        jsonw_array_end(&out.json);
}

enum err cmd_doctor(struct ctx *ctx, const struct command_options *options)
{
        const struct doctor_options wanted = { .only = options->only, .url = options->url };
        struct doctor_report report;
        enum err rc = doctor_run(ctx, &wanted, &report);

        if (rc != OK)
                return rc;
        if (options->json)
                print_json(&report);
        else
                print_text(&report);
        if (report.counts[DOCTOR_ERROR] == 0)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT, "errors were found: %u", report.counts[DOCTOR_ERROR]);
}
