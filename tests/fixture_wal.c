#include "tests/fixture_wal.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/db/migrate.h"

int fixture_wal_setup(void **state)
{
        struct ctx *ctx;
        unsigned applied;

        fixture_cloud_setup_empty(state);
        ctx = *state;
        fixture_config(ctx)->backup.wal = (struct wal_config){ true, 10, FIXTURE_WAL_DAYS };
        if (!fixture_is_sqlite(ctx))
                return 0;
        database_keep_log(ctx->cloud->database);
        db_disconnect(ctx);
        assert_ok(ctx, migrate_run(ctx, &applied));
        fixture_sql(ctx, "CREATE TABLE marks (mark BIGINT PRIMARY KEY, filler TEXT)");
        return 0;
}

void fixture_wal_mark(struct ctx *ctx, int64_t from, int64_t to)
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

int64_t fixture_wal_look(struct ctx *ctx, struct wal_capture *capture, const char *begun)
{
        struct wal_look look;

        fixture_advance_us(ctx, FIXTURE_WAL_MINUTE_US);
        assert_ok(ctx, wal_capture_run(ctx, capture, &look));
        assert_false(look.elsewhere);
        if (begun)
                assert_string_equal(look.begun ? look.begun : "nothing", begun);
        else
                assert_null(look.begun);
        return clock_wall_us(ctx->clock);
}

void fixture_wal_shell(struct ctx *ctx, const char *sql)
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

int64_t fixture_wal_marks_at(struct ctx *ctx, int64_t to_us)
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

void fixture_wal_assert_fives(struct ctx *ctx, const int64_t *times, int count)
{
        for (int i = 0; i < count; i++) {
                assert_int_equal(fixture_wal_marks_at(ctx, times[i]), 5 * i + 5);
                if (i < count - 1)
                        assert_int_equal(fixture_wal_marks_at(ctx, times[i + 1] - 1), 5 * i + 5);
        }
        assert_int_equal(fixture_wal_marks_at(ctx, WAL_LATEST), 5 * count);
}

unsigned fixture_wal_generations(struct ctx *ctx)
{
        struct wal_generation *list = NULL;
        unsigned count = 0;

        assert_ok(ctx, wal_archive_list(ctx, &list));
        for (; list; list = list->next)
                count++;
        return count;
}

/* ---- moments ---- */

static struct {
        struct clock clock;
        const struct clock *inner;
        struct ctx *ctx;
        fixture_wal_moment_fn *fn;
} moments;

static bool is_copying(struct ctx *ctx)
{
        const char *dir = NULL;
        glob_t found;
        bool is;

        assert_ok(ctx, wal_archive_dir(ctx, &dir));
        is = glob(arena_printf(ctx->arena, "%s/.new-*/" WAL_BASE_FILE, dir), 0, NULL, &found) == 0;
        globfree(&found);
        return is;
}

static int64_t moment_wall_us(const struct clock *clock)
{
        (void)clock;
        return clock_wall_us(moments.inner);
}

static int64_t moment_mono_us(const struct clock *clock)
{
        struct ctx *ctx = moments.ctx;

        ctx->clock = moments.inner;
        moments.fn(ctx, is_copying(ctx));
        ctx->clock = clock;
        return clock_mono_us(moments.inner);
}

static void moment_sleep_us(const struct clock *clock, int64_t us)
{
        (void)clock;
        clock_sleep_us(moments.inner, us);
}

void fixture_wal_at_moments(struct ctx *ctx, fixture_wal_moment_fn *fn)
{
        moments.clock = (struct clock){ moment_wall_us, moment_mono_us, moment_sleep_us, 0 };
        moments.inner = ctx->clock;
        moments.ctx = ctx;
        moments.fn = fn;
        ctx->clock = &moments.clock;
}

void fixture_wal_at_no_moments(struct ctx *ctx)
{
        ctx->clock = moments.inner;
}
