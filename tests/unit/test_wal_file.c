/* Reading a write-ahead log: what SQLite wrote is read, and nothing that was torn, changed, or left
 * over from an older log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/db/wal_file.h"
#include "tests/fixture.h"

#define LOG_MAX (1024 * 1024)

struct log {
        struct wal_header header;
        size_t len;
        unsigned char bytes[LOG_MAX];
};

/* A log that the sqlite3 shell made, of several transactions, and did not checkpoint. */
static struct log *make_log(struct ctx *ctx)
{
        static const char sql[] =
                "PRAGMA journal_mode = WAL;\nPRAGMA wal_autocheckpoint = 0;\n"
                ".dbconfig no_ckpt_on_close on\n"
                "CREATE TABLE t (x);\nINSERT INTO t VALUES (1);\n"
                "INSERT INTO t VALUES (randomblob(9000));\nUPDATE t SET x = 2 WHERE x = 1;\n"
                "INSERT INTO t VALUES (hex(randomblob(20000)));\n";
        const char *path = fixture_path(ctx, "x.db"), *script = fixture_path(ctx, "script");
        struct log *log = arena_alloc(ctx->arena, sizeof(*log));
        FILE *file;
        pid_t pid;
        int status;

        fixture_write(ctx, "script", sql);
        pid = fork();
        if (pid == 0) {
                if (!freopen(script, "r", stdin) || !freopen("/dev/null", "w", stdout))
                        _exit(1);
                execlp("sqlite3", "sqlite3", path, (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        file = fopen(fixture_path(ctx, "x.db-wal"), "rb");
        assert_non_null(file);
        log->len = fread(log->bytes, 1, LOG_MAX, file);
        fclose(file);
        assert_true(log->len > WAL_HEADER_SIZE);
        assert_true(wal_header_parse(log->bytes, &log->header));
        return log;
}

/* Frames that are good, from the first on. */
static uint32_t good_frames(const struct log *log, const unsigned char *bytes, size_t len)
{
        struct wal_point point = wal_header_point(&log->header);
        struct wal_frame frame;

        for (;;) {
                int64_t at = wal_frame_at(log->header.page_size, point.frame + 1);

                if ((size_t)at + wal_frame_bytes(log->header.page_size) > len ||
                    !wal_frame_check(&log->header, bytes + at, &point, &frame))
                        return point.frame;
        }
}

static uint32_t frames_of(const struct log *log)
{
        return (uint32_t)((log->len - WAL_HEADER_SIZE) / wal_frame_bytes(log->header.page_size));
}

static void what_sqlite_wrote_is_read(void **state)
{
        struct log *log = make_log(*state);

        assert_true(frames_of(log) > 5);
        assert_int_equal(good_frames(log, log->bytes, log->len), frames_of(log));
}

static void a_change_of_any_bit_ends_it_at_that_frame(void **state)
{
        struct log *log = make_log(*state);
        const size_t size = wal_frame_bytes(log->header.page_size);

        srand(1);
        for (unsigned i = 0; i < 2000; i++) {
                size_t at = WAL_HEADER_SIZE + (size_t)rand() % (log->len - WAL_HEADER_SIZE);
                unsigned char bit = (unsigned char)(1u << (rand() % 8));

                log->bytes[at] ^= bit;
                assert_int_equal(good_frames(log, log->bytes, log->len),
                                 (at - WAL_HEADER_SIZE) / size);
                log->bytes[at] ^= bit;
        }
}

static void a_header_with_any_other_bit_is_none(void **state)
{
        struct log *log = make_log(*state);
        struct wal_header header;

        for (unsigned bit = 0; bit < 8 * WAL_HEADER_SIZE; bit++) {
                log->bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
                assert_false(wal_header_parse(log->bytes, &header));
                log->bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        }
}

static void frames_of_another_log_do_not_follow(void **state)
{
        struct log *log = make_log(*state);

        log->header.salt[0]++;
        assert_int_equal(good_frames(log, log->bytes, log->len), 0);
}

static void frames_in_another_order_do_not_follow(void **state)
{
        struct log *log = make_log(*state);
        const size_t size = wal_frame_bytes(log->header.page_size);
        unsigned char *first = log->bytes + WAL_HEADER_SIZE;

        memmove(first + size, first + 2 * size, log->len - WAL_HEADER_SIZE - 2 * size);
        assert_int_equal(good_frames(log, log->bytes, log->len - size), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(what_sqlite_wrote_is_read),
                FIXTURE_TEST(a_change_of_any_bit_ends_it_at_that_frame),
                FIXTURE_TEST(a_header_with_any_other_bit_is_none),
                FIXTURE_TEST(frames_of_another_log_do_not_follow),
                FIXTURE_TEST(frames_in_another_order_do_not_follow),
        };

        return cmocka_run_group_tests_name("wal_file", tests, NULL, NULL);
}
