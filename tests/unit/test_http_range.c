/* Range: RFC 9110 14, of 10 bytes where nothing else is said; and the conditions of RFC 9110 13. */
#include "fcgi/http_range.h"

#include <string.h>

#include "tests/fixture_request.h"

/* "2+3 8+2": offset and size of each piece; "": the whole; "416": none is in it. */
static const char *pieces_of(struct ctx *ctx, const char *header, int64_t size)
{
        struct http_ranges ranges = { .count = 99 };
        const char *text = "";
        enum err rc = http_ranges_read(ctx, header, size, &ranges);

        if (rc == ERR_RANGE) {
                assert_string_equal(ctx->code, "InvalidRange");
                assert_int_equal(ranges.count, 99);
                return "416";
        }
        assert_int_equal(rc, OK);
        for (size_t i = 0; i < ranges.count; i++)
                text = arena_printf(ctx->arena, "%s%s%d+%d", text, i ? " " : "",
                                    (int)ranges.pieces[i].offset, (int)ranges.pieces[i].size);
        return text;
}

struct range_case {
        const char *header, *pieces;
};

static void assert_cases(struct ctx *ctx, const struct range_case *cases, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const char *got = pieces_of(ctx, cases[i].header, 10);

                if (strcmp(got, cases[i].pieces) != 0)
                        fail_msg("%s: \"%s\", not \"%s\"",
                                 cases[i].header ? cases[i].header : "none", got, cases[i].pieces);
        }
}

static void one_range_is_cut_to_what_there_is(void **state)
{
        static const struct range_case cases[] = {
                { "bytes=0-0", "0+1" },    { "bytes=0-9", "0+10" }, { "bytes=2-4", "2+3" },
                { "bytes=0-10", "0+10" },  { "bytes=9-", "9+1" },   { "bytes=0-", "0+10" },
                { "bytes=9-9", "9+1" },    { "bytes=-1", "9+1" },   { "bytes=-10", "0+10" },
                { "bytes=-11", "0+10" },   { "BYTES=1-2", "1+2" },  { "bytes= 1-2 ", "1+2" },
                { "bytes=001-02", "1+2" },
        };

        assert_cases(*state, cases, ARRAY_SIZE(cases));
}

static void a_range_past_the_end_is_not_satisfiable(void **state)
{
        static const struct range_case cases[] = {
                { "bytes=10-", "416" },
                { "bytes=10-20", "416" },
                { "bytes=-0", "416" },
                { "bytes=10-,-0,99-100", "416" },
                { "bytes=99999999999999999999-", "416" },
        };

        assert_cases(*state, cases, ARRAY_SIZE(cases));
}

static void several_ranges_are_kept_in_their_order(void **state)
{
        static const struct range_case cases[] = {
                { "bytes=0-0,-1", "0+1 9+1" },          { "bytes=5-6, 1-2", "5+2 1+2" },
                { "bytes=0-4,2-6", "0+5 2+5" },         { "bytes=0-0 , 20-30 ,3-3", "0+1 3+1" },
                { "bytes=1-1,1-1,1-1", "1+1 1+1 1+1" },
        };

        assert_cases(*state, cases, ARRAY_SIZE(cases));
}

static void what_is_no_range_of_bytes_means_the_whole(void **state)
{
        static const struct range_case cases[] = {
                { NULL, "" },
                { "", "" },
                { "bytes", "" },
                { "bytes=", "" },
                { "bytes=a-b", "" },
                { "bytes=5", "" },
                { "bytes=-", "" },
                { "bytes=--1", "" },
                { "bytes=4-2", "" },
                { "bytes=1-2x", "" },
                { "lines=1-2", "" },
                { "bytes 1-2", "" },
                { "bytes=1-2;3-4", "" },
                { "bytes=0x1-2", "" },
                { "bytes=1.5-2", "" },
                { "bytes=+1-2", "" },
                { "bytes=1-2,", "" },
                { "bytes=1 -2", "" },
        };

        assert_cases(*state, cases, ARRAY_SIZE(cases));
}

static void nothing_of_nothing_is_satisfiable(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(pieces_of(ctx, "bytes=0-", 0), "416");
        assert_string_equal(pieces_of(ctx, "bytes=0-0", 0), "416");
        assert_string_equal(pieces_of(ctx, "bytes=-5", 0), "416");
        assert_string_equal(pieces_of(ctx, NULL, 0), "");
}

static void numbers_beyond_64_bits_are_only_large(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(pieces_of(ctx, "bytes=3-99999999999999999999", 10), "3+7");
        assert_string_equal(pieces_of(ctx, "bytes=-99999999999999999999", 10), "0+10");
}

static void more_ranges_than_the_maximum_mean_the_whole(void **state)
{
        struct ctx *ctx = *state;
        struct http_ranges ranges;
        const char *header = "bytes=0-0";

        for (int i = 1; i < HTTP_RANGES_MAX; i++)
                header = arena_printf(ctx->arena, "%s,1-1", header);
        assert_int_equal(http_ranges_read(ctx, header, 10, &ranges), OK);
        assert_int_equal(ranges.count, HTTP_RANGES_MAX);
        header = arena_printf(ctx->arena, "%s,2-2", header);
        assert_int_equal(http_ranges_read(ctx, header, 10, &ranges), OK);
        assert_int_equal(ranges.count, 0);
}

/* ---- conditions: of what has the ETag "abc" and FIXTURE_TIME_US, 2024-01-15T10:30:00Z ---- */

