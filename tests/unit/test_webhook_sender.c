#include <string.h>

#include "core/cloud/webhook/webhook_keys.h"
#include "core/cloud/webhook/webhook_sender.h"
#include "tests/fixture.h"

#define FIRST  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECOND "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

static const char *value_of(const char *line, const char *name)
{
        size_t len = strlen(name);

        assert_memory_equal(line, name, len);
        return line + len;
}

static void what_we_sign_verifies_under_each_secret(void **state)
{
        static const char body[] = "{\"a\":1}";
        const char *lines[WEBHOOK_SIGN_LINES];
        struct webhook_headers headers;
        struct ctx *ctx = *state;

        assert_int_equal(webhook_sign(ctx, "v1," FIRST " " SECOND,
                                      (struct crypto_bytes){ body, strlen(body) }, lines),
                         OK);
        headers = (struct webhook_headers){
                .id = value_of(lines[0], "webhook-id: "),
                .timestamp = value_of(lines[1], "webhook-timestamp: "),
                .signature = value_of(lines[2], "webhook-signature: "),
        };
        assert_true(webhook_signature_matches(&headers, body, strlen(body), FIRST));
        assert_true(webhook_signature_matches(&headers, body, strlen(body), SECOND));
        assert_false(webhook_signature_matches(&headers, "{\"a\":2}", strlen(body), FIRST));
        assert_true(webhook_timestamp_is_fresh(headers.timestamp, FIXTURE_TIME_US, 1));
}

static void what_is_no_secret_signs_nothing(void **state)
{
        static const char *const wrong[] = { "", " ", "not base64", FIRST " ?", "whsec_" };
        const char *lines[WEBHOOK_SIGN_LINES] = { "untouched" };

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_int_equal(
                        webhook_sign(*state, wrong[i], (struct crypto_bytes){ "", 0 }, lines),
                        ERR_INVALID);
        assert_string_equal(lines[0], "untouched");
}

/* clang-format off */
static const struct { const char *job_id, *external_id, *subject, *ours; bool may; } cases[] = {
        { NULL, NULL, "p1",   NULL,  true },  /* the global account tells of everything */
        { NULL, NULL, "p1",   "j2",  true },
        { "j1", "p1", "p1",   NULL,  true },
        { "j1", "p1", "j1",   NULL,  true },
        { "j1", "p1", NULL,   NULL,  true },  /* of no job */
        { "j1", "p1", "p2",   NULL,  false },
        { "j1", "p1", "p2",   "j1",  false },
        { "j1", "p1", "j2",   NULL,  false },
        { "j1", NULL, "p1",   "j1",  true },  /* it overtakes the answer to our call */
        { "j1", NULL, "p2",   "j2",  false },
        { "j1", NULL, "p2",   NULL,  false },
};
/* clang-format on */

static void an_account_of_ones_own_tells_of_its_job_alone(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct webhook_sender sender = { .job_id = cases[i].job_id,
                                                       .external_id = cases[i].external_id };
                const struct webhook_event event = { .subject = cases[i].subject,
                                                     .news.our_job_id = cases[i].ours };

                if (webhook_sender_may_tell(&sender, &event) != cases[i].may)
                        fail_msg("case %zu", i);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(what_we_sign_verifies_under_each_secret),
                FIXTURE_TEST(what_is_no_secret_signs_nothing),
                FIXTURE_TEST(an_account_of_ones_own_tells_of_its_job_alone),
        };

        return cmocka_run_group_tests_name("webhook sender", tests, NULL, NULL);
}
