#include <stdatomic.h>
#include <string.h>

#include "core/store/store_archives.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

#define JOBS      40
#define STRANGERS 8
#define CLAIM_US  (300 * US_PER_S)

static const char *job_id(struct ctx *ctx, unsigned n)
{
        const char *id = arena_printf(ctx->arena, "01hm3v0000000000000000%04u", n);

        assert_non_null(id);
        return id;
}

/* A job with a provider's id, or none, that has a status. */
static const char *make_job(struct ctx *ctx, unsigned n, const char *external_id,
                            enum job_status status)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = {
                .job_id = job_id(ctx, n),
                .provider = "replicate",
                .external_id = external_id,
                .status = JOB_PENDING,
                .metadata = "{}",
                .owner = "somebody",
                .attempt = 1,
                .cost_usd_micros = JOB_COST_UNKNOWN,
                .created_at_us = FIXTURE_TIME_US,
        };
        const struct job_news news = { .status = status, .cost_usd_micros = JOB_COST_UNKNOWN };
        bool moved;

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
        if (external_id)
                assert_ok(ctx, store_job_set_external_id(ctx, job.job_id, external_id));
        if (status != JOB_PENDING)
                assert_ok(ctx, store_job_apply(ctx, &job, &news, &moved, NULL));
        assert_ok(ctx, db_commit(&tx));
        return job.job_id;
}

/* Run one statement of the store in a transaction of its own. */
#define IN_TX(ctx, call)                                                                           \
        do {                                                                                       \
                CLEANUP(db_rollback_unless_committed) struct db_tx tx_ = { 0 };                    \
                                                                                                   \
                assert_ok((ctx), db_begin((ctx), &tx_));                                           \
                assert_ok((ctx), (call));                                                          \
                assert_ok((ctx), db_commit(&tx_));                                                 \
        } while (0)

/* An ended job whose results wait. */
static const char *make_waiting(struct ctx *ctx, unsigned n)
{
        const char *id = make_job(ctx, n, arena_printf(ctx->arena, "p%u", n), JOB_COMPLETED);

        IN_TX(ctx, store_archive_insert(ctx, id));
        return id;
}

static struct archive read_row(struct ctx *ctx, const char *id)
{
        struct archive archive;

        assert_ok(ctx, store_archive_get(ctx, id, &archive));
        return archive;
}

static struct due due_at(int64_t now_us)
{
        return (struct due){ now_us, now_us + 1200 * US_PER_S };
}

/* ERR_NOT_FOUND: none is due. */
static enum err claim_one(struct ctx *ctx, int64_t now_us, struct archive_claim *ret)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct due due = due_at(now_us);
        enum err rc;

        ret->until_us = now_us + CLAIM_US;
        rc = store_archive_next(ctx, &due, &ret->job_id);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK) {
                rc = store_archive_claim(ctx, &due, ret);
                if (rc == ERR_NOT_FOUND)
                        return ERR_CONFLICT;
        }
        return rc == OK ? db_commit(&tx) : rc;
}

static void only_a_job_that_ended_at_a_provider_has_results(void **state)
{
        struct ctx *ctx = *state;
        const char *ended = make_job(ctx, 1, "p1", JOB_FAILED);
        const char *active = make_job(ctx, 2, "p2", JOB_RUNNING);
        const char *stranger = make_job(ctx, 3, NULL, JOB_FAILED);
        struct archive archive;

        IN_TX(ctx, store_archive_insert(ctx, ended));
        IN_TX(ctx, store_archive_insert(ctx, active));
        IN_TX(ctx, store_archive_insert(ctx, stranger));
        assert_true(read_row(ctx, ended).state == ARCHIVE_WAITING);
        assert_true(read_row(ctx, ended).run_at_us == FIXTURE_TIME_US);
        assert_rc(ctx, ERR_NOT_FOUND, store_archive_get(ctx, active, &archive));
        assert_rc(ctx, ERR_NOT_FOUND, store_archive_get(ctx, stranger, &archive));
}

