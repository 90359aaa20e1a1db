#include <string.h>

#include "core/cloud/limits/quota.h"
#include "core/cloud/limits/quota_check.h"
#include "tests/fixture_job.h"

#define USD        INT64_C(1000000)
#define SUBMITTERS 16
#define LIMIT      5

/* Users 1 and 2; 1 is of the levels researcher and lead, of org 7 and its teams 8 and 9. */
static void people(struct ctx *ctx)
{
        fixture_sql(ctx, "INSERT INTO orgs (org_id, name, created_at_us) VALUES (7, 'o', 0);"
                         "INSERT INTO teams (team_id, org_id, name, created_at_us) "
                         "VALUES (8, 7, 'a', 0), (9, 7, 'b', 0);"
                         "INSERT INTO users (user_id, username, username_key, auth_provider, "
                         "org_id, created_at_us) VALUES (1, 'ada', 'ada', 'local', 7, 0), "
                         "(2, 'bob', 'bob', 'local', NULL, 0);"
                         "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                         "VALUES (1, 2, 't', 0), (1, 3, 't', 0);"
                         "INSERT INTO team_members (team_id, user_id) VALUES (8, 1), (9, 1);");
}

static void become(struct ctx *ctx, int64_t user_id, const char *name)
{
        ctx->actor = (struct actor){ .kind = ACTOR_USER, .user_id = user_id, .name = name };
}

static struct quota set(struct ctx *ctx, struct quota_given given)
{
        struct quota quota;

        assert_ok(ctx, quota_set(ctx, &given, &quota));
        return quota;
}

static struct quota_limit limit_of(struct ctx *ctx, int64_t user_id, enum quota_type type)
{
        struct quota_limits limits;

        assert_ok(ctx, quota_limits_load(ctx, user_id, &limits));
        return limits.of[type];
}

/* Write a job as a submission does, if the quotas allow it. */
static enum err submit(struct ctx *ctx, unsigned n, int64_t estimate, struct quota_verdict *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct job job = fixture_job(ctx, n);
        enum err rc;

        job.owner = ctx_actor_name(ctx);
        job.created_at_us = clock_wall_us(ctx->clock);
        job.estimated_cost_usd_micros = estimate;
        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = quota_hold(ctx, job.owner);
        if (rc == OK)
                rc = quota_check(ctx, &job, ret);
        if (rc == OK && ret->refusal)
                return quota_refuse(ctx, ret);
        if (rc == OK)
                rc = store_job_insert(ctx, &job, &(struct job_secrets){ 0 });
        if (rc == OK)
                rc = store_ledger_add(ctx, &job);
        return rc == OK ? db_commit(&tx) : rc;
}

static void a_quota_is_one_row_for_a_type_and_a_scope(void **state)
{
        struct ctx *ctx = *state;
        struct quota first, second;

        people(ctx);
        first = set(ctx, (struct quota_given){ .quota_type = "cost_daily",
                                               .action = "warn",
                                               .limit_value = 2.5,
                                               .user_id = 1 });
        assert_int_equal(first.limit, 2500000);
        second = set(ctx, (struct quota_given){ .quota_type = "cost_daily",
                                                .action = NULL,
                                                .limit_value = 3,
                                                .user_id = 1 });
        assert_int_equal(second.quota_id, first.quota_id);
        assert_int_equal(second.action, QUOTA_BLOCK);
        set(ctx,
            (struct quota_given){
                    .quota_type = "cost_daily", .action = NULL, .limit_value = 3, .user_id = 2 });
        set(ctx,
            (struct quota_given){
                    .quota_type = "cost_daily", .action = NULL, .limit_value = 3, .org_id = 7 });
        set(ctx,
            (struct quota_given){ .quota_type = "cost_daily", .action = NULL, .limit_value = 3 });
        set(ctx,
            (struct quota_given){ .quota_type = "cost_daily", .action = NULL, .limit_value = 4 });
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM quotas"), 4);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log "
                                             "WHERE event_type = 'quota.changed'"),
                         6);
        assert_ok(ctx, quota_remove(ctx, first.quota_id));
        assert_rc(ctx, ERR_NOT_FOUND, quota_remove(ctx, first.quota_id));
}

