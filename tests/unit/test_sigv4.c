#include <string.h>

#include "tests/fixture_sigv4.h"

/* What AWS publishes */

static void the_documented_get_of_a_range_is_verified(void **state)
{
        struct wire *wire = wire_new(*state, "GET", "/test.txt", "");

        wire->request.host = AWS_HOST;
        wire_set_header(wire, "range", "bytes=0-9");
        wire_set_header(wire, "x-amz-content-sha256", EMPTY_SHA256);
        wire_set_header(wire, "x-amz-date", DATE);
        wire_authorize(*state, wire, "host;range;x-amz-content-sha256;x-amz-date",
                       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
        assert_good(*state, wire);
}

static void the_documented_put_is_verified(void **state)
{
        struct wire *wire = wire_new(*state, "PUT", "/test%24file.text", "");

        wire->request.host = AWS_HOST;
        wire_set_header(wire, "date", "Fri, 24 May 2013 00:00:00 GMT");
        wire_set_header(wire, "x-amz-content-sha256",
                        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
        wire_set_header(wire, "x-amz-date", DATE);
        wire_set_header(wire, "x-amz-storage-class", "REDUCED_REDUNDANCY");
        wire_authorize(*state, wire,
                       "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
        assert_good(*state, wire);
}

static void the_documented_queries_are_verified(void **state)
{
        struct wire *wire =
                wire_usual(*state, "/", "lifecycle",
                           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

        wire->request.host = AWS_HOST;
        assert_good(*state, wire);
        wire = wire_usual(*state, "/", "max-keys=2&prefix=J",
                          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
        wire->request.host = AWS_HOST;
        assert_good(*state, wire);
}

static void the_documented_presigned_url_is_verified(void **state)
{
        struct sigv4 sigv4;

        assert_int_equal(wire_verify(*state, wire_presigned(*state), &sigv4), OK);
        assert_true(sigv4.presigned);
        assert_int_equal(sigv4.expires_s, 86400);
        assert_int_equal(sigv4.payload, SIGV4_UNSIGNED);
        assert_string_equal(sigv4.access_key_id, KEY_ID);
}

/* What the SDK for Python signs: recorded once from botocore 1.29 */

static void odd_paths_and_queries_are_taken_as_the_sdk_signs_them(void **state)
{
        /* clang-format off */
        static const char *const table[][3] = {
{ "/bucket/plain.bin", "", "3e3e43149d7558179b7b58680c979d14dacaf2a99665583144e8043a000986bf" },
{ "/bucket/dir%20one/a%2Bb%26c%3Dd~%C3%A9.bin", "",
  "278da66c84e8da0dee3ecdfcde463a86a71c0b623e683d7f39c9251e120bae3b" },
{ "/bucket/a//b", "", "157eba960baa8c06ede897b0790a55110d5facdfbcc75f18d7f4dde8d2610d66" },
{ "/bucket/trailing/", "", "5a6c889dd278ccd1a7bfb218345521bd2b1b0e5161e9663267a62a33bf4fdd26" },
{ "/bucket/a~b%2Ac%28d%29%27e", "",
  "6d8fdf54649d76869d2e8e3a6d08048c30436dab424b4991ac39b3b2f636f21e" },
{ "/bucket/x%3Ay%40z%24%2C%3B%3D%21", "",
  "c3a966eef91128418f1202d9f96b9c78bf4309c66a94d394da53c91a28173ff1" },
{ "/bucket/%E6%97%A5%E6%9C%AC%E8%AA%9E.txt", "",
  "557c99dec0a171b8d20ad223bc3576ea3dd83724364ce86c6a546a7758dacd2e" },
{ "/bucket/100%25", "", "84e770254cfecd9dde38e620cc70e5be8d39aaa4ee2bd22d313c305c194ccca0" },
{ "/bucket/_-.~", "", "515d181e33a1bf6f91155340041103e93396071d5ec346f92ca9209f958cd97c" },
{ "/bucket/tab%09x", "", "c159846883c0ae4302500ed0c694dabf0f56e2389884d40428f115d846f279cb" },
{ "/bucket/a%2Fb", "", "fb830dc0989fffa3d48c6af26f7425878fbfeb977e3a379b1ec44b968637e071" },
{ "", "", "9863e32b14f9646dfbb90bf51021f53880b56ab68dd4a9b6936cab4018c9504c" },
{ "/", "", "261943ae380d661c371b3fc2272ce859190b653349878b2a31509575bb6f2b10" },
{ "/bucket", "uploads", "a585e392ea6b04246e9109d13964d0a2bd87478aca27cec709e02304b3834845" },
{ "/bucket", "uploads=", "a585e392ea6b04246e9109d13964d0a2bd87478aca27cec709e02304b3834845" },
{ "/bucket", "list-type=2&prefix=a+b%2F%C3%A9%2B%26%3D~&delimiter=%2F&max-keys=1000"
  "&encoding-type=url", "528b7831a81e82d7be103d37a11faaf1c684b47c9d778d56c87e26a22e4eb6b1" },
{ "/bucket", "b=2&B=1&a=3&a-b=4&aa=5",
  "6f0294a60d58f52ea43ff07a307033c878f4771f3c0d5cf8f3a845b08690fd4b" },
        };
        /* clang-format on */
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                const char *path = arena_printf(ctx->arena, PREFIX "%s", table[i][0]);

                assert_good(ctx, wire_usual(ctx, path, table[i][1], table[i][2]));
        }
}

static void presigned_urls_of_sdks_are_verified(void **state)
{
        struct wire *wire;

        wire = wire_new(*state, "GET", PREFIX KEY_PATH,
                        PRESIGNED_CREDENTIAL
                        "&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
                        "a5d9ec88ed3b9923e49a94f18071ac1047f6e3fdafce18d7efab7ac34935c9e3");
        assert_good(*state, wire);
        /* The SDK for JavaScript has the payload in the query, and parameters in lower case. */
        wire = wire_new(*state, "GET", PREFIX KEY_PATH,
                        "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&" PRESIGNED_CREDENTIAL
                        "&X-Amz-Expires=900&X-Amz-Signature="
                        "64f9e2c79ca6f851da325e1459d1ca90bc1f24439a50939b2a8942fb76b365d2"
                        "&X-Amz-SignedHeaders=host&x-amz-checksum-mode=ENABLED&x-id=GetObject");
        assert_good(*state, wire);
        /* Signed headers are sent with the URL. */
        wire = wire_new(*state, "PUT", PREFIX "/bucket/up.bin",
                        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY_ID
                        "%2F20130524%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=" DATE
                        "&X-Amz-Expires=604800&X-Amz-SignedHeaders=host%3Bx-amz-acl"
                        "&X-Amz-Signature="
                        "9a28010da75319888f039d189a75236cb5f251d0e6d519bcd6458bd450e1dd5b");
        wire_set_header(wire, "x-amz-acl", "private");
        assert_good(*state, wire);
        wire_set_header(wire, "x-amz-acl", "public-read");
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
}

/* Below a prefix, behind a tunnel */

static void a_prefix_may_be_signed_left_out_or_counted_to_the_host(void **state)
{
        static const char s3cmd[] =
                "9406c93d772ba9e451bdccb5fada4786dfa3b38100162896f1d3731e0ddcd765";
        struct wire *wire;

        assert_good(*state, wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED));
        assert_good(*state,
                    wire_usual(*state, PREFIX KEY_PATH, "",
                               "bef314fd377043580a049dfb308d4dc4e9693e957bb66c85e69eec814730d2bc"));
        assert_good(*state,
                    wire_usual(*state, PREFIX, "",
                               "57b81e1566a6175566832b3404042fb6900982c7ce3fa59493b5d46408d7ee88"));
        assert_good(*state,
                    wire_usual(*state, PREFIX "/bucket/", "delimiter=/&max-keys=2&prefix=a%20b",
                               "eb5a2a38ca9624d59731dd47efad87115354c1910d1e891b90e7d54d5bc02008"));
        wire = wire_usual(*state, PREFIX KEY_PATH, "", s3cmd);
        wire->request.host = "LocalHost:9701";
        assert_good(*state, wire);
        /* Only a whole segment is a prefix. */
        wire = wire_usual(*state, PREFIX "x" KEY_PATH, "", s3cmd);
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
}

static void the_public_host_and_path_are_tried_as_well(void **state)
{
        static const char *const signatures[] = {
                "368997e85553dafe59954402ebc37af24d35649628d1931ff700c1c56806f50d",
                "d2cdb68b13077cc4ae7a0a7d9b4851666a50e34e2d2b610a01ecca2fe273f942",
                "5c9b7f9654b51af7c89b6910a83bb721adb0aaace45346f66bdbc7531e0fa70b",
                "d4db215899cf589b9c135b18de832fdcaef5451c75f125d0683e71809ec79dd7",
                "914e0ec4ed8293c9763fad15175b1cd54cd39461a865706bf67c7f43e4862f08",
        };

        for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
                struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", signatures[i]);

                assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
                wire->request.public_host = "cloud.example.org";
                wire->request.public_path = "/pub";
                assert_good(*state, wire);
        }
}

static void a_path_in_another_spelling_is_tried_as_it_should_be_encoded(void **state)
{
        assert_good(*state,
                    wire_usual(*state, PREFIX "/bucket/%c3%a9", "",
                               "8adce37f5e50463570573a8d5a3662d25069ca0d6d769b53700257b1b69e3229"));
}

static void a_changed_request_does_not_match(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);

        wire->request.method = "PUT";
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
        wire = wire_usual(*state, PREFIX KEY_PATH, "versionId=1", USUAL_SIGNED);
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
        wire = wire_usual(*state, PREFIX KEY_PATH "x", "", USUAL_SIGNED);
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
        wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);
        wire_set_header(wire, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
        wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);
        wire_set_header(wire, "x-amz-date", "20130524T000001Z");
        assert_refused(*state, wire, ERR_DENIED, "SignatureDoesNotMatch");
}

