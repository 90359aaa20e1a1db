#include <stdatomic.h>
#include <string.h>

#include "core/base/crypto.h"
#include "core/store/store_webhooks.h"
#include "tests/fixture_db.h"

#define HORIZON (FIXTURE_TIME_US + 600 * US_PER_S)

static struct webhook_delivery delivery(const char *ours, const char *theirs)
{
        return (struct webhook_delivery){
                .delivery_id = ours,
                .provider = "replicate",
                .webhook_id = theirs,
                .received_at_us = FIXTURE_TIME_US,
                .client = "203.0.113.9",
                .verdict = "signed",
                .headers = "{\"webhook-id\":\"x\"}",
                .job_hint = "hint",
                .body = "v1.sealed",
                .outcome = "received",
                .apply_at_us = FIXTURE_TIME_US,
        };
}

static enum err deliver(struct ctx *ctx, const struct webhook_delivery *given)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_webhook_insert(ctx, given);
        return rc == OK ? db_commit(&tx) : rc;
}

static void settle(struct ctx *ctx, const struct webhook_delivery *given)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_webhook_settle(ctx, given));
        assert_ok(ctx, db_commit(&tx));
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

static void a_delivery_reads_back_as_it_was_stored(void **state)
{
        struct webhook_delivery given = delivery("d1", "msg_1"), read;
        struct ctx *ctx = *state;

        assert_ok(ctx, deliver(ctx, &given));
        assert_ok(ctx, store_webhook_get(ctx, "d1", &read));
        assert_string_equal(read.webhook_id, "msg_1");
        assert_string_equal(read.client, "203.0.113.9");
        assert_string_equal(read.verdict, "signed");
        assert_string_equal(read.headers, given.headers);
        assert_string_equal(read.job_hint, "hint");
        assert_string_equal(read.body, "v1.sealed");
        assert_string_equal(read.outcome, "received");
        assert_null(read.reason);
        assert_null(read.job_id);
        assert_int_equal(read.received_at_us, FIXTURE_TIME_US);
        assert_int_equal(read.apply_at_us, FIXTURE_TIME_US);
        assert_int_equal(read.attempts, 0);
        assert_int_equal(read.applied_at_us, 0);
        assert_rc(ctx, ERR_NOT_FOUND, store_webhook_get(ctx, "d2", &read));
}

static void what_became_of_a_delivery_is_recorded(void **state)
{
        struct webhook_delivery first = delivery("d1", "msg_1"), read;
        struct ctx *ctx = *state;
        bool waits = false;

        assert_ok(ctx, deliver(ctx, &first));
        assert_ok(ctx, store_webhook_waits(ctx, "d1", &waits));
        assert_true(waits);
        first.job_id = "j1";
        first.outcome = "applied";
        first.apply_at_us = 0;
        settle(ctx, &first);
        assert_ok(ctx, store_webhook_waits(ctx, "d1", &waits));
        assert_false(waits);
        assert_ok(ctx, store_webhook_get(ctx, "d1", &read));
        assert_string_equal(read.job_id, "j1");
        assert_string_equal(read.outcome, "applied");
        assert_int_equal(read.attempts, 1);
        assert_int_equal(read.applied_at_us, FIXTURE_TIME_US);
}

static enum err due_at(struct ctx *ctx, int64_t now_us, unsigned limit, const char ***ret_ids,
                       size_t *ret_count)
{
        const struct due due = { now_us, HORIZON };

        return store_webhooks_due(ctx, &due, limit, ret_ids, ret_count);
}

static void those_that_are_due_come_in_order_of_arrival(void **state)
{
        struct webhook_delivery late = delivery("d1", "m1"), settled = delivery("d2", "m2"),
                                second = delivery("d4", "m4"), first = delivery("d3", "m3");
        struct ctx *ctx = *state;
        const char **ids;
        size_t count;

        late.apply_at_us++;
        settled.apply_at_us = 0;
        assert_ok(ctx, deliver(ctx, &late));
        assert_ok(ctx, deliver(ctx, &settled));
        assert_ok(ctx, deliver(ctx, &second));
        assert_ok(ctx, deliver(ctx, &first));
        assert_ok(ctx, due_at(ctx, FIXTURE_TIME_US, 10, &ids, &count));
        assert_int_equal(count, 2);
        assert_string_equal(ids[0], "d3");
        assert_string_equal(ids[1], "d4");
        assert_ok(ctx, due_at(ctx, FIXTURE_TIME_US + 1, 2, &ids, &count));
        assert_int_equal(count, 2);
        assert_string_equal(ids[0], "d1");
}

