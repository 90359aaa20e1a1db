#include "core/cloud/audit/audit_offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/cloud/audit/audit_export.h"

struct reading {
        FILE *file;
        char *line; /* getline's */
        size_t size;
        unsigned long number;
        struct ctx ctx; /* with an arena of its own, which each line empties */
        struct audit_checker checker;
        struct audit_report *report;
        int64_t gap_id, gaps; /* the first number that is missing, and how many are */
        bool ended;           /* the signed end was there */
};

static enum err fail_line(struct ctx *ctx, const struct reading *reading, const char *what)
{
        return ctx_fail(ctx, ERR_INVALID, "line %lu is no %s", reading->number, what);
}

static int64_t number_at(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static enum err read_row(struct ctx *ctx, const json_t *line, struct audit_row *ret)
{
        const json_t *details = json_object_get(line, "details");

        *ret = (struct audit_row){
                .audit_id = number_at(line, "id"),
                .created_at_us = number_at(line, "created_at_us"),
                .actor_id = number_at(line, "actor_id"),
                .event_type = json_string_at(line, "event_type"),
                .actor = json_string_at(line, "actor"),
                .actor_ip = json_string_at(line, "actor_ip"),
                .target_type = json_string_at(line, "target_type"),
                .target_id = json_string_at(line, "target_id"),
                .action = json_string_at(line, "action"),
                .correlation_id = json_string_at(line, "correlation_id"),
                .previous_hash = json_string_at(line, "previous_hash"),
                .entry_hash = json_string_at(line, "entry_hash"),
        };
        if (json_is_string(details)) { /* it was not as we write it (audit_format.h) */
                ret->details = json_string_value(details);
                return OK;
        }
        return json_is_object(details) ? json_text(ctx, details, &ret->details) : OK;
}

static void note_gap(struct reading *reading, int64_t audit_id)
{
        const int64_t expected = reading->checker.expected_id;

        if (!expected || audit_id == expected)
                return;
        if (reading->gaps == 0)
                reading->gap_id = expected;
        reading->gaps += audit_id - expected;
        audit_checker_follow(&reading->checker, audit_id, NULL);
}

static enum err take_entry(struct reading *reading, const json_t *line)
{
        struct audit_row row;
        enum err rc = read_row(&reading->ctx, line, &row);

        if (rc != OK)
                return rc;
        if (row.audit_id < 1 || !row.event_type || !row.actor || !row.action || reading->ended)
                return fail_line(&reading->ctx, reading, "audit entry");
        if (row.audit_id < reading->checker.expected_id) {
                audit_report_add(reading->report, row.audit_id, AUDIT_INSERTED, 1);
                return OK;
        }
        if (!row.entry_hash && !row.previous_hash) { /* from before there was a chain */
                reading->report->unchained++;
                audit_checker_follow(&reading->checker, row.audit_id + 1, NULL);
                return OK;
        }
        note_gap(reading, row.audit_id);
        return audit_checker_take(&reading->ctx, &reading->checker, &row);
}

/* What the end says against what was read. */
static void compare_end(struct reading *reading, const struct audit_export_end *end)
{
        struct audit_report *report = reading->report;
        const int64_t read = report->checked + report->unchained;

        if (reading->gaps > 0 && !end->filtered)
                audit_report_add(report, reading->gap_id, AUDIT_MISSING, reading->gaps);
        else if (read < end->entries)
                audit_report_add(report, reading->checker.expected_id, AUDIT_MISSING,
                                 end->entries - read);
        else if (read > end->entries)
                audit_report_add(report, report->last_id, AUDIT_INSERTED, read - end->entries);
        else if (report->checked > 0 &&
                 !audit_hash_equal(reading->checker.previous, end->last_hash))
                audit_report_add(report, report->last_id, AUDIT_HEAD_MISMATCH, 1);
}

static enum err take_end(struct reading *reading, const struct audit_key_set *keys,
                         const json_t *line)
{
        struct audit_export_end end = {
                .entries = number_at(line, "entries"),
                .first_id = number_at(line, "first_id"),
                .last_id = number_at(line, "last_id"),
                .last_hash = json_string_at(line, "last_hash"),
                .filtered = json_is_true(json_object_get(line, "filtered")),
        };
        char text[AUDIT_EXPORT_END_SIZE], mac[AUDIT_HASH_SIZE];

        if (!end.last_hash || reading->ended)
                return fail_line(&reading->ctx, reading, "end of an export");
        audit_export_end_text(&end, text);
        if (audit_export_mac(keys, text, mac) && audit_hash_equal(mac, json_string_at(line, "mac")))
                compare_end(reading, &end);
        else
                audit_report_add(reading->report, end.last_id, AUDIT_HEAD_MISMATCH, 1);
        reading->ended = true;
        return OK;
}

static enum err take_line(struct reading *reading, const struct audit_key_set *keys, size_t len)
{
        CLEANUP(json_decrefp) json_t *line = NULL;
        const json_t *end;
        enum err rc = json_parse_object(&reading->ctx, "line", reading->line, len, &line);

        if (rc == ERR_INVALID)
                return fail_line(&reading->ctx, reading, "JSON object");
        if (rc != OK)
                return rc;
        end = json_object_get(line, "export_end");
        return end ? take_end(reading, keys, end) : take_entry(reading, line);
}

static enum err read_lines(struct reading *reading, const struct audit_key_set *keys)
{
        struct audit_report *report = reading->report;
        ssize_t len;
        enum err rc = OK;

        while (rc == OK && (len = getline(&reading->line, &reading->size, reading->file)) > 0) {
                reading->number++;
                if (reading->line[len - 1] == '\n')
                        len--;
                rc = take_line(reading, keys, (size_t)len);
                arena_reset(reading->ctx.arena);
        }
        if (rc == OK && ferror(reading->file))
                rc = ctx_fail(&reading->ctx, ERR_UNAVAILABLE, "the file cannot be read: %m");
        if (rc != OK || reading->ended)
                return rc;
        if (reading->gaps > 0)
                audit_report_add(report, reading->gap_id, AUDIT_MISSING, reading->gaps);
        audit_report_add(report, report->last_id, AUDIT_HEAD_MISMATCH, 1);
        return OK;
}

/* Runs with an arena of its own, so the reason is carried over. */
static enum err read_file(struct ctx *ctx, struct reading *reading,
                          const struct audit_key_set *keys)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        enum err rc;

        if (!arena)
                return ctx_nomem(ctx);
        reading->ctx = *ctx;
        reading->ctx.arena = arena;
        rc = audit_hasher_new(ctx, keys, &reading->checker.hasher);
        if (rc != OK)
                return rc;
        rc = read_lines(reading, keys);
        audit_hasher_free(reading->checker.hasher);
        free(reading->line);
        return rc == OK ? OK : ctx_fail(ctx, rc, "%s", reading->ctx.detail);
}

enum err audit_offline_verify(struct ctx *ctx, const char *path, struct audit_report *ret)
{
        struct reading reading = { .report = ret, .checker.report = ret };
        const struct audit_key_set *keys;
        enum err rc = audit_keys_get(ctx, false, &keys);

        if (rc != OK)
                return rc;
        *ret = (struct audit_report){ 0 };
        reading.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
        if (!reading.file)
                return ctx_fail(ctx, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "%s: %m",
                                path);
        rc = read_file(ctx, &reading, keys);
        if (reading.file != stdin)
                fclose(reading.file);
        return rc;
}
