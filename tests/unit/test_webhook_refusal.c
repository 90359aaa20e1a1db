#include <stdio.h>
#include <string.h>

#include "core/cloud/audit/audit.h"
#include "core/cloud/webhook/webhook_refusal.h"
#include "tests/fixture_db.h"

#define MINUTE_US (60 * US_PER_S)

static void refuse(struct ctx *ctx, const char *client, enum webhook_verdict verdict)
{
        struct webhook_refusal refusal = { .provider_id = "replicate", .verdict = verdict };

        assert_true(ipaddr_parse(client, strlen(client), &refusal.client));
        assert_ok(ctx, webhook_refusal_record(ctx, &refusal));
}

static void refuse_often(struct ctx *ctx, const char *client, unsigned times)
{
        for (unsigned i = 0; i < times; i++)
                refuse(ctx, client, WEBHOOK_NO_MATCH);
}

static int64_t written(struct ctx *ctx)
{
        return fixture_number(ctx, "SELECT COUNT(*) FROM audit_log "
                                   "WHERE event_type = 'security.webhook_rejected'");
}

struct newest {
        char actor_ip[64], details[256];
};

static void keep(void *arg, const struct audit_row *row)
{
        struct newest *newest = arg;

        snprintf(newest->actor_ip, sizeof(newest->actor_ip), "%s", row->actor_ip);
        snprintf(newest->details, sizeof(newest->details), "%s", row->details);
}

static struct newest newest(struct ctx *ctx)
{
        const struct audit_filter filter = { .types = { "security.webhook_rejected" }, .limit = 1 };
        struct newest read = { .actor_ip = "" };
        int64_t total;

        assert_ok(ctx, audit_list(ctx, &filter, keep, &read, &total));
        return read;
}

static void the_audit_log_has_the_reason(void **state)
{
        static const struct {
                enum webhook_verdict verdict;
                const char *details;
        } cases[] = {
                { WEBHOOK_IP_DENIED, "{\"client\":\"203.0.113.9\",\"reason\":\"ip_denied\"}" },
                { WEBHOOK_MISSING_HEADER,
                  "{\"client\":\"203.0.113.9\",\"reason\":\"missing_header\"}" },
                { WEBHOOK_BAD_SECRET_FORMAT,
                  "{\"client\":\"203.0.113.9\",\"reason\":\"bad_secret_format\"}" },
                { WEBHOOK_STALE, "{\"client\":\"203.0.113.9\",\"reason\":\"stale\"}" },
                { WEBHOOK_NO_MATCH, "{\"client\":\"203.0.113.9\",\"reason\":\"no_match\"}" },
        };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                refuse(ctx, "203.0.113.9", cases[i].verdict);
                assert_string_equal(newest(ctx).details, cases[i].details);
                assert_string_equal(newest(ctx).actor_ip, "203.0.113.9");
        }
}

static void one_source_writes_five_rows_a_minute(void **state)
{
        struct ctx *ctx = *state;

        refuse_often(ctx, "203.0.113.9", 9);
        assert_int_equal(written(ctx), 5);
        refuse_often(ctx, "203.0.113.8", 1);
        assert_int_equal(written(ctx), 6);
        fixture_advance_us(ctx, MINUTE_US - 1);
        refuse_often(ctx, "203.0.113.9", 1);
        assert_int_equal(written(ctx), 6);
        fixture_advance_us(ctx, 1);
        refuse_often(ctx, "203.0.113.9", 9);
        assert_int_equal(written(ctx), 11);
}

static void a_network_of_version_6_is_one_source(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned i = 1; i < 10; i++)
                refuse(ctx, arena_printf(ctx->arena, "2001:db8:0:7::%u", i), WEBHOOK_NO_MATCH);
        assert_int_equal(written(ctx), 5);
        assert_string_equal(newest(ctx).actor_ip, "2001:db8:0:7::/64");
        assert_non_null(strstr(newest(ctx).details, "\"client\":\"2001:db8:0:7::5\""));
        refuse(ctx, "2001:db8:0:8::1", WEBHOOK_NO_MATCH);
        assert_int_equal(written(ctx), 6);
}

static void all_sources_together_write_a_hundred_rows_a_minute(void **state)
{
        struct ctx *ctx = *state;

        for (unsigned i = 0; i < 120; i++)
                refuse(ctx, arena_printf(ctx->arena, "203.0.113.%u", i), WEBHOOK_NO_MATCH);
        assert_int_equal(written(ctx), 100);
        fixture_advance_us(ctx, MINUTE_US);
        refuse(ctx, "203.0.113.1", WEBHOOK_NO_MATCH);
        assert_int_equal(written(ctx), 101);
}

static void the_first_row_after_a_gap_says_how_many_are_missing(void **state)
{
        struct ctx *ctx = *state;

        refuse_often(ctx, "203.0.113.9", 12);
        assert_null(strstr(newest(ctx).details, "not_written_before"));
        fixture_advance_us(ctx, MINUTE_US);
        refuse_often(ctx, "203.0.113.9", 1);
        assert_non_null(strstr(newest(ctx).details, "\"not_written_before\":7"));
        refuse_often(ctx, "203.0.113.9", 1);
        assert_null(strstr(newest(ctx).details, "not_written_before"));
}

static bool refuse_once(struct ctx *ctx, unsigned index, void *arg)
{
        const struct webhook_refusal refusal = {
                .provider_id = "replicate",
                .client = { .family = 4, .bytes = { 203, 0, 113, 9 } },
                .verdict = WEBHOOK_NO_MATCH,
        };

        (void)index;
        (void)arg;
        return webhook_refusal_record(ctx, &refusal) == OK;
}

static void callers_at_once_do_not_pass_the_bound_together(void **state)
{
        fixture_strangers(*state, 16, refuse_once, NULL);
        assert_int_equal(written(*state), 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_audit_log_has_the_reason),
                FIXTURE_CLOUD_TEST(one_source_writes_five_rows_a_minute),
                FIXTURE_CLOUD_TEST(a_network_of_version_6_is_one_source),
                FIXTURE_CLOUD_TEST(all_sources_together_write_a_hundred_rows_a_minute),
                FIXTURE_CLOUD_TEST(the_first_row_after_a_gap_says_how_many_are_missing),
                FIXTURE_CLOUD_TEST(callers_at_once_do_not_pass_the_bound_together),
        };

        return FIXTURE_RUN("webhook refusal", tests);
}
