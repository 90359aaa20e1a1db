/* The kept log against real SQLite: what was committed before a moment is in the database of that
 * moment, what came later is not, whoever else works on the file; and what cannot be known is
 * never claimed. Each row of marks is one transaction, numbered from 1. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cloud/wal_capture.h"
#include "core/cloud/wal_replay.h"
#include "core/db/migrate.h"
#include "tests/fixture_db.h"

#define MINUTE_US (60 * US_PER_S)

static int setup(void **state)
{
        struct ctx *ctx;
        unsigned applied;

        fixture_cloud_setup_empty(state);
        ctx = *state;
        fixture_config(ctx)->backup.wal = (struct wal_config){ true, 10, 7 };
        if (!fixture_is_sqlite(ctx))
                return 0;
        database_keep_log(ctx->cloud->database);
        db_disconnect(ctx);
        assert_ok(ctx, migrate_run(ctx, &applied));
        fixture_sql(ctx, "CREATE TABLE marks (mark BIGINT PRIMARY KEY, filler TEXT)");
        return 0;
}

#define TEST(f)                                                                                    \
        {                                                                                          \
#f, f, setup, fixture_db_teardown, NULL                                            \
        }

static void mark(struct ctx *ctx, int64_t from, int64_t to)
{
        static const char sql[] = "INSERT INTO marks VALUES ($1, $2)";
        char filler[2000];

        memset(filler, 'x', sizeof(filler) - 1);
        filler[sizeof(filler) - 1] = '\0';
        for (int64_t n = from; n <= to; n++) {
                CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

                assert_ok(ctx, db_begin(ctx, &tx));
                assert_ok(ctx, db_run(ctx, NULL, sql, "it", n, filler));
                assert_ok(ctx, db_commit(&tx));
        }
}

/* A minute later, look; returns the time of it. */
static int64_t look(struct ctx *ctx, struct wal_capture *capture, const char *begun)
{
        struct wal_look look;

        fixture_advance_us(ctx, MINUTE_US);
        assert_ok(ctx, wal_capture_run(ctx, capture, &look));
        assert_false(look.elsewhere);
        if (begun)
                assert_string_equal(look.begun, begun);
        else
                assert_null(look.begun);
        return clock_wall_us(ctx->clock);
}