#define THEN   "Mon, 15 Jan 2024 10:30:00 GMT"
#define BEFORE "Mon, 15 Jan 2024 10:29:59 GMT"
#define AFTER  "Mon, 15 Jan 2024 10:30:01 GMT"

/* 200, 304 or 412: what two headers make of it; the second may be NULL. */
static int judged(struct ctx *ctx, const char *prefix, const char *first, const char *second)
{
        static const struct http_entity entity = { "abc", FIXTURE_TIME_US + 999999 };
        const char *const variables[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/", first, second,
                                          NULL };
        const struct request *request = fixture_request(ctx, variables, "");
        bool not_modified = false;
        enum err rc = http_conditions_check(ctx, request, prefix, &entity, &not_modified);

        if (rc == ERR_PRECONDITION) {
                assert_string_equal(ctx->code, "PreconditionFailed");
                return 412;
        }
        assert_int_equal(rc, OK);
        return not_modified ? 304 : 200;
}

static void conditions_follow_rfc_9110(void **state)
{
        static const struct {
                const char *first, *second;
                int status;
        } cases[] = {
                { "HTTP_X=1", NULL, 200 },
                { "HTTP_IF_MATCH=\"abc\"", NULL, 200 },
                { "HTTP_IF_MATCH=abc", NULL, 200 },
                { "HTTP_IF_MATCH=*", NULL, 200 },
                { "HTTP_IF_MATCH=\"x\", \"abc\"", NULL, 200 },
                { "HTTP_IF_MATCH=\"ab\"", NULL, 412 },
                { "HTTP_IF_MATCH=\"abcd\"", NULL, 412 },
                { "HTTP_IF_MATCH=", NULL, 412 },
                { "HTTP_IF_NONE_MATCH=\"abc\"", NULL, 304 },
                { "HTTP_IF_NONE_MATCH=W/\"abc\"", NULL, 304 },
                { "HTTP_IF_NONE_MATCH=*", NULL, 304 },
                { "HTTP_IF_NONE_MATCH=\"x\",\"y\"", NULL, 200 },
                { "HTTP_IF_MODIFIED_SINCE=" THEN, NULL, 304 },
                { "HTTP_IF_MODIFIED_SINCE=" AFTER, NULL, 304 },
                { "HTTP_IF_MODIFIED_SINCE=" BEFORE, NULL, 200 },
                { "HTTP_IF_MODIFIED_SINCE=yesterday", NULL, 200 },
                { "HTTP_IF_MODIFIED_SINCE=Monday, 15-Jan-24 10:30:00 GMT", NULL, 304 },
                { "HTTP_IF_MODIFIED_SINCE=Mon Jan 15 10:30:00 2024", NULL, 304 },
                { "HTTP_IF_UNMODIFIED_SINCE=" THEN, NULL, 200 },
                { "HTTP_IF_UNMODIFIED_SINCE=" BEFORE, NULL, 412 },
                { "HTTP_IF_UNMODIFIED_SINCE=soon", NULL, 200 },
                /* a tag goes before a time */
                { "HTTP_IF_MATCH=\"abc\"", "HTTP_IF_UNMODIFIED_SINCE=" BEFORE, 200 },
                { "HTTP_IF_MATCH=\"x\"", "HTTP_IF_UNMODIFIED_SINCE=" AFTER, 412 },
                { "HTTP_IF_NONE_MATCH=\"x\"", "HTTP_IF_MODIFIED_SINCE=" AFTER, 200 },
                { "HTTP_IF_NONE_MATCH=\"abc\"", "HTTP_IF_MODIFIED_SINCE=" BEFORE, 304 },
                /* and what must be goes before what need not be sent */
                { "HTTP_IF_MATCH=\"x\"", "HTTP_IF_NONE_MATCH=\"abc\"", 412 },
                { "HTTP_IF_UNMODIFIED_SINCE=" THEN, "HTTP_IF_MODIFIED_SINCE=" THEN, 304 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int status = judged(*state, "", cases[i].first, cases[i].second);

                if (status != cases[i].status)
                        fail_msg("%s, %s: %d, not %d", cases[i].first,
                                 cases[i].second ? cases[i].second : "nothing", status,
                                 cases[i].status);
        }
}

static void conditions_on_the_source_of_a_copy_have_a_prefix(void **state)
{
        struct ctx *ctx = *state;

        assert_int_equal(
                judged(ctx, "X-Amz-Copy-Source-", "HTTP_X_AMZ_COPY_SOURCE_IF_MATCH=\"x\"", NULL),
                412);
        assert_int_equal(judged(ctx, "X-Amz-Copy-Source-", "HTTP_IF_MATCH=\"x\"", NULL), 200);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(one_range_is_cut_to_what_there_is),
                FIXTURE_TEST(a_range_past_the_end_is_not_satisfiable),
                FIXTURE_TEST(several_ranges_are_kept_in_their_order),
                FIXTURE_TEST(what_is_no_range_of_bytes_means_the_whole),
                FIXTURE_TEST(nothing_of_nothing_is_satisfiable),
                FIXTURE_TEST(numbers_beyond_64_bits_are_only_large),
                FIXTURE_TEST(more_ranges_than_the_maximum_mean_the_whole),
                FIXTURE_TEST(conditions_follow_rfc_9110),
                FIXTURE_TEST(conditions_on_the_source_of_a_copy_have_a_prefix),
        };

        return cmocka_run_group_tests_name("ranges and conditions", tests, NULL, NULL);
}
