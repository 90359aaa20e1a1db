/* Whatever order news of one job come in, repeated or not, the job ends the same. */
#include <inttypes.h>
#include <string.h>

#include "core/cloud/webhook/webhook_apply.h"
#include "tests/fixture_db.h"

#define JOB        "01hm3v00000000000000000001"
#define LIST_MAX   16
#define RANDOM_RUN 40 /* lists of random events, and orders of each */

/* A body, and when it was signed: seconds before the fixture's now. */
struct said {
        int ago_s;
        const char *body;
};

#define TRAINER(event, more) "{\"event_type\":\"" event "\",\"job_id\":\"" JOB "\"" more "}"
#define PROVIDER(status, more)                                                                     \
        "{\"id\":\"p1\",\"status\":\"" status "\",\"input\":{\"env\":{\"SIMPLETUNER_JOB_ID\":"     \
        "\"" JOB "\"}}" more "}"
#define STARTED ",\"started_at\":\"2024-01-15T10:00:03Z\""
#define ENDED   STARTED ",\"completed_at\":\"2024-01-15T10:20:00Z\""
#define TOOK(s) ",\"metrics\":{\"predict_time\":" s "}"

/* clang-format off */
static const struct said running[] = {
        { 1790, PROVIDER("starting", "") },
        { 1780, PROVIDER("processing", STARTED) },
        { 1770, PROVIDER("processing", STARTED ",\"logs\":\"x\",\"output\":\"https://x.example/part\"") },
        { 1760, TRAINER("training.status", ",\"status\":\"running\"") },
        { 1799, TRAINER("lifecycle.stage", ",\"status\":\"running\"") },
        { 1750, TRAINER("training.checkpoint", ",\"output\":\"https://x.example/step\"") },
        { 1740, TRAINER("lifecycle.stage", ",\"status\":\"queued\"") },
        { 1730, TRAINER("logs", ",\"logs\":\"x\"") },
        { 1720, PROVIDER("processing", TOOK("77.5")) },
};
static const struct said completed[] = {
        { 590, PROVIDER("succeeded", ENDED TOOK("1197.5") ",\"output\":\"https://x.example/b\"") },
        { 595, TRAINER("completed", ",\"output\":\"https://x.example/a\"") },
        { 580, TRAINER("completed", "") },
        { 570, PROVIDER("succeeded", TOOK("1198.5")) },
        { 597, TRAINER("training.status", ",\"status\":\"completed\"") },
};
static const struct said failed[] = {
        { 590, PROVIDER("failed", ENDED TOOK("1197.5") ",\"error\":\"exit status 1\"") },
        { 595, TRAINER("error", ",\"message\":\"CUDA out of memory\"") },
        { 580, TRAINER("failed", ",\"error\":\"CUDA runs out of it\"") },
        { 570, PROVIDER("aborted", "") },
        { 597, TRAINER("failed", "") },
};
static const struct said cancelled[] = {
        { 590, PROVIDER("canceled", ENDED TOOK("1197.5")) },
        { 595, TRAINER("canceled", "") },
        { 580, TRAINER("cancelled", ",\"message\":\"no\"") },
        { 570, PROVIDER("canceled", "") },
        { 597, TRAINER("lifecycle.stage", ",\"status\":\"cancelled\"") },
};
static const struct said *const endings[] = { completed, failed, cancelled };
/* clang-format on */

static void make_job(struct ctx *ctx)
{
        const struct job job = {
                .job_id = JOB,
                .provider = "replicate",
                .status = JOB_QUEUED,
                .hardware_profile = "h100",
                .metadata = "{}",
                .owner = "local",
                .attempt = 1,
                .price_usd_nanos_per_s = 1525000,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = FIXTURE_TIME_US - 1800 * US_PER_S,
        };

        assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, store_job_set_external_id(ctx, JOB, "p1"));
}

