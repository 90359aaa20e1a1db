#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/cloud/s3/aws_chunked.h"
#include "core/cloud/s3/sigv4_canonical.h"
#include "tests/fixture.h"

/* The example of the S3 API reference: 66,560 times 'a' in chunks of 64 KiB and 1 KiB. */
#define SECRET    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SEED      "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define SEED_MORE "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define BIG       66560
#define BODY_MAX  (70 * KiB)

/* "hello world!" in two chunks that go on from SEED, and their trailers. */
#define HELLO                                                                                      \
        "5;chunk-signature=7ca2bb6b96869a322ee00fa7347cadb82c8801d9e36e87e71086051b27939767\r\n"
#define WORLD                                                                                      \
        "7;chunk-signature=40c24f712b25852bdac205dfd689f52ab17ba46247a3492a0cf9f4d1f96ab902\r\n"
#define LAST                                                                                       \
        "0;chunk-signature=beeb0537a5949a6978eab72464ea98a56654ea24896388aa7d6c982845b896dd\r\n"
#define SMALL HELLO "hello\r\n" WORLD " world!\r\n" LAST
#define CRC32 "x-amz-checksum-crc32:A2p6gw=="
#define CRC32_SIGNED                                                                               \
        "x-amz-trailer-signature:bdaa22a8d73c982534481f2cc9b21de208ad21b620b2cab003ef76c4b6aabcbf"
#define TWO_SIGNED                                                                                 \
        "x-amz-trailer-signature:d30cdf362d55b9c9ac02ac4e1000ed92595a9eab77f5f78654a508dfa85e7ee0"
#define UNSIGNED "5\r\nhello\r\n7\r\n world!\r\n0\r\n"

struct upload {
        struct sigv4_proof proof;
        struct buf out;
        struct aws_chunked_options options;
        struct aws_chunked *chunked;
        enum err sink_answer;
};

static enum err collect(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        struct upload *upload = arg;

        (void)ctx;
        assert_true(len > 0);
        assert_true(buf_add(&upload->out, bytes, len));
        return upload->sink_answer;
}

/* seed NULL: nothing is signed. */
static struct upload *new_upload(struct ctx *ctx, const char *seed, bool trailer, int64_t length)
{
        struct secret secret = { SECRET, strlen(SECRET) };
        struct upload *upload = arena_alloc(ctx->arena, sizeof(*upload));

        assert_non_null(upload);
        upload->options = (struct aws_chunked_options){
                .trailer = trailer, .decoded_length = length, .sink = collect, .arg = upload
        };
        if (seed) {
                upload->proof.scope = "20130524/us-east-1/s3/aws4_request";
                upload->proof.amz_date = "20130524T000000Z";
                memcpy(upload->proof.signature, seed, SHA256_HEX_SIZE);
                assert_true(
                        sigv4_signing_key(secret, upload->proof.scope, upload->proof.signing_key));
                upload->options.proof = &upload->proof;
        }
        return upload;
}

/* Feed in portions: first bytes, then step at a time. */
static enum err feed_cut(struct ctx *ctx, struct upload *upload, const struct buf *wire,
                         size_t first, size_t step)
{
        enum err rc;

        upload->chunked = NULL;
        assert_int_equal(aws_chunked_new(ctx, &upload->options, &upload->chunked), OK);
        buf_init(&upload->out, BODY_MAX);
        for (size_t at = 0, len = first; at < wire->len; at += len, len = step) {
                if (len > wire->len - at)
                        len = wire->len - at;
                rc = aws_chunked_feed(ctx, upload->chunked, wire->data + at, len);
                if (rc != OK)
                        return rc;
        }
        return aws_chunked_end(ctx, upload->chunked);
}

static void assert_decodes(struct ctx *ctx, struct upload *upload, const char *wire)
{
        struct buf text = { .data = (char *)(uintptr_t)wire, .len = strlen(wire) };

        for (size_t first = 1; first <= text.len; first++) {
                enum err rc = feed_cut(ctx, upload, &text, first, first % 3 ? text.len : 1);

                if (rc != OK)
                        fail_msg("cut at %zu: %s", first, ctx->detail);
                assert_string_equal(buf_str(&upload->out), "hello world!");
                buf_done(&upload->out);
        }
}

static void assert_refused(struct ctx *ctx, struct upload *upload, const char *wire,
                           const char *code)
{
        struct buf text = { .data = (char *)(uintptr_t)wire, .len = strlen(wire) };
        const size_t firsts[] = { text.len, 1 };

        for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
                enum err rc = feed_cut(ctx, upload, &text, firsts[i], firsts[i]);

                if (rc == OK || !ctx->code || strcmp(ctx->code, code) != 0)
                        fail_msg("%s: %d %s %s", wire, rc, ctx->code ? ctx->code : "", ctx->detail);
                assert_int_equal(rc, strcmp(code, "SignatureDoesNotMatch") == 0 ? ERR_DENIED
                                                                                : ERR_INVALID);
                assert_int_not_equal(aws_chunked_end(ctx, upload->chunked), OK);
                buf_done(&upload->out);
        }
}

