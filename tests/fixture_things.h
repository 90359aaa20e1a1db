/* A table with every kind of column, for tests of the database interface itself. */
#ifndef TESTS_FIXTURE_THINGS_H
#define TESTS_FIXTURE_THINGS_H

#include "tests/fixture_db.h"

#define THINGS_INSERT                                                                              \
        "INSERT INTO things (id, word, number, amount, later) VALUES ($1, $2, $3, $4, $5)"
#define THINGS_READ "SELECT word, number, amount, later FROM things WHERE id = $1"

/* The table things, in an otherwise empty database. */
int fixture_things_setup(void **state);

/* clang-format off */
#define FIXTURE_THINGS_TEST(f) { #f, f, fixture_things_setup, fixture_db_teardown, NULL }
/* clang-format on */

/* A row in a transaction of its own; amount 0.5, later NULL. */
NODISCARD enum err thing_insert(struct ctx *ctx, int64_t id, const char *word, int64_t number);
/* What THINGS_READ says of one that must be there; the caller frees it. */
struct db_stmt *thing_read(struct ctx *ctx, int64_t id);
int64_t things_count(struct ctx *ctx);

#endif
