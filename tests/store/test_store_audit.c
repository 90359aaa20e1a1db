#include <stdio.h>
#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/audit/audit_types.h"
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

/* Rows that differ in all that can be asked for. */
static void fill_mixed(struct ctx *ctx)
{
        static const char *const types[] = { "job.submitted", "job.cancelled", "quota.changed" };
        static const char *const actors[] = { "ann", "bob" };
        static const char *const targets[] = { "1", "2", NULL, "3", "2" };

        for (unsigned i = 0; i < 60; i++) {
                ctx->actor.user_id = i % 4;
                add(ctx, actors[i % 2], types[i % 3], targets[i % 5]);
                fixture_advance_us(ctx, i % 7 == 3 ? -3 * US_PER_S : US_PER_S);
        }
}

struct ids {
        int64_t ids[80];
        unsigned count;
};

static void add_id(void *arg, const struct audit_row *row)
{
        struct ids *ids = arg;

        assert_in_range(ids->count, 0, 79);
        ids->ids[ids->count++] = row->audit_id;
}

/* All that matches, in pages of 7: by offset, and by the last number. */
static struct ids list_all(struct ctx *ctx, struct audit_filter filter, bool by_offset)
{
        struct ids all = { 0 };
        unsigned before;
        int64_t total;

        filter.limit = 7;
        do {
                before = all.count;
                if (by_offset)
                        filter.offset = before;
                else
                        filter.before_id = before > 0 ? all.ids[before - 1] : 0;
                assert_ok(ctx, audit_list(ctx, &filter, add_id, &all, &total));
        } while (all.count > before);
        assert_int_equal(total, all.count);
        return all;
}

static void assert_same(struct ids a, struct ids b)
{
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.ids, b.ids, a.count * sizeof(a.ids[0]));
}

/* Each condition has statements of its own for when it is alone; they must agree with those for
 * when there are several. */
static void a_condition_means_the_same_alone_and_with_others(void **state)
{
        const struct audit_filter filters[] = {
                { .actor = "ann" },
                { .actor_id = 2 },
                { .target_type = "job" },
                { .target_id = "2" },
                { .types = { "job.submitted" } },
                { .types = { "quota.changed", "job.cancelled" } },
                { .since_us = FIXTURE_TIME_US + 5 * US_PER_S },
                { .until_us = FIXTURE_TIME_US + 9 * US_PER_S },
                { .since_us = FIXTURE_TIME_US + 4 * US_PER_S,
                  .until_us = FIXTURE_TIME_US + 12 * US_PER_S },
        };
        struct ctx *ctx = *state;

        fill_mixed(ctx);
        for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
                struct audit_filter with_others = filters[i];
                struct ids alone = list_all(ctx, filters[i], true);

                if (with_others.since_us || with_others.until_us)
                        assert_ok(ctx, audit_types_parse(
                                               ctx, "job.submitted,job.cancelled,quota.changed",
                                               &with_others));
                else
                        with_others.since_us = 1;
                assert_in_range(alone.count, 8, 59);
                assert_same(alone, list_all(ctx, filters[i], false));
                assert_same(alone, list_all(ctx, with_others, true));
                assert_same(alone, list_all(ctx, with_others, false));
                for (unsigned n = 1; n < alone.count; n++)
                        assert_true(alone.ids[n - 1] > alone.ids[n]);
        }
}

static void conditions_narrow_each_other(void **state)
{
        struct ctx *ctx = *state;
        struct audit_filter filter = { .actor = "ann", .target_id = "2" };

        fill_mixed(ctx);
        assert_int_equal(list_all(ctx, filter, true).count, 12);
        filter.types[0] = "job.submitted";
        assert_int_equal(list_all(ctx, filter, true).count, 4);
        filter.actor_id = 2;
        assert_int_equal(list_all(ctx, filter, true).count, 2);
        filter.target_type = "user";
        assert_int_equal(list_all(ctx, filter, true).count, 0);
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
                FIXTURE_DB_TEST(a_condition_means_the_same_alone_and_with_others),
                FIXTURE_DB_TEST(conditions_narrow_each_other),
                FIXTURE_DB_TEST(a_name_without_a_dot_is_one_of_security),
                FIXTURE_DB_TEST(recent_rows_are_counted_by_type_source_and_time),
        };

        return FIXTURE_RUN("store audit", tests);
}
