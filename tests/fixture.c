#include "tests/fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define READ_MAX MiB

/* The arena of the fixture's own strings is apart, so that a test may reset or starve the ctx's. */
struct fixture {
        struct ctx ctx; /* first: the ctx is the handle */
        struct clock clock;
        struct arena *own;
        char dir[64];
};

struct ctx *fixture_ctx(void)
{
        struct fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        fixture->clock = clock_fake(FIXTURE_TIME_US);
        fixture->own = arena_new();
        fixture->ctx.arena = arena_new();
        assert_non_null(fixture->own);
        assert_non_null(fixture->ctx.arena);
        fixture->ctx.clock = &fixture->clock;
        fixture->ctx.actor.kind = ACTOR_LOCAL_ADMIN;
        snprintf(fixture->ctx.correlation_id, CTX_ID_SIZE, "abc123def456");
        return &fixture->ctx;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

void fixture_free(struct ctx *ctx)
{
        struct fixture *fixture = (struct fixture *)ctx;

        if (!fixture)
                return;
        if (fixture->dir[0])
                nftw(fixture->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        arena_free(fixture->ctx.arena);
        arena_free(fixture->own);
        free(fixture);
}

int fixture_setup(void **state)
{
        *state = fixture_ctx();
        return 0;
}

int fixture_teardown(void **state)
{
        fixture_free(*state);
        return 0;
}

void fixture_advance_us(struct ctx *ctx, int64_t us)
{
        ((struct fixture *)ctx)->clock.fake_us += us;
}

const char *fixture_dir(struct ctx *ctx)
{
        struct fixture *fixture = (struct fixture *)ctx;

        if (!fixture->dir[0]) {
                snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/simpletuner-test-XXXXXX");
                assert_non_null(mkdtemp(fixture->dir));
        }
        return fixture->dir;
}

const char *fixture_path(struct ctx *ctx, const char *name)
{
        struct fixture *fixture = (struct fixture *)ctx;
        const char *path = arena_printf(fixture->own, "%s/%s", fixture_dir(ctx), name);

        assert_non_null(path);
        return path;
}

const char *fixture_write(struct ctx *ctx, const char *name, const char *text)
{
        const char *path = fixture_path(ctx, name);
        FILE *out = fopen(path, "we");

        assert_non_null(out);
        assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
        assert_int_equal(fclose(out), 0);
        return path;
}

const char *fixture_read(struct ctx *ctx, const char *name)
{
        struct fixture *fixture = (struct fixture *)ctx;
        char *text = arena_alloc(fixture->own, READ_MAX);
        FILE *in = fopen(fixture_path(ctx, name), "re");
        size_t len;

        assert_non_null(text);
        assert_non_null(in);
        len = fread(text, 1, READ_MAX - 1, in);
        assert_int_equal(fclose(in), 0);
        text[len] = '\0';
        return text;
}
