#include <string.h>

#include "tests/fixture_sigv4.h"

/* What is no credential, or a bad one */

static void a_request_without_a_signature_has_none(void **state)
{
        struct wire *wire = wire_new(*state, "GET", PREFIX KEY_PATH, "x-id=GetObject");
        struct sigv4 sigv4;

        assert_int_equal(sigv4_parse(*state, &wire->request, &sigv4), ERR_NOT_FOUND);
        wire_set_header(wire, "authorization", "Bearer abc");
        assert_int_equal(sigv4_parse(*state, &wire->request, &sigv4), ERR_NOT_FOUND);
}

static void version_2_is_told_what_to_set(void **state)
{
        struct ctx *ctx = *state;
        struct wire *wire = wire_new(ctx, "GET", PREFIX KEY_PATH, "");

        wire_set_header(wire, "authorization", "AWS " KEY_ID ":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
        assert_refused(ctx, wire, ERR_INVALID, "InvalidRequest");
        assert_non_null(strstr(ctx->detail, "signature_version='s3v4'"));
        wire = wire_new(ctx, "GET", PREFIX KEY_PATH,
                        "AWSAccessKeyId=" KEY_ID "&Signature=abc%3D&Expires=1369357200");
        assert_refused(ctx, wire, ERR_INVALID, "InvalidRequest");
        assert_non_null(strstr(ctx->detail, "signature_version='s3v4'"));
}

static void a_malformed_header_is_refused(void **state)
{
        static const char *const values[] = {
                "AWS4-HMAC-SHA256 ",
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE ",SignedHeaders=" USUAL,
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE ",SignedHeaders=" USUAL
                ",Signature=abc",
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE ",SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE ",SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED ",Other=1",
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE
                ",SignedHeaders=x-amz-content-sha256;x-amz-date,Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE
                ",SignedHeaders=host;x-amz-content-sha256,Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE
                ",SignedHeaders=Host;host;x-amz-date,Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE
                ",SignedHeaders=host;;x-amz-date,Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE
                ",SignedHeaders=host;x-amz-date;,Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=/" SCOPE ",SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=a b/" SCOPE ",SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 "
                "Credential=a/20130525/us-east-1/s3/aws4_request,SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 "
                "Credential=a/20130524/us-east-1/ec2/aws4_request,SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 "
                "Credential=a/20130524/us-east-1/s3/aws3_request,SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
                "AWS4-HMAC-SHA256 Credential=a/20130524//s3/aws4_request,SignedHeaders=" USUAL
                ",Signature=" USUAL_SIGNED,
        };

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);

                wire_set_header(wire, "authorization", values[i]);
                assert_refused(*state, wire, ERR_INVALID, "AuthorizationHeaderMalformed");
        }
}

static void the_header_may_have_spaces_after_its_commas(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);

        wire_set_header(wire, "authorization",
                        "AWS4-HMAC-SHA256  Signature=" USUAL_SIGNED " , SignedHeaders=" USUAL
                        ", Credential=" KEY_ID "/" SCOPE);
        assert_good(*state, wire);
}

static void a_malformed_presigned_url_is_refused(void **state)
{
        static const char *const queries[] = {
                PRESIGNED_QUERY, /* no signature */
                PRESIGNED_QUERY "&X-Amz-Signature=" USUAL_SIGNED "&X-Amz-Signature=" USUAL_SIGNED,
                PRESIGNED_QUERY "&X-Amz-Signature=%zz",
                PRESIGNED_QUERY "&X-Amz-Signature=%0a" USUAL_SIGNED,
                "X-Amz-Signature=" USUAL_SIGNED,
                PRESIGNED_CREDENTIAL "&X-Amz-Expires=604801&X-Amz-SignedHeaders=host"
                                     "&X-Amz-Signature=" USUAL_SIGNED,
                PRESIGNED_CREDENTIAL "&X-Amz-Expires=-&X-Amz-SignedHeaders=host"
                                     "&X-Amz-Signature=" USUAL_SIGNED,
                PRESIGNED_CREDENTIAL "&X-Amz-Expires=99999999999999999999"
                                     "&X-Amz-SignedHeaders=host&X-Amz-Signature=" USUAL_SIGNED,
                PRESIGNED_CREDENTIAL "&X-Amz-Expires=60&X-Amz-SignedHeaders=range"
                                     "&X-Amz-Signature=" USUAL_SIGNED,
        };

        for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
                struct wire *wire = wire_new(*state, "GET", "/test.txt", queries[i]);

                assert_refused(*state, wire, ERR_INVALID, "AuthorizationQueryParametersError");
        }
}

static void a_presigned_url_that_ended_before_it_began_has_expired(void **state)
{
        struct wire *wire = wire_new(
                *state, "GET", "/test.txt",
                PRESIGNED_CREDENTIAL
                "&X-Amz-Expires=-1&X-Amz-SignedHeaders=host&X-Amz-Signature=" USUAL_SIGNED);

        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
}

static void a_payload_that_is_not_known_and_two_credentials_are_refused(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);

        wire_set_header(wire, "x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD");
        assert_refused(*state, wire, ERR_INVALID, "InvalidArgument");
        wire = wire_new(*state, "GET", PREFIX KEY_PATH, "");
        wire_set_header(wire, "x-amz-date", DATE);
        wire_authorize(*state, wire, USUAL, USUAL_SIGNED);
        assert_refused(*state, wire, ERR_INVALID, "InvalidRequest");
        wire = wire_presigned(*state);
        wire_authorize(*state, wire, USUAL, USUAL_SIGNED);
        assert_refused(*state, wire, ERR_INVALID, "InvalidArgument");
        wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);
        wire_set_header(wire, "authorization", "AWS4-ECDSA-P256-SHA256 Credential=a");
        assert_refused(*state, wire, ERR_INVALID, "InvalidRequest");
}

static void more_than_can_be_signed_is_refused(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);
        char *value = arena_alloc(((struct ctx *)*state)->arena, 70 * KiB);

        assert_non_null(value);
        memset(value, 'a', 70 * KiB - 1);
        wire_set_header(wire, "x-amz-meta-long", value);
        wire_authorize(*state, wire, "host;x-amz-date;x-amz-meta-long", USUAL_SIGNED);
        assert_refused(*state, wire, ERR_INVALID, "InvalidRequest");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_request_without_a_signature_has_none),
                FIXTURE_TEST(version_2_is_told_what_to_set),
                FIXTURE_TEST(a_malformed_header_is_refused),
                FIXTURE_TEST(the_header_may_have_spaces_after_its_commas),
                FIXTURE_TEST(a_malformed_presigned_url_is_refused),
                FIXTURE_TEST(a_presigned_url_that_ended_before_it_began_has_expired),
                FIXTURE_TEST(a_payload_that_is_not_known_and_two_credentials_are_refused),
                FIXTURE_TEST(more_than_can_be_signed_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
