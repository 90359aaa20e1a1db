/* What tests of the kept log do again and again. Each row of the table marks is one transaction,
 * numbered from 1. */
#ifndef TESTS_FIXTURE_WAL_H
#define TESTS_FIXTURE_WAL_H

#include "core/cloud/wal/wal_capture.h"
#include "core/cloud/wal/wal_replay.h"
#include "tests/fixture_db.h"

#define FIXTURE_WAL_MINUTE_US (60 * US_PER_S)
#define FIXTURE_WAL_DAYS      7

/* A migrated database whose log is kept; tests are for SQLite only. */
int fixture_wal_setup(void **state);
/* clang-format off */
#define FIXTURE_WAL_TEST(f) { #f, f, fixture_wal_setup, fixture_db_teardown, NULL }
/* clang-format on */

/* Commit these, one by one. */
void fixture_wal_mark(struct ctx *ctx, int64_t from, int64_t to);
/* The sqlite3 shell, as an operator uses it. */
void fixture_wal_shell(struct ctx *ctx, const char *sql);

/* A minute later, look; returns the time of it. begun: why a generation begins; NULL: none does. */
int64_t fixture_wal_look(struct ctx *ctx, struct wal_capture *capture, const char *begun);

/* How many marks there are in the database of a moment, which has no holes and is sound. */
int64_t fixture_wal_marks_at(struct ctx *ctx, int64_t to_us);
/* Five marks were made before each look at times[0 .. count): so it is at each of them, until just
 * before the next, and at the end of all. */
void fixture_wal_assert_fives(struct ctx *ctx, const int64_t *times, int count);
unsigned fixture_wal_generations(struct ctx *ctx);

/* From now on fn is called, with the clock of the ctx as it was, whenever code asks how much time
 * has passed; not while fn runs. is_copying: the base of a generation is being copied. */
typedef void fixture_wal_moment_fn(struct ctx *ctx, bool is_copying);
void fixture_wal_at_moments(struct ctx *ctx, fixture_wal_moment_fn *fn);
void fixture_wal_at_no_moments(struct ctx *ctx);

#endif
