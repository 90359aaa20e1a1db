#include <stdlib.h>
#include <string.h>

#include "core/cloud/secrets/secrets.h"
#include "core/cloud/webhook/webhook_keys.h"
#include "tests/fixture_db.h"

/* Published by Standard Webhooks, and by the library that the provider's sender uses. */
static const struct vector {
        const char *secret, *body;
        struct webhook_headers headers;
} vectors[] = {
        { "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
          "{\"test\": 2432232314}",
          { "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" } },
        { "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
          "{\"email\":\"test@example.com\",\"username\":\"test_user\"}",
          { "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553",
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=" } },
};

#define GOOD  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define WRONG "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

/* Does this signature header pass for the first vector under these secrets? */
static bool passes(const char *signature, const char *secrets)
{
        struct webhook_headers headers = vectors[0].headers;

        headers.signature = signature;
        return webhook_signature_matches(&headers, vectors[0].body, strlen(vectors[0].body),
                                         secrets);
}

static bool has_secret(const char *secrets)
{
        return passes(GOOD, secrets);
}

static void the_published_vectors_pass(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
                assert_true(webhook_signature_matches(&vectors[i].headers, vectors[i].body,
                                                      strlen(vectors[i].body), vectors[i].secret));
}

static void a_secret_may_be_pasted_with_its_prefixes(void **state)
{
        (void)state;
        assert_true(has_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_true(has_secret("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_true(has_secret("v1,MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_false(has_secret("whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
}

static void any_of_several_secrets_will_do(void **state)
{
        (void)state;
        assert_true(has_secret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, "
                               "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_true(has_secret("\tnot-base64 MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"));
        assert_false(has_secret("C2FVsBQIhrscChlQIMV+b5sSYspob7oD not-base64"));
}

static void no_secret_signs_nothing(void **state)
{
        static const char *const none[] = { "", " ", ",", "whsec_", "v1,", "v1,whsec_", "====" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(none); i++)
                assert_false(has_secret(none[i]));
}

static void one_good_signature_among_others_passes(void **state)
{
        (void)state;
        assert_true(passes(WRONG " v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " GOOD " " WRONG,
                           vectors[0].secret));
        assert_true(passes("  " WRONG "  " GOOD "  ", vectors[0].secret));
        assert_false(passes(WRONG " " WRONG, vectors[0].secret));
}

static void other_versions_are_skipped(void **state)
{
        (void)state;
        assert_false(passes("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", vectors[0].secret));
        assert_false(passes("v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", vectors[0].secret));
        assert_false(passes("V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", vectors[0].secret));
}

static void a_signature_must_be_whole(void **state)
{
        static const char *const wrong[] = {
                "",
                " ",
                "v1",
                "v1,",
                "v1, ",
                "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                "v1,g0hM",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE==",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=AAAA",
                "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                "v1=g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(passes(wrong[i], vectors[0].secret));
}

static void id_time_and_body_are_all_signed(void **state)
{
        const struct vector *v = &vectors[0];
        struct webhook_headers headers = v->headers;

        (void)state;
        headers.id = "msg_p5jXN8AQM9LWM0D4loKWxJel";
        assert_false(webhook_signature_matches(&headers, v->body, strlen(v->body), v->secret));
        headers = v->headers;
        headers.timestamp = "1614265331";
        assert_false(webhook_signature_matches(&headers, v->body, strlen(v->body), v->secret));
        assert_false(
                webhook_signature_matches(&v->headers, v->body, strlen(v->body) - 1, v->secret));
        assert_false(webhook_signature_matches(&v->headers, "", 0, v->secret));
}

/* A dot in the id would move the border between id, time and body. */
static void an_id_with_a_dot_is_refused(void **state)
{
        const struct vector *v = &vectors[0];
        struct webhook_headers headers = v->headers;

        (void)state;
        headers.id = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330";
        headers.timestamp = "{\"test\": 2432232314}";
        assert_false(webhook_signature_matches(&headers, "", 0, v->secret));
}

static bool fresh(const char *timestamp)
{
        return webhook_timestamp_is_fresh(timestamp, INT64_C(1614265330) * US_PER_S + 999999, 300);
}

static void a_timestamp_may_be_off_by_the_tolerance_both_ways(void **state)
{
        (void)state;
        assert_true(fresh("1614265330"));
        assert_true(fresh("1614265030"));
        assert_true(fresh("1614265630"));
        assert_false(fresh("1614265029"));
        assert_false(fresh("1614265631"));
        assert_true(webhook_timestamp_is_fresh("1614265330", INT64_C(1614265330) * US_PER_S, 0));
        assert_false(webhook_timestamp_is_fresh("1614265331", INT64_C(1614265330) * US_PER_S, 0));
}

static void what_is_no_whole_number_of_seconds_is_not_fresh(void **state)
{
        static const char *const wrong[] = { "",
                                             " ",
                                             "now",
                                             "1614265330x",
                                             "1614265330.5",
                                             "0x603790f2",
                                             "-1614265330",
                                             "1614265330 ",
                                             " 1614265330",
                                             "+1614265330",
                                             "99999999999999999999" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(fresh(wrong[i]));
}

/* A provider that hands out one of the vectors' secrets, and counts how often it is asked. */
static const char *handed_out;
static unsigned asked;

static enum err hand_out(struct ctx *ctx, const struct provider_session *session,
                         const char **ret_secret)
{
        (void)session;
        asked++;
        if (!handed_out)
                return ctx_fail(ctx, ERR_PROVIDER, "no answer");
        *ret_secret = handed_out;
        return OK;
}

static const struct provider provider = { .id = "test",
                                          .webhook_secret_name = "REPLICATE_WEBHOOK_SECRET",
                                          .webhook_secret = hand_out };

static enum err verify(struct ctx *ctx, const struct vector *v)
{
        const struct provider_session session = { .provider = &provider };

        return webhook_keys_verify(ctx, &session, &v->headers, v->body, strlen(v->body));
}

static void a_secret_that_is_set_is_the_only_one(void **state)
{
        struct ctx *ctx = *state;

        asked = 0;
        handed_out = vectors[1].secret;
        setenv("REPLICATE_WEBHOOK_SECRET", vectors[0].secret, 1);
        assert_ok(ctx, verify(ctx, &vectors[0]));
        assert_rc(ctx, ERR_UNAUTHENTICATED, verify(ctx, &vectors[1]));
        assert_int_equal(asked, 0);
}

static void a_secret_is_fetched_once_and_kept(void **state)
{
        struct ctx *ctx = *state;

        asked = 0;
        handed_out = vectors[0].secret;
        for (int i = 0; i < 3; i++)
                assert_ok(ctx, verify(ctx, &vectors[0]));
        assert_int_equal(asked, 1);
}

static void a_mismatch_fetches_anew_at_most_once_a_minute(void **state)
{
        struct ctx *ctx = *state;

        asked = 0;
        handed_out = vectors[0].secret;
        assert_ok(ctx, verify(ctx, &vectors[0]));
        handed_out = vectors[1].secret; /* the provider changes its secret */
        for (int i = 0; i < 3; i++)
                assert_rc(ctx, ERR_UNAUTHENTICATED, verify(ctx, &vectors[1]));
        assert_int_equal(asked, 1);
        fixture_advance_us(ctx, 60 * US_PER_S);
        assert_ok(ctx, verify(ctx, &vectors[1]));
        assert_rc(ctx, ERR_UNAUTHENTICATED, verify(ctx, &vectors[0]));
        assert_int_equal(asked, 2);
}

static void without_any_secret_the_sender_is_asked_to_come_again(void **state)
{
        struct ctx *ctx = *state;

        asked = 0;
        handed_out = NULL;
        for (int i = 0; i < 3; i++)
                assert_rc(ctx, ERR_NOT_READY, verify(ctx, &vectors[0]));
        assert_int_equal(asked, 1);
}

static bool refuse(struct ctx *ctx, unsigned index, void *arg)
{
        (void)index;
        (void)arg;
        return verify(ctx, &vectors[1]) == ERR_UNAUTHENTICATED;
}

static void bad_calls_at_once_cause_one_fetch(void **state)
{
        asked = 0;
        handed_out = vectors[0].secret;
        fixture_threads(*state, 32, refuse, NULL);
        assert_int_equal(asked, 1);
}

/* A provider that hands out no secret: one is agreed on. */
static enum err verify_agreed(struct ctx *ctx, const struct vector *v)
{
        static const struct provider quiet = { .id = "quiet",
                                               .webhook_secret_name = "CLOUD_WEBHOOK_SECRET" };
        const struct provider_session session = { .provider = &quiet };

        return webhook_keys_verify(ctx, &session, &v->headers, v->body, strlen(v->body));
}

static void a_provider_that_hands_out_none_signs_with_the_one_that_was_set(void **state)
{
        struct ctx *ctx = *state;

        assert_rc(ctx, ERR_NOT_READY, verify_agreed(ctx, &vectors[0]));
        assert_ok(ctx, secrets_put(ctx, "CLOUD_WEBHOOK_SECRET", vectors[0].secret));
        assert_ok(ctx, verify_agreed(ctx, &vectors[0]));
        assert_rc(ctx, ERR_UNAUTHENTICATED, verify_agreed(ctx, &vectors[1]));
}

static void what_was_set_as_a_secret_and_is_none_is_our_own_fault(void **state)
{
        static const char *const wrong[] = { "not base64!", "whsec_", "v1,whsec_*" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_ok(ctx, secrets_put(ctx, "CLOUD_WEBHOOK_SECRET", wrong[i]));
                assert_rc(ctx, ERR_CONFLICT, verify_agreed(ctx, &vectors[0]));
        }
        assert_true(webhook_secrets_are_usable("not-base64 MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_published_vectors_pass),
                cmocka_unit_test(a_secret_may_be_pasted_with_its_prefixes),
                cmocka_unit_test(any_of_several_secrets_will_do),
                cmocka_unit_test(no_secret_signs_nothing),
                cmocka_unit_test(one_good_signature_among_others_passes),
                cmocka_unit_test(other_versions_are_skipped),
                cmocka_unit_test(a_signature_must_be_whole),
                cmocka_unit_test(id_time_and_body_are_all_signed),
                cmocka_unit_test(an_id_with_a_dot_is_refused),
                cmocka_unit_test(a_timestamp_may_be_off_by_the_tolerance_both_ways),
                cmocka_unit_test(what_is_no_whole_number_of_seconds_is_not_fresh),
                FIXTURE_CLOUD_TEST(a_secret_that_is_set_is_the_only_one),
                FIXTURE_CLOUD_TEST(a_secret_is_fetched_once_and_kept),
                FIXTURE_CLOUD_TEST(a_mismatch_fetches_anew_at_most_once_a_minute),
                FIXTURE_CLOUD_TEST(without_any_secret_the_sender_is_asked_to_come_again),
                FIXTURE_CLOUD_TEST(bad_calls_at_once_cause_one_fetch),
                FIXTURE_CLOUD_TEST(a_provider_that_hands_out_none_signs_with_the_one_that_was_set),
                FIXTURE_CLOUD_TEST(what_was_set_as_a_secret_and_is_none_is_our_own_fault),
        };

        return cmocka_run_group_tests_name("webhook keys", tests, NULL, NULL);
}
