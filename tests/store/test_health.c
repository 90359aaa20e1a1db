/* What each part says of itself, by a clock that the test moves. */
#include <stdlib.h>
#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/health/health.h"
#include "core/cloud/provider/breaker.h"
#include "core/cloud/task_lease.h"
#include "tests/fixture_db.h"
#include "tests/fixture_job.h"

static const struct health_component *find(const struct health *health, const char *name)
{
        for (size_t i = 0; i < health->count; i++) {
                if (strcmp(health->components[i].name, name) == 0)
                        return &health->components[i];
        }
        return NULL;
}

static struct health_component part(struct ctx *ctx, const char *name)
{
        const struct health_component *component;
        struct health health;

        assert_ok(ctx, health_check(ctx, false, &health));
        component = find(&health, name);
        assert_non_null(component);
        return *component;
}

static void assert_part(struct ctx *ctx, const char *name, enum health_status status,
                        const char *mention)
{
        const struct health_component component = part(ctx, name);

        assert_string_equal(health_status_name(component.status), health_status_name(status));
        if (!strstr(component.message, mention))
                fail_msg("%s does not mention %s", component.message, mention);
}

/* The companion has done something that is due again every every_s seconds. */
static void run_task(struct ctx *ctx, unsigned every_s)
{
        const struct task_terms terms = { .name = "sweep",
                                          .every_us = every_s * US_PER_S,
                                          .lease_us = 60 * US_PER_S,
                                          .at_once = true };
        struct task_lease lease;

        assert_ok(ctx, task_lease_take(ctx, &terms, &lease));
        assert_part(ctx, "companion", HEALTH_HEALTHY, "At work");
        assert_ok(ctx, task_lease_end(ctx, &lease, &(struct task_result){ .text = "" }));
}

static void a_companion_that_never_ran_is_no_matter_on_a_new_machine(void **state)
{
        struct ctx *ctx = *state;

        assert_part(ctx, "companion", HEALTH_HEALTHY, "Has not run yet");
        fixture_advance_us(ctx, 599 * US_PER_S);
        assert_part(ctx, "companion", HEALTH_HEALTHY, "Has not run yet");
        fixture_advance_us(ctx, US_PER_S);
        assert_part(ctx, "companion", HEALTH_DEGRADED, "Has never run");
}

static void a_companion_that_is_late_is_told_with_its_last_run(void **state)
{
        struct ctx *ctx = *state;

        run_task(ctx, 60);
        assert_part(ctx, "companion", HEALTH_HEALTHY, "Last run 0 s ago");
        fixture_advance_us(ctx, 300 * US_PER_S);
        assert_part(ctx, "companion", HEALTH_HEALTHY, "Last run 300 s ago");
        fixture_advance_us(ctx, 100 * US_PER_S);
        assert_part(ctx, "companion", HEALTH_DEGRADED, "overdue tasks: 1");
        run_task(ctx, 60);
        assert_part(ctx, "companion", HEALTH_HEALTHY, "Last run 0 s ago");
}

static void a_companion_with_nothing_to_do_may_rest(void **state)
{
        struct ctx *ctx = *state;

        run_task(ctx, 86400);
        fixture_advance_us(ctx, 3600 * US_PER_S);
        assert_part(ctx, "companion", HEALTH_HEALTHY, "Last run 3600 s ago");
        fixture_job_inserted(ctx, 1);
        assert_part(ctx, "companion", HEALTH_DEGRADED, "active jobs: 1");
}

static void fail_calls(struct ctx *ctx, unsigned count)
{
        const struct breaker_pass pass = { .provider = "replicate" };

        for (unsigned i = 0; i < count; i++)
                breaker_report(ctx, &pass, BREAKER_FAILURE, "HTTP 503");
}

static void a_breaker_says_what_it_does(void **state)
{
        struct ctx *ctx = *state;
        struct breaker breaker;

        assert_part(ctx, "circuit_breaker_replicate", HEALTH_HEALTHY,
                    "Circuit closed - normal operation");
        fail_calls(ctx, BREAKER_FAILURES);
        assert_part(ctx, "circuit_breaker_replicate", HEALTH_DEGRADED,
                    "Circuit open - blocking requests (failures: 5)");
        assert_ok(ctx, breaker_get(ctx, "replicate", &breaker));
        assert_true(breaker.last_failure_us == FIXTURE_TIME_US);
        fixture_advance_us(ctx, (BREAKER_OPEN_S + 1) * US_PER_S);
        assert_part(ctx, "circuit_breaker_replicate", HEALTH_DEGRADED,
                    "Circuit half-open - testing recovery");
        assert_part(ctx, "circuit_breaker_http", HEALTH_HEALTHY, "closed");
}

static enum err write_entry(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = { .event_type = "job.submitted", .action = "x" };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = audit_add(ctx, &entry);
        return rc == OK ? db_commit(&tx) : rc;
}

static void an_audit_log_is_healthy_until_its_head_is_spoiled(void **state)
{
        struct ctx *ctx = *state;

        assert_part(ctx, "audit", HEALTH_HEALTHY, "good");
        assert_ok(ctx, write_entry(ctx));
        assert_part(ctx, "audit", HEALTH_HEALTHY, "good");
        fixture_sql(ctx, "UPDATE audit_head SET entries = entries + 1");
        assert_part(ctx, "audit", HEALTH_UNHEALTHY, "audit verify");
}

