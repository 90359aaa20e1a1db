#include "tests/fixture_audit.h"

#include <stdio.h>

#include "core/cloud/audit/audit.h"

enum err fixture_audit_add(struct ctx *ctx, const char *event_type, int64_t user_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = event_type,
                .target_type = "job",
                .target_id = "j1",
                .action = "Something was done",
        };
        enum err rc;

        ctx->actor.user_id = user_id;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

void fixture_audit_fill(struct ctx *ctx)
{
        snprintf(ctx->client, sizeof(ctx->client), "203.0.113.9");
        snprintf(ctx->correlation_id, sizeof(ctx->correlation_id), "abc");
        for (int i = 0; i < ENTRIES; i++) {
                assert_ok(ctx, fixture_audit_add(ctx, "job.submitted", i % 2 ? 0 : 7));
                fixture_advance_us(ctx, US_PER_S);
        }
}

const struct audit_report *fixture_audit_verify(struct ctx *ctx, int64_t start_id, int64_t end_id)
{
        struct audit_report *report = arena_alloc(ctx->arena, sizeof(*report));

        assert_non_null(report);
        assert_ok(ctx, audit_verify(ctx, (struct audit_range){ start_id, end_id }, report));
        return report;
}

void assert_valid(struct ctx *ctx, int64_t checked)
{
        const struct audit_report *report = fixture_audit_verify(ctx, 0, 0);

        if (report->broken_total > 0)
                print_error("%lld is %s\n", (long long)report->broken[0].audit_id,
                            audit_fault_name(report->broken[0].fault));
        assert_int_equal(report->broken_total, 0);
        assert_int_equal(report->checked, checked);
}

void assert_first(struct ctx *ctx, int64_t audit_id, enum audit_fault fault)
{
        const struct audit_report *report = fixture_audit_verify(ctx, 0, 0);

        assert_in_range(report->broken_count, 1, AUDIT_BROKEN_MAX);
        assert_int_equal(report->broken[0].audit_id, audit_id);
        assert_string_equal(audit_fault_name(report->broken[0].fault), audit_fault_name(fault));
}
