#include "core/cloud/audit/audit_verify.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/audit/audit_note.h"

#define BATCH 4096

const char *audit_fault_name(enum audit_fault fault)
{
        static const char *const names[AUDIT_FAULT_COUNT] = {
                [AUDIT_HASH_MISMATCH] = "hash_mismatch",
                [AUDIT_LINK_MISMATCH] = "link_mismatch",
                [AUDIT_MISSING] = "missing",
                [AUDIT_INSERTED] = "inserted",
                [AUDIT_HEAD_MISMATCH] = "head_mismatch",
                [AUDIT_ANCHOR_MISMATCH] = "anchor_mismatch",
                [AUDIT_HEAD_BEHIND] = "head_behind",
        };

        return names[fault];
}

/* Kept by number: what is found at the ends comes last, and may concern the first. */
void audit_report_add(struct audit_report *report, int64_t audit_id, enum audit_fault fault,
                      int64_t count)
{
        const struct audit_broken broken = { audit_id, fault, count };
        unsigned at = report->broken_count;

        report->broken_total++;
        while (at > 0 && report->broken[at - 1].audit_id > audit_id)
                at--;
        if (at == AUDIT_BROKEN_MAX)
                return;
        if (report->broken_count < AUDIT_BROKEN_MAX)
                report->broken_count++;
        memmove(&report->broken[at + 1], &report->broken[at],
                (report->broken_count - 1 - at) * sizeof(broken));
        report->broken[at] = broken;
}

