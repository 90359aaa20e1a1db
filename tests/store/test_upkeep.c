/* The upkeep of a database ends in time, is done by one at a time, keeps nobody from the figures,
 * and does no harm. */
#include <stdatomic.h>
#include <string.h>

#include "core/cloud/database/upkeep.h"
#include "tests/fixture_db.h"

#define MANY "300000"

static void fill(struct ctx *ctx)
{
        fixture_sql(ctx, "INSERT INTO metric_totals (name, provider, label, value) "
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                         "WHERE i < " MANY ") SELECT 'n' || i, 'p', 'l', i FROM n");
}

static void what_takes_too_long_says_what_to_run_instead(void **state)
{
        struct ctx *ctx = *state;
        struct upkeep_report report;
        struct upkeep_vacuumed vacuumed;

        fill(ctx);
        assert_rc(ctx, ERR_NOT_READY, upkeep_verify(ctx, 1, &report));
        assert_non_null(strstr(ctx->detail, "simpletuner-cloud db check"));
        assert_rc(ctx, ERR_NOT_READY, upkeep_vacuum_database(ctx, 1, &vacuumed));
        assert_non_null(strstr(ctx->detail, "simpletuner-cloud db vacuum"));
        assert_ok(ctx, upkeep_verify(ctx, 0, &report));
        assert_true(report.is_valid);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM metric_totals"), 300000);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log"), 0);
}

static void one_at_a_time_looks_after_the_database(void **state)
{
        struct ctx *ctx = *state;
        struct upkeep_report report;
        struct upkeep_vacuumed vacuumed;

        atomic_store(&ctx->cloud->in_upkeep, true);
        assert_rc(ctx, ERR_CONFLICT, upkeep_verify(ctx, 0, &report));
        assert_rc(ctx, ERR_CONFLICT, upkeep_vacuum_database(ctx, 0, &vacuumed));
        assert_non_null(strstr(ctx->detail, "being checked or vacuumed already"));
        atomic_store(&ctx->cloud->in_upkeep, false);
        assert_ok(ctx, upkeep_verify(ctx, 0, &report));
        assert_false(atomic_load(&ctx->cloud->in_upkeep));
}

static void figures_are_told_while_the_database_is_looked_after(void **state)
{
        struct ctx *ctx = *state;
        struct upkeep_stats stats;

        atomic_store(&ctx->cloud->in_upkeep, true);
        assert_ok(ctx, upkeep_stats(ctx, 0, true, &stats));
        assert_true(stats.size.tables > 0);
        assert_true(atomic_load(&ctx->cloud->in_upkeep));
        atomic_store(&ctx->cloud->in_upkeep, false);
}

static void a_vacuum_of_an_unlimited_time_is_noted_once(void **state)
{
        struct ctx *ctx = *state;
        struct upkeep_vacuumed vacuumed;

        assert_ok(ctx, upkeep_vacuum_database(ctx, 0, &vacuumed));
        assert_true(vacuumed.after > 0);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log "
                                             "WHERE event_type = 'database.vacuumed'"),
                         1);
}

static void a_vacuum_needs_room(void **state)
{
        struct ctx *ctx = *state;
        struct upkeep_vacuumed vacuumed;

        fixture_only_on(ctx, "sqlite");
        fixture_config(ctx)->min_free_bytes = UINT64_C(1000000000000000);
        assert_rc(ctx, ERR_NO_SPACE, upkeep_vacuum_database(ctx, 0, &vacuumed));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log"), 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(what_takes_too_long_says_what_to_run_instead),
                FIXTURE_CLOUD_TEST(one_at_a_time_looks_after_the_database),
                FIXTURE_CLOUD_TEST(figures_are_told_while_the_database_is_looked_after),
                FIXTURE_CLOUD_TEST(a_vacuum_of_an_unlimited_time_is_noted_once),
                FIXTURE_CLOUD_TEST(a_vacuum_needs_room),
        };

        return FIXTURE_RUN("upkeep", tests);
}