static void hear(struct ctx *ctx, const struct said *said)
{
        struct webhook_delivery delivery = {
                .delivery_id = "d1",
                .provider = "replicate",
                .received_at_us = FIXTURE_TIME_US,
                .verdict = "signed",
                .headers = arena_printf(ctx->arena, "{\"webhook-timestamp\":\"%" PRId64 "\"}",
                                        FIXTURE_TIME_US / US_PER_S - said->ago_s),
                .body = said->body,
        };
        struct webhook_effect effect;
        struct webhook_event event;

        assert_non_null(delivery.headers);
        assert_ok(ctx, webhook_news_read(ctx, &delivery, &event));
        assert_ok(ctx, webhook_news_apply(ctx, &delivery, &event, &effect));
}

/* Everything that is stored of the job and counted of it, as a text. */
static const char *portrait(struct ctx *ctx)
{
        struct job job;
        const char *text;

        assert_ok(ctx, store_job_get(ctx, JOB, &job));
        text = arena_printf(
                ctx->arena,
                "%s error=%s output=%s started=%" PRId64 " completed=%" PRId64 " cost=%" PRId64
                " poll=%" PRId64 " counts=%" PRId64 " hours=%" PRId64 "/%" PRId64 "/%" PRId64,
                job_status_name(job.status), job.error_message ? job.error_message : "none",
                job.output_url ? job.output_url : "none", job.started_at_us, job.completed_at_us,
                job.cost_usd_micros, job.poll_at_us,
                fixture_number(ctx, "SELECT SUM(jobs * CASE status WHEN 'queued' THEN 1 "
                                    "WHEN 'running' THEN 10 WHEN 'completed' THEN 100 "
                                    "WHEN 'failed' THEN 1000 WHEN 'cancelled' THEN 10000 "
                                    "ELSE 100000 END) FROM job_counts"),
                fixture_number(ctx, "SELECT SUM(jobs + completed * 10 + failed * 100 + "
                                    "cancelled * 1000) FROM job_hours"),
                fixture_number(ctx, "SELECT SUM(run_us) FROM job_hours"),
                fixture_number(ctx, "SELECT SUM(cost_usd_micros) FROM job_hours"));
        assert_non_null(text);
        return text;
}

/* The job after a list of news; nothing of it stays. */
static const char *end_of(struct ctx *ctx, const struct said *const *list, size_t count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        make_job(ctx);
        for (size_t i = 0; i < count; i++)
                hear(ctx, list[i]);
        return portrait(ctx);
}

static void assert_ends_as(struct ctx *ctx, const struct said *const *list, size_t count,
                           const char *expected)
{
        const char *end = end_of(ctx, list, count);

        if (strcmp(end, expected) == 0)
                return;
        for (size_t i = 0; i < count; i++)
                print_error("%zu. %s\n", i + 1, list[i]->body);
        assert_string_equal(end, expected);
}

static void swap(const struct said **list, size_t a, size_t b)
{
        const struct said *kept = list[a];

        list[a] = list[b];
        list[b] = kept;
}

/* Every order of list[at..count): Heap's exchange, undone after each. */
static void permute(struct ctx *ctx, const struct said **list, size_t at, size_t count,
                    const char *expected)
{
        if (at + 1 >= count)
                assert_ends_as(ctx, list, count, expected);
        for (size_t i = at; i < count && at + 1 < count; i++) {
                swap(list, at, i);
                permute(ctx, list, at + 1, count, expected);
                swap(list, at, i);
        }
}

static void assert_order_is_nothing(struct ctx *ctx, const struct said **list, size_t count)
{
        const char *expected = end_of(ctx, list, count);
        char kept[1024];

        assert_in_range(snprintf(kept, sizeof(kept), "%s", expected), 1, sizeof(kept) - 1);
        permute(ctx, list, 0, count, kept);
        arena_reset(ctx->arena);
}

static void the_objects_of_the_provider_may_come_in_any_order(void **state)
{
        const struct said *good[] = { &running[0], &running[1], &running[2], &completed[0] };
        const struct said *bad[] = { &running[0], &running[1], &failed[0], &failed[3] };
        const struct said *stopped[] = { &running[1], &running[2], &cancelled[0], &cancelled[3] };

        assert_order_is_nothing(*state, good, ARRAY_SIZE(good));
        assert_order_is_nothing(*state, bad, ARRAY_SIZE(bad));
        assert_order_is_nothing(*state, stopped, ARRAY_SIZE(stopped));
}

