#include "core/cloud/audit/audit_retention.h"

#include <stdio.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/cloud/audit/audit_verify.h"
#include "core/db/db.h"
#include "core/store/store_audit_forward.h"

struct pruning {
        int64_t before_us;        /* what is older goes */
        int64_t forwarded_id;     /* up to this entry */
        int64_t waiting_until_us; /* or what is older than this */
        struct audit_state state;
        struct audit_report report;
        struct audit_checker checker;
        bool ended; /* the first entry that stays was met */
        int64_t from_id, to_id, chained, unchained;
};

static bool may_go(const struct pruning *pruning, const struct audit_row *row)
{
        return row->created_at_us < pruning->before_us &&
               (row->audit_id <= pruning->forwarded_id ||
                row->created_at_us < pruning->waiting_until_us);
}

static enum err take_row(struct ctx *ctx, void *arg, const struct audit_row *row)
{
        struct pruning *pruning = arg;
        enum err rc = OK;

        pruning->ended = pruning->ended || !may_go(pruning, row);
        if (pruning->ended)
                return OK;
        if (row->audit_id >= pruning->state.anchor.first_id) {
                rc = audit_checker_take(ctx, &pruning->checker, row);
                pruning->chained++;
        } else {
                pruning->unchained++;
        }
        if (pruning->from_id == 0)
                pruning->from_id = row->audit_id;
        pruning->to_id = row->audit_id;
        return rc;
}

static enum err fail_broken(struct ctx *ctx, int64_t audit_id, enum audit_fault fault)
{
        return ctx_fail(ctx, ERR_CONFLICT,
                        "entry %lld of the audit log: %s; nothing is deleted from a broken log. "
                        "Run \"simpletuner-cloud audit verify\"",
                        (long long)audit_id, audit_fault_name(fault));
}

/* Only a chain whose ends are signed may be shortened. */
static enum err check_signatures(struct ctx *ctx, const struct audit_key_set *keys,
                                 const struct audit_state *state)
{
        if (!audit_head_is_good(keys, &state->head))
                return fail_broken(ctx, state->head.audit_id, AUDIT_HEAD_MISMATCH);
        if (!audit_anchor_is_good(keys, &state->anchor) || state->older != state->anchor.unchained)
                return fail_broken(ctx, state->anchor.first_id, AUDIT_ANCHOR_MISMATCH);
        return OK;
}

static enum err move_anchor(struct ctx *ctx, const struct audit_key_set *keys,
                            const struct pruning *pruning)
{
        struct audit_anchor anchor = pruning->state.anchor;
        enum err rc;

        if (pruning->chained > 0) {
                anchor.first_id = pruning->to_id + 1;
                anchor.previous_hash = pruning->checker.previous;
                anchor.pruned += pruning->chained;
        }
        anchor.unchained -= pruning->unchained;
        rc = audit_anchor_sign(ctx, keys, &anchor);
        return rc == OK ? store_audit_anchor_put(ctx, &anchor) : rc;
}

/* Verify and delete; keys is NULL while there is no chain. */
static enum err prune(struct ctx *ctx, const struct audit_key_set *keys, unsigned limit,
                      struct pruning *pruning)
{
        const struct audit_report *report = &pruning->report;
        enum err rc = store_audit_scan(ctx, 0, limit, take_row, pruning);

        if (rc == OK && report->broken_count > 0)
                return fail_broken(ctx, report->broken[0].audit_id, report->broken[0].fault);
        if (rc == OK && pruning->to_id)
                rc = store_audit_prune(ctx, pruning->from_id, pruning->to_id);
        if (rc == OK && pruning->to_id && keys)
                rc = move_anchor(ctx, keys, pruning);
        return rc;
}

static enum err prune_checked(struct ctx *ctx, unsigned limit, struct pruning *pruning)
{
        const struct audit_state *state = &pruning->state;
        const struct audit_key_set *keys;
        enum err rc;

        if (!state->head.mac && !state->anchor.mac)
                return prune(ctx, NULL, limit, pruning);
        rc = audit_keys_get(ctx, false, &keys);
        if (rc == OK)
                rc = check_signatures(ctx, keys, state);
        if (rc == OK)
                rc = audit_hasher_new(ctx, keys, &pruning->checker.hasher);
        if (rc != OK)
                return rc;
        pruning->checker.report = &pruning->report;
        audit_checker_follow(&pruning->checker, state->anchor.first_id,
                             state->anchor.previous_hash);
        rc = prune(ctx, keys, limit, pruning);
        audit_hasher_free(pruning->checker.hasher);
        return rc;
}

enum err audit_retention_prune(struct ctx *ctx, unsigned limit, unsigned *ret_count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t age_us = (int64_t)ctx->config->audit_retention_days * US_PER_DAY;
        struct pruning pruning = { .before_us = clock_wall_us(ctx->clock) - age_us };
        struct audit_head head;
        enum err rc;

        if (age_us == 0) {
                *ret_count = 0;
                return OK;
        }
        pruning.waiting_until_us = pruning.before_us - age_us;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_audit_head_lock(ctx, &head);
        if (rc == OK)
                rc = store_audit_forwarded(ctx, &pruning.forwarded_id);
        if (rc == OK)
                rc = store_audit_state(ctx, &pruning.state);
        if (rc == OK)
                rc = prune_checked(ctx, limit, &pruning);
        FAULT_POINT("audit.pruned");
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_count = (unsigned)(pruning.chained + pruning.unchained);
        return rc;
}
