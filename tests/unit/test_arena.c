#include <string.h>

#include "core/base/arena.h"
#include "tests/fixture.h"

static void memory_is_zeroed_and_aligned(void **state)
{
        struct ctx *ctx = *state;

        for (size_t size = 0; size < 100; size++) {
                unsigned char *p = arena_alloc(ctx->arena, size);

                assert_non_null(p);
                assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
                for (size_t i = 0; i < size; i++)
                        assert_int_equal(p[i], 0);
                memset(p, 0xAA, size);
        }
}

static void memory_is_zeroed_again_after_a_reset(void **state)
{
        struct ctx *ctx = *state;
        char *p = arena_alloc(ctx->arena, 64);

        assert_non_null(p);
        memset(p, 0xAA, 64);
        arena_reset(ctx->arena);
        p = arena_alloc(ctx->arena, 64);
        assert_non_null(p);
        for (size_t i = 0; i < 64; i++)
                assert_int_equal(p[i], 0);
}

static void allocations_larger_than_a_block_work(void **state)
{
        struct ctx *ctx = *state;
        char *small = arena_strdup(ctx->arena, "before");
        char *large = arena_alloc(ctx->arena, MiB);

        assert_non_null(small);
        assert_non_null(large);
        memset(large, 1, MiB);
        assert_string_equal(small, "before");
        arena_reset(ctx->arena);
        assert_non_null(arena_alloc(ctx->arena, 1));
}

static void an_absurd_size_is_refused(void **state)
{
        struct ctx *ctx = *state;

        assert_null(arena_alloc(ctx->arena, SIZE_MAX - 8));
}

static void copies_are_terminated(void **state)
{
        struct ctx *ctx = *state;

        assert_string_equal(arena_strdup(ctx->arena, ""), "");
        assert_string_equal(arena_strndup(ctx->arena, "abcdef", 3), "abc");
        assert_string_equal(arena_printf(ctx->arena, "%s-%d", "job", 7), "job-7");
}

static void the_chosen_allocation_fails_once(void **state)
{
        struct ctx *ctx = *state;

        arena_fail_after(ctx->arena, 2);
        assert_non_null(arena_alloc(ctx->arena, 8));
        assert_null(arena_alloc(ctx->arena, 8));
        assert_non_null(arena_alloc(ctx->arena, 8));
}

static void a_context_says_when_memory_is_out(void **state)
{
        struct ctx *ctx = *state;
        const char *copy = "untouched";

        arena_fail_after(ctx->arena, 1);
        assert_int_equal(ctx_strdup(ctx, "x", &copy), ERR_NOMEM);
        assert_string_equal(copy, "untouched");
        assert_string_equal(ctx->detail, "out of memory");
        assert_int_equal(ctx_strdup(ctx, NULL, &copy), OK);
        assert_null(copy);
}

static void every_result_has_a_word_and_a_class(void **state)
{
        (void)state;
        for (int rc = OK; rc < ERR_COUNT; rc++)
                assert_true(rc == ERR_INTERNAL || strcmp(err_code((enum err)rc), "internal") != 0);
        assert_string_equal(err_code(ERR_COUNT), "internal");
        assert_false(err_is_fault(ERR_OUTCOME_UNKNOWN));
        assert_true(err_is_fault(ERR_UNAVAILABLE));
        assert_true(err_is_fault(ERR_INTERNAL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(memory_is_zeroed_and_aligned),
                FIXTURE_TEST(memory_is_zeroed_again_after_a_reset),
                FIXTURE_TEST(allocations_larger_than_a_block_work),
                FIXTURE_TEST(an_absurd_size_is_refused),
                FIXTURE_TEST(copies_are_terminated),
                FIXTURE_TEST(the_chosen_allocation_fails_once),
                FIXTURE_TEST(a_context_says_when_memory_is_out),
                FIXTURE_TEST(every_result_has_a_word_and_a_class),
        };

        return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
