/* Databases that are really damaged: what is left of them is saved, what is not is said, and the
 * damaged file stays as it is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/database/db_recover.h"
#include "core/db/db.h"
#include "tests/fixture_db.h"

#define PAGE 4096
#define ROWS 3000

/* A database with events in it, in one file without a log; its path. */
static const char *make_database(struct ctx *ctx)
{
        static const char sql[] = "INSERT INTO events VALUES ($1, $1, 'job', 'local', NULL, $2)";
        const char *path = fixture_path(ctx, "damaged.db");
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        fixture_only_on(ctx, "sqlite");
        assert_ok(ctx, db_begin(ctx, &tx));
        for (int64_t n = 1; n <= ROWS; n++)
                assert_ok(ctx, db_run(ctx, NULL, sql, "it", n,
                                      "{\"filler\": \"01234567890123456789012345678901234\"}"));
        assert_ok(ctx, db_commit(&tx));
        assert_ok(ctx, db_copy_to(ctx, path));
        return path;
}

static off_t size_of(const char *path)
{
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_size;
}

static void overwrite(const char *path, int64_t at, size_t len)
{
        int fd = open(path, O_WRONLY);
        unsigned char noise[PAGE];

        assert_true(fd >= 0);
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (unsigned char)(rand() >> 3);
        for (size_t end = (size_t)at + len; (size_t)at < end; at += PAGE) {
                len = end - (size_t)at;
                assert_int_equal(pwrite(fd, noise, len < PAGE ? len : PAGE, at),
                                 len < PAGE ? len : PAGE);
        }
        close(fd);
}

static unsigned char sum_of(const char *path)
{
        FILE *file = fopen(path, "rb");
        unsigned char sum = 0;

        assert_non_null(file);
        for (int c = fgetc(file); c != EOF; c = fgetc(file))
                sum = (unsigned char)(sum * 31 + c);
        fclose(file);
        return sum;
}

static const struct sqlite_salvage_table *table_of(const struct db_recover_report *report,
                                                   const char *name)
{
        for (const struct sqlite_salvage_table *t = report->salvage.tables; t; t = t->next) {
                if (strcmp(t->name, name) == 0)
                        return t;
        }
        fail_msg("there is no table %s", name);
        return NULL;
}

/* Recover, and see that what it says is in the new file is there, and the old one as it was. */
static const struct sqlite_salvage_table *recover(struct ctx *ctx, const char *path,
                                                  struct db_recover_report *report)
{
        const unsigned char before = sum_of(path);
        const off_t size = size_of(path);
        struct database *database = NULL;
        struct ctx other = *ctx;
        int64_t rows = -1;

        assert_ok(ctx, db_recover(ctx, path, fixture_path(ctx, "saved.db"), report));
        assert_int_equal(sum_of(path), before);
        assert_int_equal(size_of(path), size);
        assert_true(report->sound);
        assert_ok(&other,
                  database_open(&other, arena_printf(ctx->arena, "sqlite://%s", report->path),
                                &database));
        other.db = db_new(database);
        assert_ok(&other, db_number(&other, &rows, "SELECT COUNT(*) FROM events", ""));
        db_free(other.db);
        database_close(database);
        assert_int_equal(rows, table_of(report, "events")->rows);
        return table_of(report, "events");
}

static void a_sound_file_is_saved_whole(void **state)
{
        struct db_recover_report report;
        const char *path = make_database(*state);

        assert_int_equal(recover(*state, path, &report)->rows, ROWS);
        assert_true(report.complete);
        assert_int_equal(report.schema_version, report.newest);
        assert_true(report.audit_checked && report.audit_valid);
}

static void without_its_first_page_it_is_saved_whole(void **state)
{
        struct db_recover_report report;
        const char *path = make_database(*state);

        overwrite(path, 0, PAGE);
        assert_int_equal(recover(*state, path, &report)->rows, ROWS);
        assert_false(report.salvage.has_header);
        assert_true(report.complete);
}

