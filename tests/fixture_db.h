/* What tests of the database and of all above it start from: the ctx of fixture.h with a fresh,
 * migrated database, or with the whole of struct cloud around one. Every test of a group runs once
 * per database: always on SQLite, and on PostgreSQL when SIMPLETUNER_TEST_PGSQL_URL is set. */
#ifndef TESTS_FIXTURE_DB_H
#define TESTS_FIXTURE_DB_H

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "tests/fixture.h"

/* Set-ups, *state is the ctx: an empty database; a migrated one; both of them with ctx->cloud too,
 * whose home is the temporary directory. One tear-down for all. */
int fixture_db_setup_empty(void **state);
int fixture_db_setup(void **state);
int fixture_cloud_setup_empty(void **state);
int fixture_cloud_setup(void **state);
int fixture_db_teardown(void **state);

/* clang-format off */
#define FIXTURE_EMPTY_DB_TEST(f) { #f, f, fixture_db_setup_empty, fixture_db_teardown, NULL }
#define FIXTURE_DB_TEST(f)       { #f, f, fixture_db_setup, fixture_db_teardown, NULL }
#define FIXTURE_EMPTY_CLOUD_TEST(f) { #f, f, fixture_cloud_setup_empty, fixture_db_teardown, NULL }
#define FIXTURE_CLOUD_TEST(f)    { #f, f, fixture_cloud_setup, fixture_db_teardown, NULL }
/* clang-format on */

/* Run every test on every database; a name is shown as "[sqlite] a finished job keeps its status".
 * Returns the number of failed tests: what main returns. */
#define FIXTURE_RUN(group, tests) fixture_db_run((group), (tests), ARRAY_SIZE(tests))
int fixture_db_run(const char *group, const struct CMUnitTest *tests, size_t count);

/* Bring an empty database to an older version, as a program of that time would have left it. */
void fixture_migrate_to(struct ctx *ctx, unsigned version);

bool fixture_is_sqlite(const struct ctx *ctx);
/* End the running test as skipped unless the database is this one. */
void fixture_only_on(const struct ctx *ctx, const char *kind);

/* The settings of the ctx, to be changed before threads start. */
struct config *fixture_config(struct ctx *ctx);

/* Another user of the same database, with an arena and a connection of its own: a thread of this
 * process, or, as a stranger, one of another process. Freed by fixture_peer_free. */
struct ctx *fixture_peer(struct ctx *ctx);
struct ctx *fixture_stranger(struct ctx *ctx);
void fixture_peer_free(struct ctx *peer);

/* Run fn in threads at once, each as a peer or a stranger of ctx. A test's assertions must stay in
 * its own thread: fn says whether all was well, and this fails the test if it was not. */
typedef bool fixture_thread_fn(struct ctx *ctx, unsigned index, void *arg);
void fixture_threads(struct ctx *ctx, unsigned count, fixture_thread_fn *fn, void *arg);
void fixture_strangers(struct ctx *ctx, unsigned count, fixture_thread_fn *fn, void *arg);

/* Run statements in a transaction; read one number with a statement that is a string constant. */
void fixture_sql(struct ctx *ctx, const char *sql);
int64_t fixture_number(struct ctx *ctx, const char *sql);

/* The call returns this result, else the test fails with the reason. */
#define assert_rc(ctx, expected, call)                                                             \
        do {                                                                                       \
                if (!fixture_rc_is((ctx), (expected), (call), #call))                              \
                        fail();                                                                    \
        } while (0)
#define assert_ok(ctx, call) assert_rc(ctx, OK, call)
bool fixture_rc_is(const struct ctx *ctx, enum err expected, enum err rc, const char *call);

#endif