static void a_refusal_shows_what_was_signed_and_not_the_secret(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "b&a=1", USUAL_SIGNED);
        struct sigv4 sigv4;

        assert_int_equal(wire_verify(*state, wire, &sigv4), ERR_DENIED);
        assert_string_equal(sigv4.canonical_request,
                            "GET\n" PREFIX KEY_PATH "\na=1&b=\nhost:" LOCAL
                            "\nx-amz-content-sha256:" EMPTY_SHA256 "\nx-amz-date:" DATE "\n\n" USUAL
                            "\n" EMPTY_SHA256);
        assert_int_equal(strncmp(sigv4.string_to_sign, "AWS4-HMAC-SHA256\n" DATE "\n" SCOPE "\n",
                                 strlen("AWS4-HMAC-SHA256\n" DATE "\n" SCOPE "\n")),
                         0);
        assert_null(strstr(sigv4.string_to_sign, SECRET));
}

static void another_secret_is_refused(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);
        struct secret secret = { "another", 7 };
        struct sigv4_proof proof;
        struct sigv4 sigv4;

        assert_int_equal(sigv4_parse(*state, &wire->request, &sigv4), OK);
        assert_int_equal(sigv4_verify(*state, &wire->request, &sigv4, secret, &proof), ERR_DENIED);
}