/* The sqlite3 shell, as an operator uses it. */
static void shell(struct ctx *ctx, const char *sql)
{
        const char *path = database_path(ctx->cloud->database);
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                int null = open("/dev/null", O_WRONLY);

                dup2(null, STDOUT_FILENO);
                execlp("sqlite3", "sqlite3", "-cmd", ".timeout 5000", path, sql, (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static int64_t number_in(struct ctx *ctx, const char *path, const char *sql)
{
        struct ctx other = *ctx;
        struct database *database = NULL;
        int64_t number = -1;

        assert_ok(&other,
                  database_open(&other, arena_printf(ctx->arena, "sqlite://%s", path), &database));
        other.db = db_new(database);
        assert_ok(&other, db_number(&other, &number, sql, ""));
        db_free(other.db);
        database_close(database);
        return number;
}

/* How many marks there are in the database of a moment, which has no holes and is sound. */
static int64_t marks_at(struct ctx *ctx, int64_t to_us)
{
        static unsigned made;
        char name[32];
        const char *path;
        struct wal_reach reach;
        int64_t count;

        snprintf(name, sizeof(name), "then-%u.db", made++);
        path = fixture_path(ctx, name);
        assert_ok(ctx, wal_replay_find(ctx, to_us, &reach));
        assert_true(reach.reached_us <= to_us);
        assert_ok(ctx, wal_replay_write(ctx, &reach, path));
        count = number_in(ctx, path, "SELECT COUNT(*) FROM marks");
        assert_int_equal(number_in(ctx, path, "SELECT COALESCE(MAX(mark), 0) FROM marks"), count);
        assert_int_equal(
                number_in(
                        ctx, path,
                        "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
                1);
        return count;
}

static unsigned generations(struct ctx *ctx)
{
        struct wal_generation *list = NULL;
        unsigned count = 0;

        assert_ok(ctx, wal_archive_list(ctx, &list));
        for (; list; list = list->next)
                count++;
        return count;
}

/* ---- */

static void what_was_committed_before_a_moment_is_in_its_database(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t times[8];

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        mark(ctx, 1, 5);
        times[0] = look(ctx, capture, "first");
        for (int i = 1; i < 8; i++) {
                mark(ctx, 5 * i + 1, 5 * i + 5);
                times[i] = look(ctx, capture, NULL);
        }
        for (int i = 0; i < 8; i++) {
                assert_int_equal(marks_at(ctx, times[i]), 5 * i + 5);
                if (i < 7)
                        assert_int_equal(marks_at(ctx, times[i + 1] - 1), 5 * i + 5);
        }
        assert_int_equal(marks_at(ctx, WAL_LATEST), 40);
}

static void a_log_that_begins_anew_leaves_no_gap(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        struct wal_generation *list = NULL;
        int64_t times[9];

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        times[0] = look(ctx, capture, "first");
        for (int i = 1; i < 9; i++) {
                mark(ctx, 300 * (i - 1) + 1, 300 * i); /* several pages each */
                times[i] = look(ctx, capture, NULL);
        }
        assert_ok(ctx, wal_archive_list(ctx, &list));
        assert_true(list->segments > 1);
        for (int i = 0; i < 9; i++)
                assert_int_equal(marks_at(ctx, times[i]), 300 * i);
}

static void while_it_is_kept_others_cannot_make_a_gap(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *capture = NULL;
        struct ctx *ctx = *state;
        int64_t first, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        mark(ctx, 1, 10);
        look(ctx, capture, "first");
        mark(ctx, 11, 20);
        shell(ctx, "PRAGMA wal_checkpoint(PASSIVE);");
        mark(ctx, 21, 30);
        shell(ctx, "PRAGMA busy_timeout = 50; PRAGMA wal_checkpoint(TRUNCATE);");
        mark(ctx, 31, 40);
        first = look(ctx, capture, NULL);
        shell(ctx, "PRAGMA wal_checkpoint(PASSIVE); INSERT INTO marks VALUES (41, 'x');");
        shell(ctx, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM;");
        second = look(ctx, capture, NULL);
        assert_int_equal(marks_at(ctx, first), 40);
        assert_int_equal(marks_at(ctx, second), 41);
        assert_int_equal(generations(ctx), 1);
}

static void who_goes_on_later_goes_on_in_the_same_generation(void **state)
{
        struct wal_capture *capture;
        struct ctx *ctx = *state;
        int64_t first, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        mark(ctx, 1, 10);
        look(ctx, capture, "first");
        mark(ctx, 11, 20);
        first = look(ctx, capture, NULL);
        wal_capture_free(capture);
        mark(ctx, 21, 30);
        capture = wal_capture_new();
        second = look(ctx, capture, NULL);
        wal_capture_free(capture);
        assert_int_equal(marks_at(ctx, first), 20);
        assert_int_equal(marks_at(ctx, second), 30);
}

static void a_checkpoint_that_nobody_watched_begins_a_generation(void **state)
{
        struct wal_capture *capture;
        struct ctx *ctx = *state;
        struct wal_window *window = NULL;
        int64_t first, second;

        fixture_only_on(ctx, "sqlite");
        capture = wal_capture_new();
        mark(ctx, 1, 10);
        look(ctx, capture, "first");
        mark(ctx, 11, 20);
        first = look(ctx, capture, NULL);
        wal_capture_free(capture);
        mark(ctx, 21, 30);
        shell(ctx, "PRAGMA wal_checkpoint(TRUNCATE);");
        mark(ctx, 31, 40);
        capture = wal_capture_new();
        fixture_advance_us(ctx, 10 * MINUTE_US);
        second = look(ctx, capture, "interrupted");
        wal_capture_free(capture);
        assert_int_equal(marks_at(ctx, first), 20);
        assert_int_equal(marks_at(ctx, second), 40);
        assert_ok(ctx, wal_windows(ctx, &window));
        assert_non_null(window->next);
        assert_int_equal(window->next->from_us, second);
}

static void only_one_keeps_the_log(void **state)
{
        CLEANUP(wal_capture_freep) struct wal_capture *one = NULL;
        CLEANUP(wal_capture_freep) struct wal_capture *two = NULL;
        struct ctx *ctx = *state;
        struct wal_look seen;

        fixture_only_on(ctx, "sqlite");
        one = wal_capture_new();
        two = wal_capture_new();
        look(ctx, one, "first");
        assert_ok(ctx, wal_capture_run(ctx, two, &seen));
        assert_true(seen.elsewhere);
        assert_ok(ctx, wal_capture_once(ctx, &seen));
        assert_true(seen.elsewhere);
}

static const struct CMUnitTest tests[] = {
        TEST(what_was_committed_before_a_moment_is_in_its_database),
        TEST(a_log_that_begins_anew_leaves_no_gap),
        TEST(while_it_is_kept_others_cannot_make_a_gap),
        TEST(who_goes_on_later_goes_on_in_the_same_generation),
        TEST(a_checkpoint_that_nobody_watched_begins_a_generation),
        TEST(only_one_keeps_the_log),
};

int main(void)
{
        return FIXTURE_RUN("wal_capture", tests);
}