static void late_news_do_not_begin_it_again(void **state)
{
        struct ctx *ctx = *state;
        const char *id = make_waiting(ctx, 1);
        const struct archive done = { .state = ARCHIVE_DONE,
                                      .attempts = 1,
                                      .files = 3,
                                      .bytes = 30,
                                      .finished_at_us = FIXTURE_TIME_US + 5 };
        struct archive_claim claim;

        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US, &claim));
        assert_string_equal(claim.job_id, id);
        assert_int_equal(claim.attempt, 1);
        IN_TX(ctx, store_archive_settle(ctx, &claim, &done));
        IN_TX(ctx, store_archive_insert(ctx, id));
        assert_true(read_row(ctx, id).state == ARCHIVE_DONE);
        assert_true(read_row(ctx, id).run_at_us == 0 && read_row(ctx, id).files == 3);
        assert_rc(ctx, ERR_NOT_FOUND, claim_one(ctx, FIXTURE_TIME_US + US_PER_DAY, &claim));

        IN_TX(ctx, store_archive_again(ctx, id));
        assert_true(read_row(ctx, id).state == ARCHIVE_WAITING);
        assert_true(read_row(ctx, id).attempts == 0 && !read_row(ctx, id).finished_at_us);
        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US, &claim));
}

static void a_claim_holds_until_it_runs_out(void **state)
{
        struct ctx *ctx = *state;
        struct archive_claim first, second;

        make_waiting(ctx, 1);
        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US, &first));
        assert_rc(ctx, ERR_NOT_FOUND, claim_one(ctx, first.until_us - 1, &second));
        /* A clock that is a little behind does not take it for one of another time. */
        assert_rc(ctx, ERR_NOT_FOUND, claim_one(ctx, FIXTURE_TIME_US - 600 * US_PER_S, &second));
        assert_ok(ctx, claim_one(ctx, first.until_us, &second));
        assert_int_equal(second.attempt, 2);
}

static void who_lost_a_claim_can_neither_renew_nor_settle(void **state)
{
        struct ctx *ctx = *state;
        const char *id = make_waiting(ctx, 1);
        const struct archive done = { .state = ARCHIVE_DONE, .attempts = 1 };
        struct archive_claim first, second;

        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US, &first));
        IN_TX(ctx, store_archive_renew(ctx, &first, first.until_us + 1));
        first.until_us++;
        assert_ok(ctx, claim_one(ctx, first.until_us, &second));
        {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_rc(ctx, ERR_NOT_FOUND, store_archive_renew(ctx, &first, 1));
        }
        IN_TX(ctx, store_archive_settle(ctx, &first, &done));
        assert_true(read_row(ctx, id).state == ARCHIVE_WAITING);
        IN_TX(ctx, store_archive_settle(ctx, &second, &done));
        assert_true(read_row(ctx, id).state == ARCHIVE_DONE);
}

static void a_clock_that_was_set_back_stops_nothing(void **state)
{
        struct ctx *ctx = *state;
        struct archive_claim claim;

        make_waiting(ctx, 1);
        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US, &claim)); /* and its holder dies */
        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US - US_PER_DAY, &claim));
        assert_int_equal(claim.attempt, 2);
}

static void the_longest_waiting_comes_first(void **state)
{
        struct ctx *ctx = *state;
        const char *later, *first;
        struct archive_claim claim;

        fixture_advance_us(ctx, 10);
        later = make_waiting(ctx, 1);
        fixture_advance_us(ctx, -5);
        first = make_waiting(ctx, 2);
        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US + 20, &claim));
        assert_string_equal(claim.job_id, first);
        assert_ok(ctx, claim_one(ctx, FIXTURE_TIME_US + 20, &claim));
        assert_string_equal(claim.job_id, later);
}