static void one_from_a_clock_that_was_set_back_is_due(void **state)
{
        struct webhook_delivery waits = delivery("d1", "m1"), astray = delivery("d2", "m2");
        struct ctx *ctx = *state;
        const char **ids;
        size_t count;

        waits.apply_at_us = HORIZON;
        astray.apply_at_us = HORIZON + 1;
        assert_ok(ctx, deliver(ctx, &waits));
        assert_ok(ctx, deliver(ctx, &astray));
        assert_ok(ctx, due_at(ctx, FIXTURE_TIME_US, 10, &ids, &count));
        assert_int_equal(count, 1);
        assert_string_equal(ids[0], "d2");
}

/* Appends the ids of the rows to a text. */
static void add_id(void *arg, const struct webhook_delivery *row)
{
        char *seen = arg;

        assert_null(row->body);
        strncat(seen, row->delivery_id, 63 - strlen(seen));
}

static void assert_lists(struct ctx *ctx, struct webhook_filter filter, const char *expected)
{
        char seen[64] = "";

        filter.limit = filter.limit ? filter.limit : 10;
        assert_ok(ctx, store_webhooks_each(ctx, &filter, add_id, seen));
        assert_string_equal(seen, expected);
}

static void deliveries_are_listed_newest_first_by_any_filter(void **state)
{
        struct webhook_delivery a = delivery("a", "m1"), b = delivery("b", "m2"),
                                c = delivery("c", "m3");
        struct ctx *ctx = *state;

        b.provider = "elsewhere";
        assert_ok(ctx, deliver(ctx, &a));
        assert_ok(ctx, deliver(ctx, &b));
        assert_ok(ctx, deliver(ctx, &c));
        c.job_id = "j1";
        c.outcome = "applied";
        settle(ctx, &c);
        assert_lists(ctx, (struct webhook_filter){ 0 }, "cba");
        assert_lists(ctx, (struct webhook_filter){ .limit = 2 }, "cb");
        assert_lists(ctx, (struct webhook_filter){ .before_id = "c" }, "ba");
        assert_lists(ctx, (struct webhook_filter){ .provider = "replicate" }, "ca");
        assert_lists(ctx, (struct webhook_filter){ .outcome = "received" }, "ba");
        assert_lists(ctx, (struct webhook_filter){ .job_id = "j1" }, "c");
        assert_lists(ctx, (struct webhook_filter){ .job_id = "j1", .outcome = "ignored" }, "");
}

static int64_t prune(struct ctx *ctx, int64_t before_us, unsigned limit)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        int64_t pruned = -1;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_webhooks_prune(ctx, before_us, limit, &pruned));
        assert_ok(ctx, db_commit(&tx));
        return pruned;
}

static void only_settled_deliveries_are_pruned_in_bounded_steps(void **state)
{
        struct ctx *ctx = *state;
        char ids[4][ULID_SIZE];

        for (unsigned i = 0; i < 4; i++) { /* the oldest still waits */
                struct webhook_delivery made = delivery(ids[i], ids[i]);

                assert_ok(ctx, crypto_ulid(ctx, ids[i]));
                made.apply_at_us = i == 0 ? FIXTURE_TIME_US : 0;
                assert_ok(ctx, deliver(ctx, &made));
                fixture_advance_us(ctx, US_PER_MS);
        }
        assert_int_equal(prune(ctx, FIXTURE_TIME_US, 10), 0);
        assert_int_equal(prune(ctx, FIXTURE_TIME_US + 3 * US_PER_MS, 1), 1);
        assert_int_equal(prune(ctx, FIXTURE_TIME_US + 3 * US_PER_MS, 10), 1);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries"), 2);
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
                FIXTURE_DB_TEST(a_delivery_reads_back_as_it_was_stored),
                FIXTURE_DB_TEST(what_became_of_a_delivery_is_recorded),
                FIXTURE_DB_TEST(those_that_are_due_come_in_order_of_arrival),
                FIXTURE_DB_TEST(one_from_a_clock_that_was_set_back_is_due),
                FIXTURE_DB_TEST(deliveries_are_listed_newest_first_by_any_filter),
                FIXTURE_DB_TEST(only_settled_deliveries_are_pruned_in_bounded_steps),
                FIXTURE_DB_TEST(of_retries_that_come_at_once_one_is_taken),
        };

        return FIXTURE_RUN("store webhooks", tests);
}
