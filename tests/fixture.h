/* What every test starts from: a ctx with an arena and a clock that stands at FIXTURE_TIME_US, and
 * a directory of its own. Base only: no database, no network. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

/* cmocka.h wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/ctx.h"

#define FIXTURE_TIME_US INT64_C(1705314600000000) /* 2024-01-15T10:30:00Z */

/* Never NULL: a test that cannot start fails. */
struct ctx *fixture_ctx(void);
void fixture_free(struct ctx *ctx);

/* cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown): *state is the ctx. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Move the clock of the ctx. */
void fixture_advance_us(struct ctx *ctx, int64_t us);

/* A temporary directory, made on first use and removed with all in it by fixture_free. */
const char *fixture_dir(struct ctx *ctx);
/* A path in it; write text to it (and return it); read it whole. All strings live as long. */
const char *fixture_path(struct ctx *ctx, const char *name);
const char *fixture_write(struct ctx *ctx, const char *name, const char *text);
const char *fixture_read(struct ctx *ctx, const char *name);

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