static void pages_that_are_overwritten_cost_their_rows_alone(void **state)
{
        struct db_recover_report report;
        const char *path = make_database(*state);
        const struct sqlite_salvage_table *events;
        const off_t pages = size_of(path) / PAGE;

        overwrite(path, (pages - 30) * PAGE, 3 * PAGE);
        events = recover(*state, path, &report);
        assert_true(events->rows > ROWS * 8 / 10);
        if (events->rows < ROWS)
                assert_false(report.complete);
        if (events->rows < ROWS && events->lost >= 0)
                assert_int_equal(events->rows + events->lost, ROWS);
}

static void a_file_that_is_cut_off_keeps_what_is_before(void **state)
{
        struct db_recover_report report;
        const char *path = make_database(*state);

        assert_int_equal(truncate(path, size_of(path) * 3 / 4), 0);
        assert_true(recover(*state, path, &report)->rows > 0);
        assert_true(report.salvage.missing_pages > 0);
        assert_false(report.complete);
}

/* The log has all of it, and the file next to nothing. */
static void what_is_only_in_the_log_is_saved(void **state)
{
        struct ctx *ctx = *state;
        struct db_recover_report report;
        const char *live;

        make_database(ctx);
        live = fixture_path(ctx, "jobs.db");
        assert_int_equal(recover(ctx, live, &report)->rows, ROWS);
        assert_true(report.salvage.log_pages > 0);
        assert_true(report.complete);
}

/* Whatever is done to it: an answer, and never more rows than there were. */
static void noise_anywhere_is_borne(void **state)
{
        struct ctx *ctx = *state;
        const char *path = make_database(ctx);
        const off_t size = size_of(path);

        for (unsigned seed = 1; seed <= 12; seed++) {
                struct db_recover_report report;
                const char *saved = fixture_path(ctx, "saved.db");
                const char *strays = fixture_path(ctx, "saved.db.lost_and_found");

                srand(seed);
                for (unsigned i = 0; i < 10; i++)
                        overwrite(path, rand() % (size - PAGE), (size_t)(rand() % 300) + 1);
                if (db_recover(ctx, path, saved, &report) == OK)
                        assert_true(table_of(&report, "events")->rows <= ROWS);
                unlink(saved);
                unlink(strays);
        }
}

static void what_is_no_database_is_refused_and_leaves_nothing(void **state)
{
        struct ctx *ctx = *state;
        const char *path = fixture_path(ctx, "noise.db"), *saved = fixture_path(ctx, "saved.db");
        struct db_recover_report report;

        fixture_only_on(ctx, "sqlite");
        fixture_write(ctx, "noise.db", "no database");
        assert_rc(ctx, ERR_CONFLICT, db_recover(ctx, path, saved, &report));
        assert_int_not_equal(access(saved, F_OK), 0);
        assert_rc(ctx, ERR_NOT_FOUND,
                  db_recover(ctx, fixture_path(ctx, "nothing.db"), saved, &report));
        assert_int_not_equal(access(saved, F_OK), 0);
}

static const struct CMUnitTest tests[] = {
        FIXTURE_CLOUD_TEST(a_sound_file_is_saved_whole),
        FIXTURE_CLOUD_TEST(without_its_first_page_it_is_saved_whole),
        FIXTURE_CLOUD_TEST(pages_that_are_overwritten_cost_their_rows_alone),
        FIXTURE_CLOUD_TEST(a_file_that_is_cut_off_keeps_what_is_before),
        FIXTURE_CLOUD_TEST(what_is_only_in_the_log_is_saved),
        FIXTURE_CLOUD_TEST(noise_anywhere_is_borne),
        FIXTURE_CLOUD_TEST(what_is_no_database_is_refused_and_leaves_nothing),
};

int main(void)
{
        return FIXTURE_RUN("db_recover", tests);
}
