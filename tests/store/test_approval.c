#include <string.h>

#include "core/cloud/approval/approval.h"
#include "core/cloud/approval/approval_rule.h"
#include "core/cloud/auth/permission.h"
#include "core/cloud/data/submission.h"
#include "core/store/store_job_poll.h"
#include "tests/fixture_job.h"

#define DECIDERS 8

/* ada and bob are researchers, lea is a lead. */
static void people(struct ctx *ctx)
{
        fixture_sql(ctx, "INSERT INTO users (user_id, username, username_key, auth_provider, "
                         "created_at_us) VALUES (1, 'ada', 'ada', 'local', 0), "
                         "(2, 'bob', 'bob', 'local', 0), (3, 'lea', 'lea', 'local', 0);"
                         "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                         "VALUES (1, 2, 't', 0), (2, 2, 't', 0), (3, 3, 't', 0);");
}

static void become(struct ctx *ctx, int64_t user_id, const char *name)
{
        ctx->actor = (struct actor){
                .kind = ACTOR_USER,
                .user_id = user_id,
                .name = name,
                .rights = permission_set_parse("job.submit admin.approve"),
        };
}

static void become_local(struct ctx *ctx)
{
        ctx->actor = (struct actor){ .kind = ACTOR_LOCAL_ADMIN };
}

/* A blocked job of the one who acts, as a submission leaves it. */
static struct approval_request ask(struct ctx *ctx, unsigned n)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct approval_need need = { .reason = "because", .required_level = "lead" };
        struct approval_request request;
        struct job job = fixture_job(ctx, n);

        job.owner = ctx_actor_name(ctx);
        job.created_at_us = clock_wall_us(ctx->clock);
        job.status = JOB_BLOCKED;
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, approval_ask(ctx, &job, &need, &request));
        job.approval_id = request.request_id;
        assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, approval_add(ctx, &request));
        assert_ok(ctx, db_commit(&tx));
        return request;
}

static struct approval_request asked_by_bob(struct ctx *ctx, unsigned n)
{
        struct approval_request request;

        become(ctx, 2, "bob");
        request = ask(ctx, n);
        become(ctx, 3, "lea");
        return request;
}

static int64_t audited(struct ctx *ctx, const char *event_type)
{
        static const char sql[] = "SELECT COUNT(*) FROM audit_log WHERE event_type = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;

        assert_ok(ctx, db_query(ctx, &stmt, sql, "t", event_type));
        assert_ok(ctx, db_step(ctx, stmt));
        return db_int(stmt, 0);
}

static void a_blocked_job_reads_back_and_is_not_asked_about(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request;
        struct job job;

        people(ctx);
        request = asked_by_bob(ctx, 1);
        job = fixture_job_stored(ctx, request.job_id);
        assert_int_equal(job.status, JOB_BLOCKED);
        assert_int_equal(job.approval_id, request.request_id);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs WHERE status = 'queued' "
                                             "AND poll_at_us IS NULL"),
                         1);
        assert_int_equal(fixture_number(ctx, "SELECT jobs FROM job_counts "
                                             "WHERE status = 'blocked'"),
                         1);
}

static void approving_hands_the_job_to_who_submits(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request, now;
        struct submission row;

        people(ctx);
        request = asked_by_bob(ctx, 1);
        fixture_advance_us(ctx, 20 * US_PER_HOUR);
        assert_ok(ctx, approval_approve(ctx, request.request_id, "fine", &now));
        assert_int_equal(now.status, APPROVAL_APPROVED);
        assert_string_equal(now.reviewed_by, "lea");
        assert_int_equal(fixture_job_stored(ctx, request.job_id).status, JOB_UPLOADING);
        assert_ok(ctx, submission_get(ctx, request.job_id, &row));
        assert_true(row.added_at_us == clock_wall_us(ctx->clock));
        assert_int_equal(audited(ctx, "job.approved"), 1);
        assert_int_equal(fixture_number(ctx, "SELECT SUM(jobs) FROM job_counts"), 1);
        assert_int_equal(fixture_number(ctx, "SELECT jobs FROM job_counts "
                                             "WHERE status = 'uploading'"),
                         1);
        assert_rc(ctx, ERR_CONFLICT, approval_reject(ctx, request.request_id, "no", &now));
        assert_int_equal(audited(ctx, "job.rejected"), 0);
}

static void an_approved_job_waits_however_long_it_takes(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request, now;
        struct job *stalled;
        size_t count = 1;

        people(ctx);
        request = asked_by_bob(ctx, 1);
        assert_ok(ctx, approval_approve(ctx, request.request_id, NULL, &now));
        fixture_advance_us(ctx, US_PER_DAY);
        assert_ok(ctx, store_jobs_stalled(ctx, clock_wall_us(ctx->clock), 10, &stalled, &count));
        assert_int_equal(count, 0);
}

