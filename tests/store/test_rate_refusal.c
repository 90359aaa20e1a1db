#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/limits/rate_refusal.h"
#include "core/db/db.h"
#include "tests/fixture_db.h"

#define MINUTE_US (60 * US_PER_S)

static void refuse(struct ctx *ctx, const char *client, const char *rule, unsigned times)
{
        struct rate_refusal refusal = { .rule = rule,
                                        .endpoint = "/api/auth/login",
                                        .method = "POST",
                                        .user_agent = "curl/8 \xff" };

        assert_true(ipaddr_parse(client, strlen(client), &refusal.client));
        while (times-- > 0)
                rate_refusal_note(ctx, &refusal);
}

/* What the background thread does, until nothing is due. */
static unsigned write_all(struct ctx *ctx)
{
        unsigned rows = 0;
        bool more = true;

        while (more) {
                assert_ok(ctx, rate_refusal_write(ctx, &more));
                rows += more;
        }
        return rows;
}

struct found {
        unsigned rows;
        int64_t refused;
        char actor_ip[64], actor[32], target_id[64], details[512];
};

static void add_row(void *arg, const struct audit_row *row)
{
        const char *refused = strstr(row->details, "\"refused\":");
        struct found *found = arg;

        found->rows++;
        found->refused += refused ? strtoll(refused + strlen("\"refused\":"), NULL, 10) : 0;
        snprintf(found->actor_ip, sizeof(found->actor_ip), "%s", row->actor_ip);
        snprintf(found->actor, sizeof(found->actor), "%s", row->actor);
        snprintf(found->target_id, sizeof(found->target_id), "%s", row->target_id);
        snprintf(found->details, sizeof(found->details), "%s", row->details);
}

static struct found find(struct ctx *ctx)
{
        const struct audit_filter filter = { .types = { "security.rate_limited" }, .limit = 500 };
        struct found found = { 0 };
        int64_t total;

        assert_ok(ctx, audit_list(ctx, &filter, add_row, &found, &total));
        return found;
}

static void the_first_refusal_is_written_at_once(void **state)
{
        struct ctx *ctx = *state;
        struct found found;

        refuse(ctx, "203.0.113.7", "login", 1);
        assert_int_equal(write_all(ctx), 1);
        found = find(ctx);
        assert_int_equal(found.rows, 1);
        assert_string_equal(found.actor, "anonymous");
        assert_string_equal(found.actor_ip, "203.0.113.7");
        assert_string_equal(found.target_id, "/api/auth/login");
        assert_string_equal(found.details,
                            "{\"client\":\"203.0.113.7\",\"method\":\"POST\",\"refused\":1,"
                            "\"rule\":\"login\",\"user_agent\":\"curl/8 ?\"}");
}

static void a_thousand_refusals_are_two_rows_that_have_the_number(void **state)
{
        struct ctx *ctx = *state;

        refuse(ctx, "203.0.113.7", "login", 1);
        write_all(ctx);
        refuse(ctx, "203.0.113.7", "login", 999);
        assert_int_equal(write_all(ctx), 0);
        fixture_advance_us(ctx, MINUTE_US);
        assert_int_equal(write_all(ctx), 1);
        assert_int_equal(find(ctx).rows, 2);
        assert_int_equal(find(ctx).refused, 1000);
}

static void an_attack_is_one_row_a_minute(void **state)
{
        struct ctx *ctx = *state;

        for (int minute = 0; minute < 5; minute++) {
                for (int second = 0; second < 60; second++) {
                        refuse(ctx, "203.0.113.7", "login", 10);
                        write_all(ctx);
                        fixture_advance_us(ctx, US_PER_S);
                }
        }
        write_all(ctx);
        assert_in_range(find(ctx).rows, 5, 6);
        assert_int_equal(find(ctx).refused, 3000);
        fixture_advance_us(ctx, 2 * MINUTE_US);
        assert_int_equal(write_all(ctx), 0);
        refuse(ctx, "203.0.113.7", "login", 1);
        assert_int_equal(write_all(ctx), 1); /* a new one, at once */
}

static void each_rule_and_each_client_has_rows_of_its_own(void **state)
{
        struct ctx *ctx = *state;

        refuse(ctx, "203.0.113.7", "login", 3);
        refuse(ctx, "203.0.113.7", "default", 3);
        refuse(ctx, "203.0.113.8", "login", 3);
        refuse(ctx, "2001:db8::1", "login", 3);
        refuse(ctx, "2001:db8::2", "login", 3); /* the same /64 */
        assert_int_equal(write_all(ctx), 4);
        assert_int_equal(find(ctx).refused, 15);
}

static void more_clients_than_there_is_room_for_are_counted_together(void **state)
{
        struct ctx *ctx = *state;
        char client[32];

        for (int i = 0; i < 600; i++) {
                snprintf(client, sizeof(client), "198.51.%d.%d", i / 200, i % 200);
                refuse(ctx, client, "login", 2);
        }
        assert_int_equal(write_all(ctx), 513);
        assert_int_equal(find(ctx).rows, 100); /* that many a minute, whoever they are */
}

static bool refuse_often(struct ctx *ctx, unsigned index, void *arg)
{
        struct rate_refusal refusal = { .rule = "login", .endpoint = "/x", .method = "POST" };

        (void)index;
        (void)arg;
        if (!ipaddr_parse("203.0.113.7", 11, &refusal.client))
                return false;
        for (int i = 0; i < 1000; i++)
                rate_refusal_note(ctx, &refusal);
        return true;
}

static void threads_lose_none(void **state)
{
        struct ctx *ctx = *state;

        fixture_threads(ctx, 4, refuse_often, NULL);
        write_all(ctx);
        assert_int_equal(find(ctx).rows, 1);
        assert_int_equal(find(ctx).refused, 4000);
}

static void what_cannot_be_written_is_written_later(void **state)
{
        struct ctx *ctx = *state;
        bool more;

        refuse(ctx, "203.0.113.7", "login", 5);
        fixture_sql(ctx, "ALTER TABLE audit_log RENAME TO audit_log_away");
        assert_int_not_equal(rate_refusal_write(ctx, &more), OK);
        fixture_sql(ctx, "ALTER TABLE audit_log_away RENAME TO audit_log");
        refuse(ctx, "203.0.113.7", "login", 2);
        fixture_advance_us(ctx, 10 * US_PER_S);
        assert_int_equal(write_all(ctx), 1);
        assert_int_equal(find(ctx).refused, 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_first_refusal_is_written_at_once),
                FIXTURE_CLOUD_TEST(a_thousand_refusals_are_two_rows_that_have_the_number),
                FIXTURE_CLOUD_TEST(an_attack_is_one_row_a_minute),
                FIXTURE_CLOUD_TEST(each_rule_and_each_client_has_rows_of_its_own),
                FIXTURE_CLOUD_TEST(more_clients_than_there_is_room_for_are_counted_together),
                FIXTURE_CLOUD_TEST(threads_lose_none),
                FIXTURE_CLOUD_TEST(what_cannot_be_written_is_written_later),
        };

        return FIXTURE_RUN("rate refusals", tests);
}
