#include <stdatomic.h>
#include <string.h>

#include "core/cloud/secrets/seal.h"
#include "core/cloud/webhook/inbox.h"
#include "core/cloud/webhook/webhook_apply.h"
#include "core/cloud/webhook/webhook_delivery.h"
#include "tests/fixture_db.h"

#define JOB      "01hm3v00000000000000000001"
#define WEEK_US  (7 * US_PER_DAY)
#define RUNNING  "{\"event_type\":\"training.status\",\"job_id\":\"" JOB "\",\"status\":\"running\"}"
#define FINISHED "{\"event_type\":\"completed\",\"job_id\":\"" JOB "\"}"

static void make_job(struct ctx *ctx)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = {
                .job_id = JOB,
                .provider = "replicate",
                .status = JOB_QUEUED,
                .metadata = "{}",
                .owner = "local",
                .attempt = 1,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = FIXTURE_TIME_US,
        };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, db_commit(&tx));
}

/* The n-th delivery of a test, as webhook_receive stores it. Anything but JSON is stored as it is:
 * a body that does not open. */
static const char *deliver(struct ctx *ctx, unsigned n, const char *body)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const char *id = arena_printf(ctx->arena, "01hm6aqh20000000000000%04u", n);
        struct webhook_delivery delivery = {
                .delivery_id = id,
                .provider = "replicate",
                .webhook_id = id,
                .received_at_us = FIXTURE_TIME_US,
                .client = "203.0.113.9",
                .verdict = "signed",
                .headers = "{\"webhook-timestamp\":\"1705314590\"}",
                .body = body,
                .outcome = "received",
                .apply_at_us = FIXTURE_TIME_US,
        };

        assert_non_null(id);
        if (*body == '{')
                assert_ok(ctx, seal_text(ctx, webhook_body_place(ctx, id),
                                         (struct secret){ body, strlen(body) }, &delivery.body));
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_webhook_insert(ctx, &delivery));
        assert_ok(ctx, db_commit(&tx));
        return id;
}

/* How many deliveries a look dealt with. */
static unsigned look(struct ctx *ctx)
{
        unsigned applied = 9999;

        assert_ok(ctx, webhook_apply_due(ctx, 100, &applied));
        return applied;
}

static struct webhook_delivery stored(struct ctx *ctx, const char *id)
{
        struct webhook_delivery delivery;

        assert_ok(ctx, store_webhook_get(ctx, id, &delivery));
        return delivery;
}

static struct job stored_job(struct ctx *ctx)
{
        struct job job;

        assert_ok(ctx, store_job_get(ctx, JOB, &job));
        return job;
}

static void deliveries_are_applied_in_order_of_arrival(void **state)
{
        struct ctx *ctx = *state;
        const char *second, *first;

        make_job(ctx);
        second = deliver(ctx, 2, FINISHED);
        first = deliver(ctx, 1, RUNNING);
        assert_int_equal(look(ctx), 2);
        assert_string_equal(stored(ctx, first).outcome, "applied");
        assert_string_equal(stored(ctx, second).outcome, "applied");
        assert_string_equal(stored(ctx, second).job_id, JOB);
        assert_int_equal(stored_job(ctx).status, JOB_COMPLETED);
        assert_int_equal(look(ctx), 0);
}

static void news_are_as_old_as_their_signature(void **state)
{
        struct ctx *ctx = *state;

        make_job(ctx);
        deliver(ctx, 1, RUNNING);
        fixture_advance_us(ctx, US_PER_HOUR);
        assert_int_equal(look(ctx), 1);
        assert_int_equal(stored_job(ctx).started_at_us, FIXTURE_TIME_US - 10 * US_PER_S);
}

static void news_of_no_job_of_ours_are_ignored_with_a_reason(void **state)
{
        struct ctx *ctx = *state;
        const char *id = deliver(ctx, 1, FINISHED);

        assert_int_equal(look(ctx), 1);
        assert_string_equal(stored(ctx, id).outcome, "ignored");
        assert_string_equal(stored(ctx, id).reason, "unknown job");
        assert_null(stored(ctx, id).job_id);
}