static void put_big(struct buf *wire, const char *const signatures[3])
{
        static char bytes[64 * KiB];

        memset(bytes, 'a', sizeof(bytes));
        buf_init(wire, BODY_MAX);
        buf_printf(wire, "10000;chunk-signature=%s\r\n", signatures[0]);
        buf_add(wire, bytes, sizeof(bytes));
        buf_printf(wire, "\r\n400;chunk-signature=%s\r\n", signatures[1]);
        buf_add(wire, bytes, KiB);
        buf_printf(wire, "\r\n0;chunk-signature=%s\r\n", signatures[2]);
}

static void assert_big(struct ctx *ctx, struct upload *upload, const struct buf *wire)
{
        static const size_t steps[] = { 1, 2, 3, 7, 64, 777, 4096, 65536, BODY_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                if (feed_cut(ctx, upload, wire, steps[i], steps[i]) != OK)
                        fail_msg("%zu at a time: %s", steps[i], ctx->detail);
                assert_int_equal(upload->out.len, BIG);
                assert_int_equal(strspn(upload->out.data, "a"), BIG);
                buf_done(&upload->out);
        }
}

static void the_documented_signed_chunks_are_decoded(void **state)
{
        static const char *const signatures[] = {
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        };
        struct upload *upload = new_upload(*state, SEED, false, BIG);
        CLEANUP(buf_done) struct buf wire;

        put_big(&wire, signatures);
        assert_true(buf_puts(&wire, "\r\n"));
        assert_big(*state, upload, &wire);
        wire.data[40000] = 'b';
        assert_int_equal(feed_cut(*state, upload, &wire, wire.len, wire.len), ERR_DENIED);
        assert_string_equal(((struct ctx *)*state)->code, "SignatureDoesNotMatch");
        buf_done(&upload->out);
}

