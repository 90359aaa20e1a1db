#include <string.h>

#include "core/cloud/s3/sigv4_canonical.h"
#include "tests/fixture_sigv4.h"

/* The suite that AWS publishes for signers: service "service", without a payload header. */

struct suite_case {
        const char *name, *method, *path, *query;
        const char *headers[3][2];
        const char *signed_headers, *payload_hash, *signature;
};

#define SUITE_HEADERS "host;x-amz-date"
#define SUITE_MINE    "host;my-header1;x-amz-date"
#define ALPHABET      "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* clang-format off */
static const struct suite_case suite[] = {
        { "get-vanilla", "GET", "/", "", { { 0 } }, SUITE_HEADERS, EMPTY_SHA256,
          "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
        { "get-vanilla-empty-query-key", "GET", "/", "Param1=value1", { { 0 } }, SUITE_HEADERS,
          EMPTY_SHA256, "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
        { "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", { { 0 } },
          SUITE_HEADERS, EMPTY_SHA256,
          "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
        { "get-vanilla-query-order-key", "GET", "/", "Param1=value2&Param1=Value1", { { 0 } },
          SUITE_HEADERS, EMPTY_SHA256,
          "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1" },
        { "get-vanilla-query-unreserved", "GET", "/", ALPHABET "=" ALPHABET, { { 0 } },
          SUITE_HEADERS, EMPTY_SHA256,
          "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
        { "get-vanilla-utf8-query", "GET", "/", "\341\210\264=bar", { { 0 } }, SUITE_HEADERS,
          EMPTY_SHA256, "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
        { "get-unreserved", "GET", "/" ALPHABET, "", { { 0 } }, SUITE_HEADERS, EMPTY_SHA256,
          "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
        { "get-utf8", "GET", "/\341\210\264", "", { { 0 } }, SUITE_HEADERS, EMPTY_SHA256,
          "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
        { "get-header-value-trim", "GET", "/", "",
          { { "my-header1", " value1" }, { "my-header2", " \"a   b   c\"" } },
          "host;my-header1;my-header2;x-amz-date", EMPTY_SHA256,
          "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
        { "get-header-value-order", "GET", "/", "",
          { { "my-header1", "value4,value1,value3,value2" } }, SUITE_MINE, EMPTY_SHA256,
          "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
        { "post-vanilla", "POST", "/", "", { { 0 } }, SUITE_HEADERS, EMPTY_SHA256,
          "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
        { "post-vanilla-query", "POST", "/", "Param1=value1", { { 0 } }, SUITE_HEADERS,
          EMPTY_SHA256, "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
        { "post-header-key-sort", "POST", "/", "", { { "my-header1", "value1" } }, SUITE_MINE,
          EMPTY_SHA256, "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
        { "post-x-www-form-urlencoded", "POST", "/", "",
          { { "content-type", "application/x-www-form-urlencoded" } },
          "content-type;host;x-amz-date",
          "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
          "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};
/* clang-format on */

static void sign_suite_case(struct ctx *ctx, const struct suite_case *at, char ret[SHA256_HEX_SIZE])
{
        struct secret secret = { "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40 };
        struct wire *wire = wire_new(ctx, at->method, at->path, at->query);
        struct sigv4 sigv4 = {
                .scope = "20150830/us-east-1/service/aws4_request",
                .amz_date = "20150830T123600Z",
                .signed_headers = at->signed_headers,
                .payload_hash = at->payload_hash,
        };
        struct sigv4_view view = { at->path, "example.amazonaws.com", true };
        unsigned char key[SHA256_SIZE];
        const char *text;

        for (size_t i = 0; i < ARRAY_SIZE(at->headers) && at->headers[i][0]; i++)
                wire_set_header(wire, at->headers[i][0], at->headers[i][1]);
        wire_set_header(wire, "x-amz-date", sigv4.amz_date);
        assert_int_equal(sigv4_canonical_request(ctx, &wire->request, &sigv4, &view, &text), OK);
        assert_int_equal(sigv4_string_to_sign(ctx, &sigv4, text, &text), OK);
        assert_true(sigv4_signing_key(secret, sigv4.scope, key));
        assert_true(sigv4_sign(key, text, ret));
}

static void the_published_suite_is_signed_alike(void **state)
{
        char signature[SHA256_HEX_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(suite); i++) {
                sign_suite_case(*state, &suite[i], signature);
                if (strcmp(signature, suite[i].signature) != 0)
                        fail_msg("%s: %s", suite[i].name, signature);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(the_published_suite_is_signed_alike),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
