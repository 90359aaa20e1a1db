#include <stdatomic.h>

#include "core/cloud/webhook/webhook_intake.h"
#include "tests/fixture_db.h"

#define THREADS  16
#define EACH     40
#define DISTINCT 25 /* webhook-ids that all threads deliver */

static struct webhook_delivery delivery(const char *ours, const char *theirs)
{
        return (struct webhook_delivery){
                .delivery_id = ours,
                .provider = "replicate",
                .webhook_id = theirs,
                .received_at_us = FIXTURE_TIME_US,
                .client = "203.0.113.9",
                .verdict = "signed",
                .headers = "{}",
                .body = "v1.sealed",
                .outcome = "received",
                .apply_at_us = FIXTURE_TIME_US,
        };
}

static bool deliver_own(struct ctx *ctx, unsigned index, void *arg)
{
        (void)arg;
        for (unsigned n = 0; n < EACH; n++) {
                const char *id = arena_printf(ctx->arena, "d%03u%03u", index, n);
                struct webhook_delivery mine = delivery(id, id);

                if (!id || webhook_intake_store(ctx, &mine) != OK)
                        return false;
        }
        return true;
}

static void all_that_arrive_at_once_are_stored(void **state)
{
        struct ctx *ctx = *state;

        fixture_threads(ctx, THREADS, deliver_own, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries"),
                         THREADS * EACH);
}

static bool deliver_shared(struct ctx *ctx, unsigned index, void *arg)
{
        for (unsigned n = 0; n < DISTINCT; n++) {
                const char *ours = arena_printf(ctx->arena, "d%03u%03u", index, n);
                const char *theirs = arena_printf(ctx->arena, "msg_%u", (n + index) % DISTINCT);
                struct webhook_delivery mine = delivery(ours, theirs);
                enum err rc = ours && theirs ? webhook_intake_store(ctx, &mine) : ERR_NOMEM;

                if (rc == OK)
                        atomic_fetch_add((atomic_uint *)arg, 1);
                else if (rc != ERR_CONFLICT)
                        return false;
        }
        return true;
}

static void of_equal_ones_that_arrive_at_once_one_is_stored(void **state)
{
        struct ctx *ctx = *state;
        atomic_uint stored = 0;

        fixture_threads(ctx, THREADS, deliver_shared, &stored);
        assert_int_equal(atomic_load(&stored), DISTINCT);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries"), DISTINCT);
}

static bool is_told_of_the_fault(struct ctx *ctx, unsigned index, void *arg)
{
        const char *id = arena_printf(ctx->arena, "d%u", index);
        struct webhook_delivery mine = delivery(id, id);

        (void)arg;
        return err_is_fault(webhook_intake_store(ctx, &mine)) && *ctx->detail;
}

static void a_fault_is_told_to_everybody(void **state)
{
        struct ctx *ctx = *state;

        fixture_sql(ctx, "ALTER TABLE webhook_deliveries RENAME TO elsewhere");
        fixture_threads(ctx, THREADS, is_told_of_the_fault, NULL);
        fixture_sql(ctx, "ALTER TABLE elsewhere RENAME TO webhook_deliveries");
        fixture_threads(ctx, THREADS, deliver_own, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(all_that_arrive_at_once_are_stored),
                FIXTURE_CLOUD_TEST(of_equal_ones_that_arrive_at_once_one_is_stored),
                FIXTURE_CLOUD_TEST(a_fault_is_told_to_everybody),
        };

        return FIXTURE_RUN("webhook intake", tests);
}