static void the_documented_signed_trailer_is_decoded(void **state)
{
        static const char *const signatures[] = {
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        };
        struct upload *upload = new_upload(*state, SEED_MORE, true, BIG);
        CLEANUP(buf_done) struct buf wire;

        put_big(&wire, signatures);
        assert_true(buf_puts(
                &wire, "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
                       "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
        assert_big(*state, upload, &wire);
        assert_string_equal(aws_chunked_trailer(upload->chunked, "x-amz-checksum-crc32c"),
                            "sOO8/Q==");
        assert_null(aws_chunked_trailer(upload->chunked, "x-amz-checksum-crc32"));
}

static void chunks_are_decoded_however_they_are_cut(void **state)
{
        assert_decodes(*state, new_upload(*state, SEED, false, 12), SMALL "\r\n");
        assert_decodes(*state, new_upload(*state, NULL, true, 12), UNSIGNED CRC32 "\r\n\r\n");
        assert_decodes(*state, new_upload(*state, NULL, true, -1),
                       "5\r\nhello\r\n0000000000000007\r\n world!\r\n00\r\n" CRC32 "\r\n\r\n");
        assert_decodes(*state, new_upload(*state, NULL, false, 12), UNSIGNED "\r\n");
}

static void the_ways_that_clients_end_a_trailer_are_known(void **state)
{
        static const char *const ends[] = {
                SMALL CRC32 "\r\n" CRC32_SIGNED "\r\n\r\n",
                SMALL "\r\n" CRC32 "\r\n" CRC32_SIGNED "\r\n\r\n",
                SMALL CRC32 "\n\r\n" CRC32_SIGNED "\r\n\r\n",
                SMALL CRC32 "\r\n" CRC32_SIGNED "\r\n",
                SMALL "X-Amz-Checksum-CRC32: A2p6gw== \r\n" CRC32_SIGNED "\r\n\r\n",
                SMALL CRC32 "\r\nx-amz-meta-b:two\r\n" TWO_SIGNED "\r\n\r\n",
        };
        struct upload *upload = new_upload(*state, SEED, true, 12);

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                assert_decodes(*state, upload, ends[i]);
                assert_string_equal(aws_chunked_trailer(upload->chunked, "x-amz-checksum-crc32"),
                                    "A2p6gw==");
        }
        upload = new_upload(*state, NULL, true, 12);
        assert_decodes(*state, upload, UNSIGNED "\r\n" CRC32 "\r\n\r\n");
        assert_string_equal(aws_chunked_trailer(upload->chunked, "x-amz-checksum-crc32"),
                            "A2p6gw==");
        assert_decodes(*state, upload, UNSIGNED "\r\n");
        assert_decodes(*state, upload, UNSIGNED "\r\n\r\n");
        assert_null(aws_chunked_trailer(upload->chunked, "x-amz-checksum-crc32"));
}

static void an_object_may_be_empty(void **state)
{
        struct buf wire = { .data = (char[]){ "0\r\n\r\n" }, .len = 5 };
        struct upload *upload = new_upload(*state, NULL, false, 0);

        assert_int_equal(feed_cut(*state, upload, &wire, 5, 5), OK);
        assert_int_equal(upload->out.len, 0);
}

static void a_wrong_signature_is_refused(void **state)
{
        static const char *const wires[] = {
                HELLO "hellO\r\n" WORLD " world!\r\n" LAST "\r\n",
                HELLO "hello\r\n" HELLO "hello\r\n" LAST "\r\n",
                WORLD " world!\r\n" HELLO "hello\r\n" LAST "\r\n",
                HELLO "hello\r\n" LAST "\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(wires); i++)
                assert_refused(*state, new_upload(*state, SEED, false, -1), wires[i],
                               "SignatureDoesNotMatch");
        assert_refused(*state, new_upload(*state, SEED_MORE, false, 12), SMALL "\r\n",
                       "SignatureDoesNotMatch");
}

static void a_wrong_signature_of_the_trailer_is_refused(void **state)
{
        static const char *const wires[] = {
                SMALL CRC32 "\r\n" TWO_SIGNED "\r\n\r\n",
                SMALL "x-amz-checksum-crc32:A2p6gW==\r\n" CRC32_SIGNED "\r\n\r\n",
                SMALL "x-amz-meta-b:two\r\n" CRC32 "\r\n" TWO_SIGNED "\r\n\r\n",
                SMALL CRC32_SIGNED "\r\n\r\n",
                SMALL CRC32 "\r\nx-amz-trailer-signature:\r\n\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(wires); i++)
                assert_refused(*state, new_upload(*state, SEED, true, 12), wires[i],
                               "SignatureDoesNotMatch");
}

static void a_body_that_ends_early_is_refused(void **state)
{
        static const char signed_body[] = SMALL CRC32 "\r\n" CRC32_SIGNED "\r\n";
        static const char body[] = UNSIGNED CRC32 "\r\n\r\n";
        struct ctx *ctx = *state;
        char cut[sizeof(signed_body)];

        for (size_t len = 0; len < strlen(signed_body); len++) {
                memcpy(cut, signed_body, len);
                cut[len] = '\0';
                assert_refused(ctx, new_upload(ctx, SEED, true, 12), cut, "IncompleteBody");
        }
        for (size_t len = 0; len < strlen(body); len++) {
                memcpy(cut, body, len);
                cut[len] = '\0';
                assert_refused(ctx, new_upload(ctx, NULL, true, 12), cut, "IncompleteBody");
        }
}

static void another_length_than_was_said_is_refused(void **state)
{
        static const int64_t lengths[] = { 0, 4, 11, 13, INT64_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                assert_refused(*state, new_upload(*state, SEED, false, lengths[i]), SMALL "\r\n",
                               "IncompleteBody");
                assert_refused(*state, new_upload(*state, NULL, true, lengths[i]),
                               UNSIGNED CRC32 "\r\n\r\n", "IncompleteBody");
        }
}

static void a_bad_size_of_a_chunk_is_refused(void **state)
{
        static const char *const wires[] = {
                "\r\n",
                "-5\r\nhello\r\n0\r\n\r\n",
                "+5\r\nhello\r\n0\r\n\r\n",
                " 5\r\nhello\r\n0\r\n\r\n",
                "140000001\r\n",
                "ffffffffffffffff\r\n",
                "00000000000000005\r\nhello\r\n0\r\n\r\n",
                "x\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(wires); i++)
                assert_refused(*state, new_upload(*state, NULL, false, -1), wires[i],
                               "InvalidChunkSizeError");
}

static void the_largest_chunk_is_taken_but_has_to_come(void **state)
{
        struct buf wire = { .data = (char[]){ "140000000\r\n" }, .len = 11 };
        struct upload *upload = new_upload(*state, NULL, false, -1);

        assert_int_equal(feed_cut(*state, upload, &wire, 11, 11), ERR_INVALID);
        assert_string_equal(((struct ctx *)*state)->code, "IncompleteBody");
}

static void broken_framing_is_refused(void **state)
{
        static const char *const wires[] = {
                "5\nhello\r\n0\r\n\r\n",          /* no CR */
                "5\r\nhello\n0\r\n\r\n",          /* nor here */
                "5\r\nhello!\r\n0\r\n\r\n",       /* longer than it says */
                "5;a=b\r\nhello\r\n0\r\n\r\n",    /* an extension */
                "5 \r\nhello\r\n0\r\n\r\n",       /* a space */
                "5\r\nhello\r\n0\r\n\r\n0",       /* something after the end */
                "5\r\nhello\r\n0\r\n\r\n\r\n",    /* the same */
                "5\r\nhello\r\n0\r\na:b\r\n\r\n", /* a trailer that was not announced */
        };
        static const char *const signed_wires[] = {
                UNSIGNED "\r\n",
                "5;chunk-signature=7ca2bb\r\nhello\r\n",
                ("5;chunk-signature:"
                 "7ca2bb6b96869a322ee00fa7347cadb82c8801d9e36e87e71086051b27939767"
                 "\r\nhello\r\n"),
        };
        char wire[2 * KiB];

        for (size_t i = 0; i < ARRAY_SIZE(wires); i++)
                assert_refused(*state, new_upload(*state, NULL, false, -1), wires[i],
                               "InvalidRequest");
        for (size_t i = 0; i < ARRAY_SIZE(signed_wires); i++)
                assert_refused(*state, new_upload(*state, SEED, false, -1), signed_wires[i],
                               "InvalidRequest");
        memset(wire, '0', sizeof(wire));
        wire[sizeof(wire) - 1] = '\0';
        assert_refused(*state, new_upload(*state, NULL, false, -1), wire, "InvalidRequest");
        struct buf nul = { .data = (char[]){ "5\0\r\nhello" }, .len = 9 };
        assert_int_equal(feed_cut(*state, new_upload(*state, NULL, false, -1), &nul, 9, 9),
                         ERR_INVALID);
}

static void a_malformed_trailer_is_refused(void **state)
{
        static const char *const wires[] = {
                UNSIGNED "no colon\r\n\r\n",
                UNSIGNED ":no name\r\n\r\n",
                UNSIGNED "a name:x\r\n\r\n",
                UNSIGNED "a:1\r\nA:2\r\n\r\n",
                UNSIGNED "a:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\nf:6\r\ng:7\r\nh:8\r\ni:9\r\n\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(wires); i++)
                assert_refused(*state, new_upload(*state, NULL, true, 12), wires[i],
                               "MalformedTrailerError");
        assert_refused(*state, new_upload(*state, SEED, true, 12), SMALL "\r\n\r\n",
                       "MalformedTrailerError");
        assert_refused(*state, new_upload(*state, SEED, true, 12),
                       SMALL CRC32 "\r\n" CRC32_SIGNED "\r\nb:2\r\n\r\n", "MalformedTrailerError");
        assert_refused(*state, new_upload(*state, SEED, true, 12),
                       SMALL CRC32 "\r\n" CRC32_SIGNED "\r\n\r\nb:2\r\n", "InvalidRequest");
}

static void nothing_is_taken_after_a_failure(void **state)
{
        struct ctx *ctx = *state;
        struct upload *upload = new_upload(ctx, NULL, false, -1);
        struct buf wire = { .data = (char[]){ UNSIGNED "\r\n" }, .len = strlen(UNSIGNED) + 2 };

        upload->sink_answer = ERR_NO_SPACE;
        assert_int_equal(feed_cut(ctx, upload, &wire, wire.len, wire.len), ERR_NO_SPACE);
        upload->sink_answer = OK;
        assert_int_equal(aws_chunked_feed(ctx, upload->chunked, "\r\n", 2), ERR_INVALID);
        assert_int_equal(aws_chunked_end(ctx, upload->chunked), ERR_INVALID);
        assert_string_equal(buf_str(&upload->out), "hello");
        buf_done(&upload->out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(the_documented_signed_chunks_are_decoded),
                FIXTURE_TEST(the_documented_signed_trailer_is_decoded),
                FIXTURE_TEST(chunks_are_decoded_however_they_are_cut),
                FIXTURE_TEST(the_ways_that_clients_end_a_trailer_are_known),
                FIXTURE_TEST(an_object_may_be_empty),
                FIXTURE_TEST(a_wrong_signature_is_refused),
                FIXTURE_TEST(a_wrong_signature_of_the_trailer_is_refused),
                FIXTURE_TEST(a_body_that_ends_early_is_refused),
                FIXTURE_TEST(another_length_than_was_said_is_refused),
                FIXTURE_TEST(a_bad_size_of_a_chunk_is_refused),
                FIXTURE_TEST(the_largest_chunk_is_taken_but_has_to_come),
                FIXTURE_TEST(broken_framing_is_refused),
                FIXTURE_TEST(a_malformed_trailer_is_refused),
                FIXTURE_TEST(nothing_is_taken_after_a_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