static void a_delivery_that_fails_holds_up_no_other(void **state)
{
        struct ctx *ctx = *state;
        const char *bad, *odd, *good;

        make_job(ctx);
        bad = deliver(ctx, 1, "v1.00000000.AAAA");
        odd = deliver(ctx, 2, "{\"event_type\":7}");
        good = deliver(ctx, 3, FINISHED);
        assert_int_equal(look(ctx), 3);
        assert_string_equal(stored(ctx, good).outcome, "applied");
        assert_string_equal(stored(ctx, bad).outcome, "received");
        assert_int_equal(stored(ctx, bad).attempts, 1);
        assert_int_equal(stored(ctx, bad).apply_at_us, FIXTURE_TIME_US + US_PER_S);
        assert_null(strstr(stored(ctx, bad).reason, "credential"));
        assert_non_null(strstr(stored(ctx, odd).reason, "event_type must be a string"));
        assert_int_equal(look(ctx), 0);
}

/* A change of the job that the database refuses fails its delivery alone, not the batch. */
static void a_delivery_that_the_database_refuses_does_not_undo_the_batch(void **state)
{
        struct ctx *ctx = *state;
        const char *before, *refused, *after;

        make_job(ctx);
        fixture_sql(ctx, "INSERT INTO jobs (job_id, provider, status, metadata, created_at_us, "
                         "updated_at_us, price_usd_nanos_per_s) VALUES "
                         "('01hm3v00000000000000000002', 'replicate', 'queued', '{}', 1, 1, 0)");
        fixture_sql(ctx, "CREATE UNIQUE INDEX refuses ON jobs (output_url)");
        fixture_sql(ctx, "UPDATE jobs SET output_url = 'https://x.example/1' "
                         "WHERE job_id = '" JOB "'");
        before = deliver(ctx, 1, RUNNING);
        refused = deliver(ctx, 2,
                          "{\"event_type\":\"completed\",\"output\":\"https://x.example/1\","
                          "\"job_id\":\"01hm3v00000000000000000002\"}");
        after = deliver(ctx, 3, FINISHED);
        assert_int_equal(look(ctx), 3);
        assert_string_equal(stored(ctx, before).outcome, "applied");
        assert_string_equal(stored(ctx, after).outcome, "applied");
        assert_string_equal(stored(ctx, refused).outcome, "received");
        assert_int_equal(stored(ctx, refused).attempts, 1);
        fixture_sql(ctx, "DROP INDEX refuses");
        fixture_advance_us(ctx, US_PER_S);
        assert_int_equal(look(ctx), 1);
        assert_string_equal(stored(ctx, refused).outcome, "applied");
        assert_int_equal(stored(ctx, refused).attempts, 2);
}

static void a_delivery_is_given_up_after_ten_attempts(void **state)
{
        static const int waits_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };
        struct ctx *ctx = *state;
        const char *id = deliver(ctx, 1, "v1.00000000.AAAA");

        for (size_t i = 0; i < ARRAY_SIZE(waits_s); i++) {
                assert_int_equal(look(ctx), 1);
                assert_int_equal(stored(ctx, id).attempts, i + 1);
                fixture_advance_us(ctx, waits_s[i] * US_PER_S - 1);
                assert_int_equal(look(ctx), 0);
                fixture_advance_us(ctx, 1);
        }
        assert_int_equal(look(ctx), 1);
        assert_string_equal(stored(ctx, id).outcome, "failed");
        assert_int_equal(stored(ctx, id).apply_at_us, 0);
        fixture_advance_us(ctx, US_PER_HOUR);
        assert_int_equal(look(ctx), 0);
}

static void a_look_takes_no_more_than_it_is_told(void **state)
{
        struct ctx *ctx = *state;
        unsigned applied = 0;

        for (unsigned i = 0; i < 5; i++)
                deliver(ctx, i, FINISHED);
        assert_ok(ctx, webhook_apply_due(ctx, 2, &applied));
        assert_int_equal(applied, 2);
        assert_int_equal(look(ctx), 3);
}

static bool apply_all(struct ctx *ctx, unsigned index, void *arg)
{
        unsigned applied;

        (void)index;
        (void)arg;
        do {
                if (webhook_apply_due(ctx, 3, &applied) != OK)
                        return false;
        } while (applied > 0);
        return true;
}

static void processes_that_look_at_once_apply_each_delivery_once(void **state)
{
        struct ctx *ctx = *state;

        make_job(ctx);
        deliver(ctx, 1, RUNNING);
        for (unsigned i = 2; i < 30; i++)
                deliver(ctx, i, i == 20 ? FINISHED : "{\"event_type\":\"logs\",\"job_id\":\"x\"}");
        fixture_strangers(ctx, 4, apply_all, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries "
                                             "WHERE attempts = 1 AND apply_at_us IS NULL"),
                         29);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM webhook_deliveries "
                                             "WHERE outcome = 'applied'"),
                         2);
        assert_int_equal(stored_job(ctx).status, JOB_COMPLETED);
}

