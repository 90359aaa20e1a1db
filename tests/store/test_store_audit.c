#include <stdio.h>
#include <string.h>

#include "core/cloud/audit.h"
#include "core/cloud/audit_types.h"
#include "tests/fixture_db.h"

/* Write one row as an actor of this name. */
static void add(struct ctx *ctx, const char *actor, const char *event_type, const char *target_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_entry entry = {
                .event_type = event_type,
                .target_type = target_id ? "job" : NULL,
                .target_id = target_id,
                .action = "Something was done",
        };

        ctx->actor.name = actor;
        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, audit_add(ctx, &entry));
        assert_ok(ctx, db_commit(&tx));
}

/* Five rows, a second apart, numbered from 1. */
static void fill(struct ctx *ctx)
{
        snprintf(ctx->client, sizeof(ctx->client), "203.0.113.9");
        add(ctx, "ann", "job.submitted", "j1");
        fixture_advance_us(ctx, US_PER_S);
        add(ctx, "bob", "job.submitted", "j2");
        fixture_advance_us(ctx, US_PER_S);
        add(ctx, "ann", "job.cancelled", "j1");
        fixture_advance_us(ctx, US_PER_S);
        add(ctx, "bob", "security.webhook_rejected", NULL);
        fixture_advance_us(ctx, US_PER_S);
        add(ctx, "bob", "security.webhook_rejected", NULL);
}

static void add_number(void *arg, const struct audit_row *row)
{
        char *seen = arg;
        size_t len = strlen(seen);

        snprintf(seen + len, 64 - len, "%d", (int)row->audit_id);
}

/* The rows of a filter, by their numbers, and how many there are in all. */
static void assert_lists(struct ctx *ctx, struct audit_filter filter, const char *rows,
                         int64_t total)
{
        char seen[64] = "";
        int64_t counted = -1;

        filter.limit = filter.limit ? filter.limit : 10;
        assert_ok(ctx, audit_list(ctx, &filter, add_number, seen, &counted));
        assert_string_equal(seen, rows);
        assert_int_equal(counted, total);
}

static void the_log_is_listed_newest_first(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        assert_lists(ctx, (struct audit_filter){ 0 }, "54321", 5);
        assert_lists(ctx, (struct audit_filter){ .limit = 2 }, "54", 5);
        assert_lists(ctx, (struct audit_filter){ .limit = 2, .offset = 3 }, "21", 5);
        assert_lists(ctx, (struct audit_filter){ .limit = 2, .before_id = 4 }, "32", 5);
}

static void each_filter_narrows_the_list_and_the_total(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        assert_lists(ctx, (struct audit_filter){ .types = { "job.submitted" } }, "21", 2);
        assert_lists(ctx, (struct audit_filter){ .actor = "ann" }, "31", 2);
        assert_lists(ctx, (struct audit_filter){ .actor = "ann", .types = { "job.submitted" } },
                     "1", 1);
        assert_lists(ctx, (struct audit_filter){ .target_type = "job" }, "321", 3);
        assert_lists(ctx, (struct audit_filter){ .target_type = "job", .target_id = "j1" }, "31",
                     2);
        assert_lists(ctx, (struct audit_filter){ .target_id = "j3" }, "", 0);
        assert_lists(ctx, (struct audit_filter){ .since_us = FIXTURE_TIME_US + 3 * US_PER_S }, "54",
                     2);
        assert_lists(ctx, (struct audit_filter){ .until_us = FIXTURE_TIME_US + US_PER_S }, "21", 2);
        assert_lists(ctx,
                     (struct audit_filter){ .types = { "security.webhook_rejected" },
                                            .since_us = FIXTURE_TIME_US + 4 * US_PER_S },
                     "5", 1);
}

static void a_name_without_a_dot_is_one_of_security(void **state)
{
        struct ctx *ctx = *state;
        struct audit_filter filter = { 0 };

        fill(ctx);
        assert_ok(ctx, audit_types_parse(ctx, "webhook_rejected,job.cancelled", &filter));
        assert_lists(ctx, filter, "543", 3);
        filter = (struct audit_filter){ 0 };
        assert_ok(ctx, audit_types_parse(ctx, "submitted", &filter));
        assert_lists(ctx, filter, "", 0);
        assert_rc(ctx, ERR_INVALID, audit_types_parse(ctx, "a,,b", &filter));
        assert_rc(ctx, ERR_INVALID, audit_types_parse(ctx, "a,b,c,d,e,f,g,h,i", &filter));
}

static int64_t recent(struct ctx *ctx, const char *actor_ip, int64_t since_us)
{
        const struct audit_row like = { .event_type = "security.webhook_rejected",
                                        .actor_ip = actor_ip };
        int64_t count = -1;

        assert_ok(ctx, store_audit_recent(ctx, &like, since_us, &count));
        return count;
}

static void recent_rows_are_counted_by_type_source_and_time(void **state)
{
        struct ctx *ctx = *state;

        fill(ctx);
        assert_int_equal(recent(ctx, "203.0.113.9", FIXTURE_TIME_US), 2);
        assert_int_equal(recent(ctx, "203.0.113.8", FIXTURE_TIME_US), 0);
        assert_int_equal(recent(ctx, NULL, FIXTURE_TIME_US), 2);
        assert_int_equal(recent(ctx, NULL, FIXTURE_TIME_US + 3 * US_PER_S), 1);
        assert_int_equal(recent(ctx, "203.0.113.9", FIXTURE_TIME_US + 4 * US_PER_S), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(the_log_is_listed_newest_first),
                FIXTURE_DB_TEST(each_filter_narrows_the_list_and_the_total),
                FIXTURE_DB_TEST(a_name_without_a_dot_is_one_of_security),
                FIXTURE_DB_TEST(recent_rows_are_counted_by_type_source_and_time),
        };

        return FIXTURE_RUN("store audit", tests);
}