static void a_job_is_cancelled_with_its_request(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request, now;
        bool cancelled = false;

        people(ctx);
        request = asked_by_bob(ctx, 1);
        become(ctx, 2, "bob");
        assert_ok(ctx, approval_cancel_job(ctx, request.job_id, &cancelled));
        assert_true(cancelled);
        assert_int_equal(fixture_job_stored(ctx, request.job_id).status, JOB_CANCELLED);
        assert_ok(ctx, approval_of_job(ctx, request.job_id, &now));
        assert_int_equal(now.status, APPROVAL_CANCELLED);
        assert_ok(ctx, approval_cancel_job(ctx, request.job_id, &cancelled));
        assert_false(cancelled);
        become(ctx, 1, "ada");
        ctx->actor.rights = permission_set_parse("job.submit");
        assert_rc(ctx, ERR_NOT_FOUND, approval_of_job(ctx, request.job_id, &now));
        assert_rc(ctx, ERR_NOT_FOUND, approval_cancel(ctx, request.request_id, &now));
}

static void rejecting_ends_the_job_for_ever(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request, now;
        struct job job;

        people(ctx);
        request = asked_by_bob(ctx, 1);
        assert_rc(ctx, ERR_INVALID, approval_reject(ctx, request.request_id, " ", &now));
        assert_ok(ctx, approval_reject(ctx, request.request_id, "too dear", &now));
        job = fixture_job_stored(ctx, request.job_id);
        assert_int_equal(job.status, JOB_FAILED);
        assert_string_equal(job.error_message, "Rejected: too dear");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs WHERE poll_at_us IS NULL "
                                             "AND requires_approval = 0"),
                         1);
        assert_rc(ctx, ERR_CONFLICT, approval_approve(ctx, request.request_id, NULL, &now));
        assert_int_equal(fixture_number(ctx, "SELECT failed FROM job_hours"), 1);
}

static void who_may_not_decide_changes_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request, now;

        people(ctx);
        request = asked_by_bob(ctx, 1);
        become(ctx, 2, "bob");
        assert_rc(ctx, ERR_DENIED, approval_approve(ctx, request.request_id, NULL, &now));
        become(ctx, 1, "ada");
        assert_rc(ctx, ERR_DENIED, approval_approve(ctx, request.request_id, NULL, &now));
        assert_rc(ctx, ERR_DENIED, approval_reject(ctx, request.request_id, "no", &now));
        fixture_sql(ctx, "UPDATE approval_requests SET required_approver_level = 'gone';");
        become(ctx, 3, "lea");
        assert_rc(ctx, ERR_DENIED, approval_approve(ctx, request.request_id, NULL, &now));
        assert_int_equal(fixture_job_stored(ctx, request.job_id).status, JOB_BLOCKED);
        become_local(ctx);
        assert_ok(ctx, approval_approve(ctx, request.request_id, NULL, &now));
}

static void an_administrator_approves_his_own(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request request, now;

        become_local(ctx);
        request = ask(ctx, 1);
        assert_ok(ctx, approval_approve(ctx, request.request_id, NULL, &now));
}

static void time_ends_a_request(void **state)
{
        struct ctx *ctx = *state;
        struct approval_request old, now, young;
        unsigned expired = 0;

        people(ctx);
        old = asked_by_bob(ctx, 1);
        fixture_advance_us(ctx, APPROVAL_LIFETIME_US - 1);
        young = asked_by_bob(ctx, 2);
        assert_ok(ctx, approval_expire(ctx, 10, &expired));
        assert_int_equal(expired, 0);
        fixture_advance_us(ctx, 1);
        assert_rc(ctx, ERR_CONFLICT, approval_approve(ctx, old.request_id, NULL, &now));
        assert_ok(ctx, approval_expire(ctx, 10, &expired));
        assert_int_equal(expired, 1);
        assert_string_equal(fixture_job_stored(ctx, old.job_id).error_message, "Approval expired");
        assert_int_equal(fixture_job_stored(ctx, young.job_id).status, JOB_BLOCKED);
        assert_int_equal(audited(ctx, "job.approval_expired"), 1);
}

/* Even ones approve, odd ones reject. */
static bool decide(struct ctx *ctx, unsigned index, void *arg)
{
        const struct approval_request *request = arg;
        struct approval_request now;
        enum err rc;

        become(ctx, 3, "lea");
        rc = index % 2 ? approval_reject(ctx, request->request_id, "no", &now)
                       : approval_approve(ctx, request->request_id, NULL, &now);
        return rc == OK || rc == ERR_CONFLICT;
}