static void the_events_of_the_trainer_may_come_in_any_order(void **state)
{
        const struct said *good[] = { &running[3], &running[4], &running[5], &completed[1],
                                      &completed[4] };
        const struct said *bad[] = { &running[3], &running[7], &failed[1], &failed[2], &failed[4] };

        assert_order_is_nothing(*state, good, ARRAY_SIZE(good));
        assert_order_is_nothing(*state, bad, ARRAY_SIZE(bad));
}

static void news_of_both_may_come_mixed_and_repeated(void **state)
{
        const struct said *good[] = { &running[1], &running[4], &completed[0], &completed[1],
                                      &completed[0] };
        const struct said *late[] = { &running[3], &running[8], &completed[2], &completed[3],
                                      &running[3] };
        const struct said *bad[] = { &running[4], &failed[0], &failed[1], &failed[2], &failed[1] };

        assert_order_is_nothing(*state, good, ARRAY_SIZE(good));
        assert_order_is_nothing(*state, late, ARRAY_SIZE(late));
        assert_order_is_nothing(*state, bad, ARRAY_SIZE(bad));
}

/* Numbers that are the same in every run: xorshift, Marsaglia 2003. */
static unsigned random_below(uint32_t *seed, unsigned limit)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 17;
        *seed ^= *seed << 5;
        return *seed % limit;
}

static void long_lists_may_come_in_any_order(void **state)
{
        struct ctx *ctx = *state;
        uint32_t seed = 20240115;

        for (unsigned run = 0; run < RANDOM_RUN; run++) {
                const struct said *list[LIST_MAX], *ending = endings[run % ARRAY_SIZE(endings)];
                size_t count = 6 + random_below(&seed, LIST_MAX - 6);
                char expected[1024];

                for (size_t i = 0; i < count; i++)
                        list[i] = random_below(&seed, 2)
                                          ? &running[random_below(&seed, ARRAY_SIZE(running))]
                                          : &ending[random_below(&seed, ARRAY_SIZE(completed))];
                snprintf(expected, sizeof(expected), "%s", end_of(ctx, list, count));
                for (unsigned order = 0; order < RANDOM_RUN; order++) {
                        for (size_t i = count - 1; i > 0; i--)
                                swap(list, i, random_below(&seed, (unsigned)i + 1));
                        assert_ends_as(ctx, list, count, expected);
                }
                arena_reset(ctx->arena);
        }
}

static void of_contradictory_ends_the_first_stays(void **state)
{
        static const struct said *const ends[] = { &completed[0], &failed[0], &cancelled[0] };
        static const char *const words[] = { "completed ", "failed ", "cancelled " };

        for (size_t first = 0; first < ARRAY_SIZE(ends); first++) {
                for (size_t second = 0; second < ARRAY_SIZE(ends); second++) {
                        const struct said *list[] = { &running[1], ends[first], ends[second],
                                                      &running[4] };
                        const char *alone = end_of(*state, list, 2);
                        const char *end = end_of(*state, list, 3);

                        assert_memory_equal(alone, words[first], strlen(words[first]));
                        assert_string_equal(end, alone);
                        end = end_of(*state, list, 4);
                        assert_memory_equal(end, words[first], strlen(words[first]));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_objects_of_the_provider_may_come_in_any_order),
                FIXTURE_CLOUD_TEST(the_events_of_the_trainer_may_come_in_any_order),
                FIXTURE_CLOUD_TEST(news_of_both_may_come_mixed_and_repeated),
                FIXTURE_CLOUD_TEST(long_lists_may_come_in_any_order),
                FIXTURE_CLOUD_TEST(of_contradictory_ends_the_first_stays),
        };

        return FIXTURE_RUN("webhook order", tests);
}