static void a_replay_applies_again_and_is_audited(void **state)
{
        struct ctx *ctx = *state;
        struct webhook_effect effect;
        const char *id;

        id = deliver(ctx, 1, FINISHED);
        assert_int_equal(look(ctx), 1);
        make_job(ctx);
        assert_ok(ctx, webhook_delivery_replay(ctx, id, &effect));
        assert_string_equal(effect.outcome, "applied");
        assert_true(effect.moved);
        assert_int_equal(effect.status, JOB_COMPLETED);
        assert_ok(ctx, webhook_delivery_replay(ctx, id, &effect));
        assert_string_equal(effect.outcome, "unchanged");
        assert_string_equal(stored(ctx, id).outcome, "applied");
        assert_int_equal(stored(ctx, id).attempts, 3);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type = "
                                             "'webhook.replayed' AND actor = 'local'"),
                         2);
        assert_rc(ctx, ERR_NOT_FOUND, webhook_delivery_replay(ctx, JOB, &effect));
}

static void a_body_is_shown_without_what_the_remote_job_was_given(void **state)
{
        struct ctx *ctx = *state;
        struct webhook_delivery delivery;
        const char *body, *id;

        id = deliver(ctx, 1,
                     "{\"id\":\"p1\",\"status\":\"starting\",\"input\":{\"env\":{"
                     "\"SIMPLETUNER_JOB_ID\":\"j1\",\"SIMPLETUNER_UPLOAD_TOKEN\":\"t\"}}}");
        assert_ok(ctx, webhook_delivery_get(ctx, id, &delivery, &body));
        assert_null(strstr(body, "TOKEN"));
        assert_non_null(strstr(body, "\"SIMPLETUNER_JOB_ID\":\"j1\""));
        assert_null(strstr(delivery.body, "p1"));
}

static void a_body_sealed_for_another_delivery_does_not_open(void **state)
{
        struct ctx *ctx = *state;
        struct webhook_delivery delivery;
        const char *body, *id = deliver(ctx, 1, FINISHED);

        deliver(ctx, 2, RUNNING);
        fixture_sql(ctx, "UPDATE webhook_deliveries SET body = (SELECT MAX(body) FROM "
                         "webhook_deliveries WHERE delivery_id LIKE '%2') "
                         "WHERE delivery_id LIKE '%1'");
        assert_rc(ctx, ERR_UNAVAILABLE, webhook_delivery_get(ctx, id, &delivery, &body));
}

static void settled_deliveries_are_forgotten_after_the_retention(void **state)
{
        struct ctx *ctx = *state;
        unsigned pruned = 9;

        fixture_config(ctx)->webhook_retention_days = 7;
        deliver(ctx, 1, FINISHED);
        assert_int_equal(look(ctx), 1);
        fixture_advance_us(ctx, WEEK_US);
        assert_ok(ctx, webhook_prune(ctx, 10, &pruned));
        assert_int_equal(pruned, 0);
        deliver(ctx, 2, FINISHED); /* of a week ago, and not applied */
        fixture_advance_us(ctx, US_PER_MS);
        assert_ok(ctx, webhook_prune(ctx, 10, &pruned));
        assert_int_equal(pruned, 1);
        assert_int_equal(look(ctx), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(deliveries_are_applied_in_order_of_arrival),
                FIXTURE_CLOUD_TEST(news_are_as_old_as_their_signature),
                FIXTURE_CLOUD_TEST(news_of_no_job_of_ours_are_ignored_with_a_reason),
                FIXTURE_CLOUD_TEST(a_delivery_that_fails_holds_up_no_other),
                FIXTURE_CLOUD_TEST(a_delivery_that_the_database_refuses_does_not_undo_the_batch),
                FIXTURE_CLOUD_TEST(a_delivery_is_given_up_after_ten_attempts),
                FIXTURE_CLOUD_TEST(a_look_takes_no_more_than_it_is_told),
                FIXTURE_CLOUD_TEST(processes_that_look_at_once_apply_each_delivery_once),
                FIXTURE_CLOUD_TEST(a_replay_applies_again_and_is_audited),
                FIXTURE_CLOUD_TEST(a_body_is_shown_without_what_the_remote_job_was_given),
                FIXTURE_CLOUD_TEST(a_body_sealed_for_another_delivery_does_not_open),
                FIXTURE_CLOUD_TEST(settled_deliveries_are_forgotten_after_the_retention),
        };

        return FIXTURE_RUN("inbox", tests);
}