static void a_quota_goes_with_whom_it_is_for(void **state)
{
        struct ctx *ctx = *state;

        people(ctx);
        set(ctx,
            (struct quota_given){
                    .quota_type = "jobs_per_day", .action = NULL, .limit_value = 3, .team_id = 8 });
        fixture_sql(ctx, "DELETE FROM team_members WHERE team_id = 8;"
                         "DELETE FROM teams WHERE team_id = 8;");
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM quotas"), 0);
}

static void the_nearest_counts_below_the_ceilings(void **state)
{
        struct ctx *ctx = *state;
        struct quota_limit limit;

        people(ctx);
        assert_false(limit_of(ctx, 1, QUOTA_JOBS_PER_DAY).is_set);
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "block",
                                       .limit_value = 20,
                                       .org_id = 7 });
        limit = limit_of(ctx, 1, QUOTA_JOBS_PER_DAY);
        assert_true(limit.is_ceiling && limit.limit == 20 && limit.source == QUOTA_ORG);
        set(ctx, (struct quota_given){
                         .quota_type = "jobs_per_day", .action = "warn", .limit_value = 3 });
        assert_int_equal(limit_of(ctx, 1, QUOTA_JOBS_PER_DAY).limit, 3);
        assert_int_equal(limit_of(ctx, 0, QUOTA_JOBS_PER_DAY).limit, 3);
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "warn",
                                       .limit_value = 9,
                                       .level_id = 2 });
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "block",
                                       .limit_value = 8,
                                       .level_id = 3 });
        limit = limit_of(ctx, 1, QUOTA_JOBS_PER_DAY);
        assert_true(limit.limit == 9 && limit.source == QUOTA_LEVEL && limit.action == QUOTA_WARN);
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "warn",
                                       .limit_value = 7,
                                       .team_id = 8 });
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "block",
                                       .limit_value = 6,
                                       .team_id = 9 });
        limit = limit_of(ctx, 1, QUOTA_JOBS_PER_DAY);
        assert_true(limit.limit == 6 && limit.source == QUOTA_TEAM && limit.action == QUOTA_WARN);
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "block",
                                       .limit_value = 2,
                                       .user_id = 1 });
        limit = limit_of(ctx, 1, QUOTA_JOBS_PER_DAY);
        assert_true(limit.limit == 2 && limit.source == QUOTA_USER && !limit.is_ceiling);
        assert_int_equal(limit_of(ctx, 2, QUOTA_JOBS_PER_DAY).limit, 3);
}

static void a_money_quota_counts_what_this_job_would_cost(void **state)
{
        struct ctx *ctx = *state;
        struct quota_verdict verdict;

        people(ctx);
        set(ctx, (struct quota_given){ .quota_type = "cost_daily",
                                       .action = "block",
                                       .limit_value = 3,
                                       .user_id = 2 });
        become(ctx, 2, "bob");
        assert_ok(ctx, submit(ctx, 1, USD, &verdict));
        assert_int_equal(json_array_size(verdict.warnings), 0);
        assert_ok(ctx, submit(ctx, 2, 2 * USD, &verdict)); /* exactly the limit */
        assert_int_equal(json_array_size(verdict.warnings), 1);
        assert_rc(ctx, ERR_OVER_QUOTA, submit(ctx, 3, 1, &verdict));
        assert_non_null(strstr(ctx->detail, "Quota exceeded: "));
        assert_non_null(strstr(ctx->details, "\"current\":3.0"));
        fixture_sql(ctx, "UPDATE jobs SET estimated_cost_usd_micros = 0;");
        assert_ok(ctx, submit(ctx, 3, 1, &verdict));
}

static void time_gives_back_what_it_took(void **state)
{
        struct ctx *ctx = *state;
        struct quota_verdict verdict;

        people(ctx);
        set(ctx, (struct quota_given){
                         .quota_type = "jobs_per_hour", .action = "block", .limit_value = 1 });
        set(ctx, (struct quota_given){ .quota_type = "jobs_per_day",
                                       .action = "require_approval",
                                       .limit_value = 2 });
        become(ctx, 2, "bob");
        assert_ok(ctx, submit(ctx, 1, 0, &verdict));
        assert_rc(ctx, ERR_OVER_QUOTA, submit(ctx, 2, 0, &verdict));
        fixture_advance_us(ctx, US_PER_HOUR);
        assert_ok(ctx, submit(ctx, 2, 0, &verdict));
        assert_null(verdict.approval);
        fixture_advance_us(ctx, US_PER_HOUR);
        assert_ok(ctx, submit(ctx, 3, 0, &verdict));
        assert_string_equal(verdict.approval, "jobs_per_day quota exceeded: 2 / 2");
        fixture_advance_us(ctx, US_PER_DAY);
        assert_ok(ctx, submit(ctx, 4, 0, &verdict));
        assert_null(verdict.approval);
}