static void an_audit_log_without_its_newest_entry_is_not_well(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, write_entry(ctx));
        fixture_sql(ctx, "DELETE FROM audit_log");
        assert_part(ctx, "audit", HEALTH_UNHEALTHY, "audit verify");
        fixture_sql(ctx, "DELETE FROM audit_head");
        assert_part(ctx, "audit", HEALTH_UNHEALTHY, "audit verify");
}

static void the_disk_floor_is_unhealthy_and_twice_as_much_is_near_it(void **state)
{
        struct ctx *ctx = *state;
        struct config *config = fixture_config(ctx);

        config->min_free_bytes = 0;
        assert_part(ctx, "storage", HEALTH_HEALTHY, "MiB free");
        assert_ok(ctx, health_ready(ctx));
        config->min_free_bytes = (uint64_t)atoll(part(ctx, "storage").message) * MiB * 2 / 3;
        assert_part(ctx, "storage", HEALTH_DEGRADED, "MiB free");
        assert_ok(ctx, health_ready(ctx));
        config->min_free_bytes = (uint64_t)1 << 60;
        assert_part(ctx, "storage", HEALTH_UNHEALTHY, "MiB free");
        assert_rc(ctx, ERR_NOT_READY, health_ready(ctx));
        assert_string_equal(ctx->detail, "Not ready: the disk is nearly full");
}

static void the_threads_of_the_process_are_one_component(void **state)
{
        struct ctx *ctx = *state;
        const int64_t now_us = clock_mono_us(ctx->clock);
        struct pulse *pulse;
        struct health health;

        assert_ok(ctx, health_check(ctx, false, &health));
        assert_null(find(&health, "background"));
        pulse = pulse_add(&ctx->cloud->pulses, "inbox", 60, now_us);
        assert_non_null(pulse_add(&ctx->cloud->pulses, "archive", 0, now_us));
        assert_part(ctx, "background", HEALTH_HEALTHY, "2 threads at work");
        pulse_begin(pulse, now_us);
        fixture_advance_us(ctx, 61 * US_PER_S);
        assert_part(ctx, "background", HEALTH_DEGRADED, "\"inbox\" hangs since 61 s");
        for (int i = 0; i < 3; i++)
                pulse_end(pulse, clock_mono_us(ctx->clock), true);
        assert_part(ctx, "background", HEALTH_DEGRADED, "\"inbox\" failed 3 times");
        pulse_end(pulse, clock_mono_us(ctx->clock), false);
        assert_part(ctx, "background", HEALTH_HEALTHY, "2 threads");
}

static void secrets_are_missing_until_one_provider_can_be_used(void **state)
{
        struct ctx *ctx = *state;

        assert_part(ctx, "secrets", HEALTH_DEGRADED, "No API token configured");
        fixture_sql(ctx, "INSERT INTO providers (provider, config, updated_at_us) VALUES "
                         "('http', '{\"api_base_url\":\"https://tuner.example/v1\"}', 1)");
        assert_part(ctx, "secrets", HEALTH_HEALTHY, "No API token needed");
}

static void the_worst_part_is_the_status_of_the_whole(void **state)
{
        struct ctx *ctx = *state;
        struct health health;

        fixture_config(ctx)->min_free_bytes = 0;
        assert_ok(ctx, health_check(ctx, false, &health));
        assert_string_equal(health_status_name(health.status), "degraded"); /* no token */
        fixture_sql(ctx, "DELETE FROM audit_head");
        assert_ok(ctx, health_check(ctx, false, &health));
        assert_string_equal(health_status_name(health.status), "unhealthy");
}

static void a_database_that_waits_for_a_migration_says_so(void **state)
{
        struct ctx *ctx = *state;

        fixture_migrate_to(ctx, 3);
        assert_part(ctx, "database", HEALTH_UNHEALTHY, "run \"simpletuner-cloud migrate\"");
        assert_rc(ctx, ERR_NOT_READY, health_ready(ctx));
        assert_non_null(strstr(ctx->detail, "Not ready: the database has schema version 3"));
}

static void a_service_that_drains_is_not_ready(void **state)
{
        struct ctx *ctx = *state;

        atomic_store(&ctx->cloud->draining, true);
        assert_rc(ctx, ERR_NOT_READY, health_ready(ctx));
        assert_string_equal(ctx->detail, "Not ready: shutting down");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(a_companion_that_never_ran_is_no_matter_on_a_new_machine),
                FIXTURE_CLOUD_TEST(a_companion_that_is_late_is_told_with_its_last_run),
                FIXTURE_CLOUD_TEST(a_companion_with_nothing_to_do_may_rest),
                FIXTURE_CLOUD_TEST(a_breaker_says_what_it_does),
                FIXTURE_CLOUD_TEST(an_audit_log_is_healthy_until_its_head_is_spoiled),
                FIXTURE_CLOUD_TEST(an_audit_log_without_its_newest_entry_is_not_well),
                FIXTURE_CLOUD_TEST(the_disk_floor_is_unhealthy_and_twice_as_much_is_near_it),
                FIXTURE_CLOUD_TEST(the_threads_of_the_process_are_one_component),
                FIXTURE_CLOUD_TEST(secrets_are_missing_until_one_provider_can_be_used),
                FIXTURE_CLOUD_TEST(the_worst_part_is_the_status_of_the_whole),
                FIXTURE_EMPTY_CLOUD_TEST(a_database_that_waits_for_a_migration_says_so),
                FIXTURE_CLOUD_TEST(a_service_that_drains_is_not_ready),
        };

        return FIXTURE_RUN("health", tests);
}
