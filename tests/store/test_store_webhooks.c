#include <stdatomic.h>

#include "core/store/store_webhooks.h"
#include "tests/fixture_db.h"

static struct webhook_delivery delivery(const char *ours, const char *theirs)
{
        return (struct webhook_delivery){ .delivery_id = ours,
                                          .provider = "replicate",
                                          .webhook_id = theirs,
                                          .outcome = "received",
                                          .body = "{\"id\":\"p1\"}" };
}

static enum err deliver(struct ctx *ctx, const struct webhook_delivery *given)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_webhook_insert(ctx, given);
        return rc == OK ? db_commit(&tx) : rc;
}

static void a_webhook_id_is_delivered_once_per_provider(void **state)
{
        struct webhook_delivery first = delivery("d1", "msg_1"), retry = delivery("d2", "msg_1"),
                                other = delivery("d3", "msg_1");
        struct ctx *ctx = *state;

        other.provider = "elsewhere";
        assert_ok(ctx, deliver(ctx, &first));
        assert_rc(ctx, ERR_CONFLICT, deliver(ctx, &retry));
        assert_ok(ctx, deliver(ctx, &other));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries"), 2);
}

static void a_duplicate_leaves_its_transaction_usable(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct webhook_delivery first = delivery("d1", "msg_1"), retry = delivery("d2", "msg_1"),
                                other = delivery("d3", "msg_2");
        struct ctx *ctx = *state;

        assert_ok(ctx, deliver(ctx, &first));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_rc(ctx, ERR_CONFLICT, store_webhook_insert(ctx, &retry));
        assert_ok(ctx, store_webhook_insert(ctx, &other));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries"), 2);
}

static void a_delivery_whose_work_fails_may_come_again(void **state)
{
        struct webhook_delivery first = delivery("d1", "msg_1"), retry = delivery("d2", "msg_1");
        struct ctx *ctx = *state;

        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, store_webhook_insert(ctx, &first));
        }
        assert_ok(ctx, deliver(ctx, &retry));
}

static void what_became_of_a_delivery_is_recorded(void **state)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct webhook_delivery first = delivery("d1", "msg_1");
        struct ctx *ctx = *state;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_webhook_insert(ctx, &first));
        first.job_id = "j1";
        first.outcome = "applied";
        assert_ok(ctx, store_webhook_settle(ctx, &first));
        assert_ok(ctx, db_commit(&tx));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries WHERE "
                                             "job_id = 'j1' AND outcome = 'applied' AND "
                                             "body = '{\"id\":\"p1\"}' AND received_at_us = "
                                             "1705314600000000"),
                         1);
}

static bool claim(struct ctx *ctx, unsigned index, void *arg)
{
        struct webhook_delivery mine = delivery(arena_printf(ctx->arena, "d%u", index), "msg_1");
        enum err rc = deliver(ctx, &mine);

        if (rc == OK)
                atomic_fetch_add((atomic_uint *)arg, 1);
        return rc == OK || rc == ERR_CONFLICT;
}

static void of_retries_that_come_at_once_one_is_taken(void **state)
{
        atomic_uint taken = 0;

        fixture_threads(*state, 16, claim, &taken);
        assert_int_equal(atomic_load(&taken), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(a_webhook_id_is_delivered_once_per_provider),
                FIXTURE_DB_TEST(a_duplicate_leaves_its_transaction_usable),
                FIXTURE_DB_TEST(a_delivery_whose_work_fails_may_come_again),
                FIXTURE_DB_TEST(what_became_of_a_delivery_is_recorded),
                FIXTURE_DB_TEST(of_retries_that_come_at_once_one_is_taken),
        };

        return FIXTURE_RUN("store webhooks", tests);
}