static bool claim_all(struct ctx *ctx, unsigned index, void *arg)
{
        atomic_uint *claimed = arg;
        struct archive_claim claim;
        enum err rc;

        do {
                /* No two clocks are alike. */
                rc = claim_one(ctx, FIXTURE_TIME_US + (int64_t)index * 1000, &claim);
                if (rc == OK)
                        atomic_fetch_add(claimed, 1);
        } while (rc == OK || rc == ERR_CONFLICT);
        return rc == ERR_NOT_FOUND;
}

static void strangers_at_once_claim_each_job_once(void **state)
{
        struct ctx *ctx = *state;
        atomic_uint claimed = 0;

        for (unsigned i = 0; i < JOBS; i++)
                make_waiting(ctx, i);
        fixture_strangers(ctx, STRANGERS, claim_all, &claimed);
        assert_int_equal(claimed, JOBS);
        for (unsigned i = 0; i < JOBS; i++)
                assert_int_equal(read_row(ctx, job_id(ctx, i)).attempts, 1);
}

static struct archive_file only_file(struct ctx *ctx, const char *id)
{
        struct archive_file *files;
        size_t count;

        assert_ok(ctx, store_archive_files(ctx, id, 10, &files, &count));
        assert_int_equal(count, 1);
        return files[0];
}

static void a_file_is_remembered_while_its_url_is_the_same(void **state)
{
        struct ctx *ctx = *state;
        const char *id = make_waiting(ctx, 1);
        struct archive_file file;

        IN_TX(ctx, store_archive_file_add(ctx, id, "archive/outputs/a", "https://x/a"));
        file = only_file(ctx, id);
        assert_null(file.etag);
        assert_false(file.done);
        file.etag = "\"1\"";
        file.size_bytes = 7;
        file.sha256 = "e3b0c442";
        file.done = true;
        IN_TX(ctx, store_archive_file_update(ctx, id, &file));
        IN_TX(ctx, store_archive_file_add(ctx, id, "archive/outputs/a", "https://x/a"));
        file = only_file(ctx, id);
        assert_string_equal(file.key, "archive/outputs/a");
        assert_string_equal(file.etag, "\"1\"");
        assert_string_equal(file.sha256, "e3b0c442");
        assert_true(file.done && file.size_bytes == 7);

        IN_TX(ctx, store_archive_file_add(ctx, id, "archive/outputs/a", "https://x/b"));
        file = only_file(ctx, id);
        assert_string_equal(file.url, "https://x/b");
        assert_null(file.etag);
        assert_false(file.done);
}

static void an_archive_goes_with_its_files(void **state)
{
        struct ctx *ctx = *state;
        const char *id = make_waiting(ctx, 1);
        struct archive_file *files;
        struct archive archive;
        size_t count;

        IN_TX(ctx, store_archive_file_add(ctx, id, "archive/outputs/a", "https://x/a"));
        IN_TX(ctx, store_archive_delete(ctx, id));
        assert_rc(ctx, ERR_NOT_FOUND, store_archive_get(ctx, id, &archive));
        assert_ok(ctx, store_archive_files(ctx, id, 10, &files, &count));
        assert_int_equal(count, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(only_a_job_that_ended_at_a_provider_has_results),
                FIXTURE_DB_TEST(late_news_do_not_begin_it_again),
                FIXTURE_DB_TEST(a_claim_holds_until_it_runs_out),
                FIXTURE_DB_TEST(who_lost_a_claim_can_neither_renew_nor_settle),
                FIXTURE_DB_TEST(a_clock_that_was_set_back_stops_nothing),
                FIXTURE_DB_TEST(the_longest_waiting_comes_first),
                FIXTURE_DB_TEST(strangers_at_once_claim_each_job_once),
                FIXTURE_DB_TEST(a_file_is_remembered_while_its_url_is_the_same),
                FIXTURE_DB_TEST(an_archive_goes_with_its_files),
        };

        return FIXTURE_RUN("store archives", tests);
}