/* Headers */

static void every_amz_header_has_to_be_signed(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);

        wire_set_header(wire, "accept", "*/*");
        wire_set_header(wire, "x-amz-cf-id", "put in on the way");
        assert_good(*state, wire);
        wire_set_header(wire, "x-amz-acl", "public-read");
        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
        wire = wire_presigned(*state);
        wire_set_header(wire, "x-amz-meta-colour", "red");
        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
}

static void names_with_underscores_and_headers_that_a_front_takes_away_are_known(void **state)
{
        struct wire *wire = wire_new(*state, "PUT", PREFIX KEY_PATH, "");

        wire_set_header(wire, "x-amz-date", DATE);
        wire_set_header(wire, "x-amz-content-sha256", EMPTY_SHA256);
        wire_set_header(wire, "x-amz-meta-a_b", "1");
        wire_authorize(*state, wire,
                       "content-length;expect;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a_b",
                       "804ca88630ace895a7be9b748c2643fbbe69e14ae43552aec44e861102736a33");
        assert_good(*state, wire);
        wire_set_header(wire, "x-amz-meta-a-b", "1"); /* what CGI may call it */
        assert_good(*state, wire);
}

static void the_date_header_serves_where_x_amz_date_is_missing(void **state)
{
        static const char names[] = "date;host;x-amz-content-sha256";
        struct wire *wire = wire_new(*state, "GET", PREFIX KEY_PATH, "");

        wire_set_header(wire, "x-amz-content-sha256", EMPTY_SHA256);
        wire_authorize(*state, wire, names,
                       "644811623803762c2c291158be06a7e09640f89e73b8b2d79bf44473df612cab");
        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
        wire_set_header(wire, "date", "Fri, 24 May 2013 00:00:00 GMT");
        assert_good(*state, wire);
        wire_set_header(wire, "date", DATE);
        wire_authorize(*state, wire, names,
                       "62e07a588316e2c16b295869acdb8502ba3b352deb682568116c39e73b4e32f7");
        assert_good(*state, wire);
        wire_set_header(wire, "date", "yesterday");
        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
}