void audit_report_render(struct jsonw *json, const struct audit_report *report)
{
        jsonw_bool(json, "valid", report->broken_total == 0);
        jsonw_int(json, "entries_checked", report->checked);
        jsonw_int(json, "first_id", report->first_id);
        jsonw_int(json, "last_id", report->last_id);
        jsonw_int(json, "unchained", report->unchained);
        jsonw_int(json, "broken_total", report->broken_total);
        jsonw_array(json, "broken_links");
        for (unsigned i = 0; i < report->broken_count; i++) {
                jsonw_object(json, NULL);
                jsonw_int(json, "id", report->broken[i].audit_id);
                jsonw_string(json, "error", audit_fault_name(report->broken[i].fault));
                jsonw_int(json, "count", report->broken[i].count);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
}

/* ---- entries ---- */

void audit_checker_follow(struct audit_checker *checker, int64_t expected_id, const char *previous)
{
        checker->expected_id = expected_id;
        snprintf(checker->previous, sizeof(checker->previous), "%s", previous ? previous : "");
}

enum err audit_checker_take(struct ctx *ctx, struct audit_checker *checker,
                            const struct audit_row *row)
{
        struct audit_report *report = checker->report;
        char hash[AUDIT_HASH_SIZE];
        enum err rc;

        if (checker->expected_id && row->audit_id > checker->expected_id) {
                audit_report_add(report, checker->expected_id, AUDIT_MISSING,
                                 row->audit_id - checker->expected_id);
                *checker->previous = '\0';
        }
        rc = audit_hash_row(ctx, checker->hasher, row, hash);
        if (rc != OK)
                return rc;
        if (row->damaged || !audit_hash_equal(hash, row->entry_hash))
                audit_report_add(report, row->audit_id, AUDIT_HASH_MISMATCH, 1);
        else if (*checker->previous && !audit_hash_equal(checker->previous, row->previous_hash))
                audit_report_add(report, row->audit_id, AUDIT_LINK_MISMATCH, 1);
        if (report->checked++ == 0)
                report->first_id = row->audit_id;
        report->last_id = row->audit_id;
        audit_checker_follow(checker, row->audit_id + 1, row->entry_hash);
        return OK;
}

/* ---- the log in the database ---- */

struct verification {
        const struct audit_key_set *keys;
        struct audit_state state; /* when it began */
        struct audit_checker checker;
        bool head_is_good, anchor_is_good;
        int64_t from_id, to_id; /* what is read */
        int64_t next_id;        /* of the next batch */
        unsigned in_batch;
};

/* Entries are gone before row: were they pruned since this began? Then the chain goes on at the
 * anchor of now. */
static enum err look_for_pruning(struct ctx *ctx, struct verification *v, int64_t found_id)
{
        struct audit_anchor now;
        enum err rc = store_audit_anchor_get(ctx, &now);

        if (rc == OK && now.first_id > v->checker.expected_id &&
            audit_anchor_is_good(v->keys, &now)) {
                v->from_id = now.first_id;
                audit_checker_follow(&v->checker, now.first_id < found_id ? now.first_id : found_id,
                                     now.first_id == found_id ? now.previous_hash : NULL);
        }
        return rc;
}

static enum err take_row(struct ctx *ctx, void *arg, const struct audit_row *row)
{
        struct verification *v = arg;
        enum err rc = OK;

        v->in_batch++;
        v->next_id = row->audit_id + 1;
        if (row->audit_id > v->to_id)
                return OK;
        if (row->audit_id > v->checker.expected_id)
                rc = look_for_pruning(ctx, v, row->audit_id);
        return rc == OK ? audit_checker_take(ctx, &v->checker, row) : rc;
}

static enum err read_rows(struct ctx *ctx, struct verification *v)
{
        enum err rc = OK;

        v->next_id = v->from_id;
        do {
                v->in_batch = 0;
                if (v->next_id <= v->to_id)
                        rc = store_audit_scan(ctx, v->next_id, BATCH, take_row, v);
        } while (rc == OK && v->in_batch == BATCH);
        return rc;
}

/* What the first entry of the range has to follow. */
static enum err find_predecessor(struct ctx *ctx, struct verification *v)
{
        const char *previous = NULL;
        enum err rc = OK;

        if (v->from_id > v->state.anchor.first_id)
                rc = store_audit_hash(ctx, v->from_id - 1, &previous);
        else if (v->anchor_is_good)
                previous = v->state.anchor.previous_hash;
        if (rc == ERR_NOT_FOUND) { /* its absence is an error of another range */
                previous = NULL;
                rc = OK;
        }
        audit_checker_follow(&v->checker, v->from_id, previous);
        return rc;
}

static enum err find_ends(struct ctx *ctx, struct verification *v, struct audit_range range)
{
        const struct audit_state *state = &v->state;
        const int64_t last_id = v->head_is_good ? state->head.audit_id : state->newest_id;

        v->from_id =
                v->anchor_is_good || state->anchor.first_id <= last_id ? state->anchor.first_id : 1;
        if (range.start_id > v->from_id)
                v->from_id = range.start_id;
        v->to_id = range.end_id && range.end_id < last_id ? range.end_id : last_id;
        return find_predecessor(ctx, v);
}

/* The entries before the anchor: only those that were there when it was signed, or fewer. */
static void check_older(struct verification *v)
{
        const struct audit_state *state = &v->state;
        struct audit_report *report = v->checker.report;
        const int64_t first_id = state->anchor.first_id;

        report->unchained = state->older;
        if (!v->anchor_is_good) {
                audit_report_add(report, first_id, AUDIT_ANCHOR_MISMATCH, 1);
        } else if (state->older > state->anchor.unchained) {
                report->unchained = state->anchor.unchained;
                audit_report_add(report, first_id - 1, AUDIT_INSERTED,
                                 state->older - state->anchor.unchained);
        } else if (state->older < state->anchor.unchained) {
                audit_report_add(report, first_id - 1, AUDIT_MISSING,
                                 state->anchor.unchained - state->older);
        }
}

/* Does the head fit what was read up to it? */
static void check_head(struct verification *v)
{
        const struct audit_state *state = &v->state;
        const struct audit_head *head = &state->head;
        struct audit_report *report = v->checker.report;
        const int64_t entries = head->audit_id - state->anchor.first_id + 1 + state->anchor.pruned;

        if (!v->head_is_good) {
                audit_report_add(report, head->audit_id, AUDIT_HEAD_MISMATCH, 1);
                return;
        }
        if (v->checker.expected_id <= v->to_id)
                audit_report_add(report, v->checker.expected_id, AUDIT_MISSING,
                                 v->to_id - v->checker.expected_id + 1);
        else if ((*v->checker.previous &&
                  !audit_hash_equal(v->checker.previous, head->entry_hash)) ||
                 (v->anchor_is_good && entries != head->entries))
                audit_report_add(report, head->audit_id, AUDIT_HEAD_MISMATCH, 1);
        if (state->newest_id > head->audit_id)
                audit_report_add(report, head->audit_id + 1, AUDIT_INSERTED,
                                 state->newest_id - head->audit_id);
}

/* The end of the range, when it is not that of the log. */
static void check_end(struct verification *v)
{
        if (v->checker.expected_id <= v->to_id)
                audit_report_add(v->checker.report, v->checker.expected_id, AUDIT_MISSING,
                                 v->to_id - v->checker.expected_id + 1);
}

/* The last entries may have been pruned while this read. */
static enum err settle_end(struct ctx *ctx, struct verification *v)
{
        return v->checker.expected_id <= v->to_id ? look_for_pruning(ctx, v, v->to_id + 1) : OK;
}

static enum err verify_chain(struct ctx *ctx, struct verification *v, struct audit_range range)
{
        const bool whole = !range.end_id || range.end_id >= v->state.head.audit_id;
        enum err rc;

        v->head_is_good = audit_head_is_good(v->keys, &v->state.head);
        v->anchor_is_good = audit_anchor_is_good(v->keys, &v->state.anchor);
        rc = audit_hasher_new(ctx, v->keys, &v->checker.hasher);
        if (rc == OK)
                rc = find_ends(ctx, v, range);
        if (rc == OK)
                rc = read_rows(ctx, v);
        if (rc == OK)
                rc = settle_end(ctx, v);
        if (rc == OK && !range.start_id)
                check_older(v);
        if (rc == OK && whole)
                check_head(v);
        else if (rc == OK)
                check_end(v);
        audit_hasher_free(v->checker.hasher);
        return rc == OK && whole ? audit_note_compare(ctx, v->keys, &v->state, v->checker.report)
                                 : rc;
}

/* Nothing is signed: then nothing may have a hash either, and no note may tell of a head. */
static enum err verify_unsigned(struct ctx *ctx, const struct audit_state *state,
                                struct audit_report *report)
{
        const struct audit_key_set *keys;
        int64_t hashed;
        enum err rc = store_audit_hashed(ctx, &hashed);

        if (rc != OK)
                return rc;
        report->unchained = state->older - hashed;
        if (hashed > 0 || state->head.entries > 0)
                audit_report_add(report, state->head.audit_id, AUDIT_HEAD_MISMATCH, 1);
        if (!audit_note_exists(ctx))
                return OK;
        rc = audit_keys_get(ctx, false, &keys);
        return rc == OK ? audit_note_compare(ctx, keys, state, report) : rc;
}

enum err audit_verify(struct ctx *ctx, struct audit_range range, struct audit_report *ret)
{
        struct verification v = { .checker.report = ret };
        enum err rc;

        *ret = (struct audit_report){ 0 };
        if (range.start_id < 0 || range.end_id < 0 ||
            (range.end_id && range.end_id < range.start_id))
                return ctx_fail(ctx, ERR_INVALID, "end_id must not be less than start_id");
        rc = store_audit_state(ctx, &v.state);
        if (rc == ERR_NOT_FOUND) {
                audit_report_add(ret, 0, AUDIT_HEAD_MISMATCH, 1);
                return OK;
        }
        if (rc != OK)
                return rc;
        if (!v.state.head.mac && !v.state.anchor.mac)
                return verify_unsigned(ctx, &v.state, ret);
        rc = audit_keys_get(ctx, false, &v.keys);
        return rc == OK ? verify_chain(ctx, &v, range) : rc;
}