static void of_decisions_at_once_one_counts(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        for (unsigned n = 0; n < 5; n++) {
                struct approval_request request = asked_by_bob(ctx, n);

                fixture_strangers(ctx, DECIDERS, decide, &request);
                assert_int_equal(audited(ctx, "job.approved") + audited(ctx, "job.rejected"),
                                 n + 1);
        }
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM submissions"),
                         audited(ctx, "job.approved"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs WHERE status = 'failed'"),
                         audited(ctx, "job.rejected"));
        assert_int_equal(fixture_number(ctx, "SELECT COALESCE(SUM(jobs), 0) FROM job_counts "
                                             "WHERE status = 'blocked'"),
                         0);
}

static struct approval_rule add_rule(struct ctx *ctx, struct approval_rule_given given)
{
        struct approval_rule rule;

        if (!given.name)
                given.name = "rule";
        assert_ok(ctx, approval_rule_add(ctx, &given, &rule));
        return rule;
}

static const char *reason_for(struct ctx *ctx, const struct job *job)
{
        struct approval_rule rule;
        const char *reason;

        assert_ok(ctx, approval_rule_match(ctx, job, &rule, &reason));
        return reason;
}

static void levels_are_compared_by_their_priority(void **state)
{
        struct ctx *ctx = *state;
        struct job job = fixture_job(ctx, 1);

        people(ctx);
        add_rule(ctx,
                 (struct approval_rule_given){ .condition = "user_level", .threshold = "lead" });
        become(ctx, 2, "bob");
        assert_string_equal(reason_for(ctx, &job),
                            "User level requires approval for this operation");
        become(ctx, 3, "lea");
        assert_null(reason_for(ctx, &job));
        become_local(ctx);
        assert_null(reason_for(ctx, &job));
        fixture_sql(ctx, "UPDATE levels SET name = 'other' WHERE name = 'lead';");
        become(ctx, 3, "lea");
        assert_non_null(reason_for(ctx, &job));
}

static void a_rule_that_was_changed_in_part_keeps_the_rest(void **state)
{
        struct ctx *ctx = *state;
        const int64_t priority = 7;
        const struct approval_rule_given change = { .priority = &priority,
                                                    .applies_to_provider = "" };
        struct approval_rule rule =
                add_rule(ctx, (struct approval_rule_given){ .condition = "cost_exceeds",
                                                            .threshold = "5",
                                                            .applies_to_provider = "replicate" });

        assert_ok(ctx, approval_rule_change(ctx, rule.rule_id, &change, &rule));
        assert_ok(ctx, approval_rule_get(ctx, rule.rule_id, &rule));
        assert_string_equal(rule.threshold, "5");
        assert_int_equal(rule.priority, 7);
        assert_null(rule.applies_to_provider);
        assert_true(rule.is_active);
        assert_int_equal(audited(ctx, "approval.rule_created"), 1);
        assert_int_equal(audited(ctx, "approval.rule_updated"), 1);
}

static void there_are_so_many_rules_at_most(void **state)
{
        const struct approval_rule_given given = { .name = "r",
                                                   .condition = "first_job",
                                                   .threshold = "" };
        struct ctx *ctx = *state;
        struct approval_rule rule;

        fixture_sql(ctx, "INSERT INTO approval_rules (rule_id, name, rule_condition, threshold, "
                         "required_approver_level, created_at_us, created_by) "
                         "WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n "
                         "WHERE i < 1199) SELECT i, 'r', 'first_job', '', 'lead', 0, 't' FROM n;");
        assert_ok(ctx, approval_rule_add(ctx, &given, &rule));
        assert_rc(ctx, ERR_CONFLICT, approval_rule_add(ctx, &given, &rule));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_blocked_job_reads_back_and_is_not_asked_about),
                FIXTURE_CLOUD_TEST(approving_hands_the_job_to_who_submits),
                FIXTURE_CLOUD_TEST(an_approved_job_waits_however_long_it_takes),
                FIXTURE_CLOUD_TEST(a_job_is_cancelled_with_its_request),
                FIXTURE_CLOUD_TEST(rejecting_ends_the_job_for_ever),
                FIXTURE_CLOUD_TEST(who_may_not_decide_changes_nothing),
                FIXTURE_CLOUD_TEST(an_administrator_approves_his_own),
                FIXTURE_CLOUD_TEST(time_ends_a_request),
                FIXTURE_CLOUD_TEST(of_decisions_at_once_one_counts),
                FIXTURE_CLOUD_TEST(levels_are_compared_by_their_priority),
                FIXTURE_CLOUD_TEST(a_rule_that_was_changed_in_part_keeps_the_rest),
                FIXTURE_CLOUD_TEST(there_are_so_many_rules_at_most),
        };

        return FIXTURE_RUN("approval", tests);
}