/* Time */

static void a_clock_may_be_wrong_by_a_quarter_of_an_hour(void **state)
{
        struct wire *wire = wire_usual(*state, PREFIX KEY_PATH, "", USUAL_SIGNED);

        wire->request.now_us = NOW_US + 900 * US_PER_S;
        assert_good(*state, wire);
        wire->request.now_us = NOW_US - 900 * US_PER_S;
        assert_good(*state, wire);
        wire->request.now_us = NOW_US + 901 * US_PER_S;
        assert_refused(*state, wire, ERR_DENIED, "RequestTimeTooSkewed");
        wire->request.now_us = NOW_US - 901 * US_PER_S;
        assert_refused(*state, wire, ERR_DENIED, "RequestTimeTooSkewed");
}

static void a_presigned_url_is_good_until_it_expires(void **state)
{
        struct wire *wire = wire_presigned(*state);

        wire->request.now_us = NOW_US + US_PER_DAY;
        assert_good(*state, wire);
        wire->request.now_us = NOW_US + US_PER_DAY + US_PER_S;
        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
        assert_non_null(strstr(((struct ctx *)*state)->detail, "expired"));
        wire->request.now_us = NOW_US - 901 * US_PER_S;
        assert_refused(*state, wire, ERR_DENIED, "AccessDenied");
        assert_non_null(strstr(((struct ctx *)*state)->detail, "not valid yet"));
}

static void a_plain_failure_has_no_word_of_a_protocol(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(ctx_fail_as(ctx, ERR_DENIED, "AccessDenied", "no"), ERR_DENIED);
        assert_int_equal(ctx_prefix(ctx, ERR_DENIED, "here"), ERR_DENIED);
        assert_string_equal(ctx->code, "AccessDenied");
        assert_string_equal(ctx->detail, "here: no");
        assert_int_equal(ctx_fail(ctx, ERR_DENIED, "no"), ERR_DENIED);
        assert_null(ctx->code);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(the_documented_get_of_a_range_is_verified),
                FIXTURE_TEST(the_documented_put_is_verified),
                FIXTURE_TEST(the_documented_queries_are_verified),
                FIXTURE_TEST(the_documented_presigned_url_is_verified),
                FIXTURE_TEST(odd_paths_and_queries_are_taken_as_the_sdk_signs_them),
                FIXTURE_TEST(presigned_urls_of_sdks_are_verified),
                FIXTURE_TEST(a_prefix_may_be_signed_left_out_or_counted_to_the_host),
                FIXTURE_TEST(the_public_host_and_path_are_tried_as_well),
                FIXTURE_TEST(a_path_in_another_spelling_is_tried_as_it_should_be_encoded),
                FIXTURE_TEST(a_changed_request_does_not_match),
                FIXTURE_TEST(a_refusal_shows_what_was_signed_and_not_the_secret),
                FIXTURE_TEST(another_secret_is_refused),
                FIXTURE_TEST(every_amz_header_has_to_be_signed),
                FIXTURE_TEST(names_with_underscores_and_headers_that_a_front_takes_away_are_known),
                FIXTURE_TEST(the_date_header_serves_where_x_amz_date_is_missing),
                FIXTURE_TEST(a_clock_may_be_wrong_by_a_quarter_of_an_hour),
                FIXTURE_TEST(a_presigned_url_is_good_until_it_expires),
                FIXTURE_TEST(a_plain_failure_has_no_word_of_a_protocol),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