static void a_clock_that_was_set_back_forgets_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct quota_verdict verdict;

        set(ctx, (struct quota_given){
                         .quota_type = "jobs_per_hour", .action = "block", .limit_value = 1 });
        assert_ok(ctx, submit(ctx, 1, 0, &verdict));
        fixture_advance_us(ctx, -US_PER_DAY);
        assert_rc(ctx, ERR_OVER_QUOTA, submit(ctx, 2, 0, &verdict));
}

static void an_excess_is_noted_once_a_minute(void **state)
{
        struct ctx *ctx = *state;
        const struct quota_verdict verdict = {
                .over = { [QUOTA_COST_DAILY] = true, [QUOTA_JOBS_PER_DAY] = true }
        };

        for (unsigned i = 0; i < 5; i++) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, quota_note_excess(ctx, "bob", &verdict));
                assert_ok(ctx, db_commit(&tx));
                fixture_advance_us(ctx, 20 * US_PER_S);
        }
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log "
                                             "WHERE event_type = 'quota.exceeded'"),
                         4);
}

static bool submit_one(struct ctx *ctx, unsigned index, void *arg)
{
        const unsigned base = *(const unsigned *)arg;
        struct quota_verdict verdict;
        enum err rc;

        become(ctx, 2, "bob");
        for (unsigned i = 0; i < 4; i++) {
                rc = submit(ctx, base + index * 4 + i, USD, &verdict);
                if (rc != OK && rc != ERR_OVER_QUOTA)
                        return false;
        }
        return true;
}

static void submissions_at_once_do_not_pass_a_limit_together(void **state)
{
        struct ctx *ctx = *state;
        unsigned base = 0;

        people(ctx);
        set(ctx, (struct quota_given){ .quota_type = "concurrent_jobs",
                                       .action = "block",
                                       .limit_value = LIMIT });
        fixture_threads(ctx, SUBMITTERS, submit_one, &base);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs"), LIMIT);
}

static void processes_at_once_do_not_pass_a_limit_together(void **state)
{
        struct ctx *ctx = *state;
        unsigned base = 1000;

        people(ctx);
        set(ctx, (struct quota_given){ .quota_type = "cost_daily",
                                       .action = "block",
                                       .limit_value = LIMIT,
                                       .user_id = 2 });
        fixture_strangers(ctx, SUBMITTERS, submit_one, &base);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM jobs"), LIMIT);
}

static void the_ledger_is_pruned(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *ctx = *state;
        struct quota_verdict verdict;
        int64_t pruned = 0;

        for (unsigned n = 0; n < 3; n++)
                assert_ok(ctx, submit(ctx, n, 0, &verdict));
        fixture_advance_us(ctx, US_PER_DAY);
        assert_ok(ctx, submit(ctx, 3, 0, &verdict));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx,
                  store_ledger_prune(ctx, clock_wall_us(ctx->clock) - US_PER_HOUR, 2, &pruned));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(pruned, 2);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM job_ledger"), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_quota_is_one_row_for_a_type_and_a_scope),
                FIXTURE_CLOUD_TEST(a_quota_goes_with_whom_it_is_for),
                FIXTURE_CLOUD_TEST(the_nearest_counts_below_the_ceilings),
                FIXTURE_CLOUD_TEST(a_money_quota_counts_what_this_job_would_cost),
                FIXTURE_CLOUD_TEST(time_gives_back_what_it_took),
                FIXTURE_CLOUD_TEST(a_clock_that_was_set_back_forgets_nothing),
                FIXTURE_CLOUD_TEST(an_excess_is_noted_once_a_minute),
                FIXTURE_CLOUD_TEST(submissions_at_once_do_not_pass_a_limit_together),
                FIXTURE_CLOUD_TEST(processes_at_once_do_not_pass_a_limit_together),
                FIXTURE_CLOUD_TEST(the_ledger_is_pruned),
        };

        return FIXTURE_RUN("quota", tests);
}
