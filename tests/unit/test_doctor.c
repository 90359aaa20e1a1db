#include <linux/magic.h>
#include <string.h>
#include <sys/timex.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor.h"
#include "core/cloud/doctor/doctor_clock.h"
#include "core/cloud/doctor/doctor_http.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/doctor/doctor_proc.h"
#include "tests/fixture.h"

/* ---- /proc/locks ---- */

static void a_lock_of_bytes_is_read(void **state)
{
        struct proc_lock lock;

        (void)state;
        assert_true(proc_lock_parse("12: POSIX  ADVISORY  WRITE 4711 fd:0a:131073 120 120", &lock));
        assert_true(lock.write);
        assert_false(lock.flock);
        assert_false(lock.waiting);
        assert_int_equal(lock.pid, 4711);
        assert_int_equal(lock.major, 0xfd);
        assert_int_equal(lock.minor, 0x0a);
        assert_int_equal(lock.inode, 131073);
        assert_int_equal(lock.first, 120);
        assert_int_equal(lock.last, 120);
}

static void a_lock_to_the_end_and_one_that_waits_are_told_apart(void **state)
{
        struct proc_lock lock;

        (void)state;
        assert_true(proc_lock_parse("1: FLOCK  ADVISORY  READ 1 00:19:99 0 EOF\n", &lock));
        assert_true(lock.flock);
        assert_false(lock.write);
        assert_int_equal(lock.last, -1);
        assert_true(proc_lock_parse("1: -> POSIX  ADVISORY  WRITE 2 00:19:99 1073741824 1073742335",
                                    &lock));
        assert_true(lock.waiting);
        assert_int_equal(lock.first, 0x40000000);
        assert_true(proc_lock_parse("3: OFDLCK ADVISORY  READ -1 08:01:7 100 101", &lock));
        assert_int_equal(lock.pid, -1);
}

static void lines_of_another_form_are_no_locks(void **state)
{
        static const char *const lines[] = { "",
                                             "1:",
                                             "POSIX ADVISORY WRITE 1 00:19:99 0 EOF",
                                             "1: POSIX ADVISORY WRITE x 00:19:99 0 EOF",
                                             "1: POSIX ADVISORY WRITE 1 0019:99 0 EOF",
                                             "1: POSIX ADVISORY WRITE 1 00:19:99 0" };
        struct proc_lock lock;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                assert_false(proc_lock_parse(lines[i], &lock));
}

/* ---- crontabs ---- */

static void lines_that_start_the_companion_are_known(void **state)
{
        static const char *const lines[] = {
                "* * * * * simpletuner-cloud cron",
                "* * * * * www-data /usr/bin/simpletuner-cloud cron",
                "  */1 * * * *\tst\t/opt/st/bin/simpletuner-cloud cron >/dev/null 2>&1",
                "@reboot simpletuner-cloud info; simpletuner-cloud cron",
                "* * * * * [ -x /usr/bin/simpletuner-cloud ] && '/usr/bin/simpletuner-cloud' cron",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                if (!crontab_line_is_ours(lines[i]))
                        fail_msg("%s", lines[i]);
        }
}

static void other_lines_do_not_start_it(void **state)
{
        static const char *const lines[] = {
                "",
                "# * * * * * simpletuner-cloud cron",
                "MAILTO=simpletuner-cloud cron",
                "* * * * * simpletuner-cloud backup",
                "* * * * * simpletuner-cloud crony",
                "* * * * * cron simpletuner-cloud",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                if (crontab_line_is_ours(lines[i]))
                        fail_msg("%s", lines[i]);
        }
}

static void the_line_is_found_among_others(void **state)
{
        struct ctx *ctx = *state;
        const char *line = NULL;

        assert_true(crontab_has_us(ctx,
                                   "SHELL=/bin/sh\n17 * * * * root run-parts\n"
                                   "* * * * * st simpletuner-cloud cron",
                                   &line));
        assert_string_equal(line, "* * * * * st simpletuner-cloud cron");
        assert_false(crontab_has_us(ctx, "17 * * * * root run-parts\n\n", &line));
}

/* ---- processes ---- */

static void options_of_a_process_are_read(void **state)
{
        static const char arguments[] = "x.fcgi\0--listen\0/run/a.sock\0--listen-bulk=/run/b.sock\0"
                                        "--socket-mode\0";
        const struct proc_info process = { .arguments = arguments };

        (void)state;
        assert_string_equal(proc_option(&process, "--listen"), "/run/a.sock");
        assert_string_equal(proc_option(&process, "--listen-bulk"), "/run/b.sock");
        assert_null(proc_option(&process, "--socket-mode"));
        assert_null(proc_option(&process, "--threads"));
}

static void a_program_is_heard_and_one_that_hangs_is_ended(void **state)
{
        static const char *const says[] = { "echo", "hello", NULL };
        static const char *const hangs[] = { "sleep", "60", NULL };
        static const char *const none[] = { "no-such-program-anywhere", NULL };
        struct ctx *ctx = *state;
        int status = -1;

        assert_string_equal(proc_output(ctx, says, 10000, &status), "hello\n");
        assert_int_equal(status, 0);
        assert_null(proc_output(ctx, hangs, 1, &status));
        assert_null(proc_output(ctx, none, 10000, &status));
}

/* ---- clocks ---- */

static void a_clock_that_nobody_keeps_is_told(void **state)
{
        const char *found;

        (void)state;
        assert_int_equal(doctor_judge_ntp(TIME_OK, STA_PLL, &found), DOCTOR_OK);
        assert_int_equal(doctor_judge_ntp(TIME_ERROR, STA_UNSYNC, &found), DOCTOR_NOTE);
        assert_int_equal(doctor_judge_ntp(TIME_OK, STA_UNSYNC, &found), DOCTOR_NOTE);
}

static void clocks_may_be_some_seconds_apart(void **state)
{
        (void)state;
        assert_int_equal(doctor_judge_offset(0, 300), DOCTOR_OK);
        assert_int_equal(doctor_judge_offset(-29, 300), DOCTOR_OK);
        assert_int_equal(doctor_judge_offset(30, 300), DOCTOR_WARNING);
        assert_int_equal(doctor_judge_offset(-299, 300), DOCTOR_WARNING);
        assert_int_equal(doctor_judge_offset(300, 300), DOCTOR_ERROR);
        assert_int_equal(doctor_judge_offset(-86400, 300), DOCTOR_ERROR);
}

static void dates_of_http_are_read(void **state)
{
        int64_t us = 0;

        (void)state;
        assert_true(doctor_parse_http_date("Mon, 15 Jan 2024 10:30:00 GMT", &us));
        assert_int_equal(us, INT64_C(1705314600) * US_PER_S);
        assert_false(doctor_parse_http_date("2024-01-15T10:30:00Z", &us));
        assert_false(doctor_parse_http_date("Mon, 15 Jan 2024 10:30:00 GMT+1", &us));
        assert_false(doctor_parse_http_date("", &us));
}

static const char *judge(struct ctx *ctx, int64_t days)
{
        struct crypto_certificate seen = { .subject = "CN = cloud", .issuer = "CN = authority" };
        struct doctor doctor = { 0 };
        const char *said;

        seen.not_after_us = FIXTURE_TIME_US + days * US_PER_DAY;
        buf_init(&doctor.out, 4 * KiB);
        doctor_judge_certificate(ctx, &doctor, "https://cloud.example", &seen);
        said = arena_strdup(ctx->arena, buf_str(&doctor.out));
        buf_done(&doctor.out);
        return said;
}

static void a_certificate_is_told_two_weeks_before_its_end(void **state)
{
        static const struct config config = {
                .https_proxy = "", .http_proxy = "", .no_proxy = "", .ca_bundle = ""
        };
        struct ctx *ctx = *state;
        const char *said;

        ctx->config = &config;
        assert_string_equal(judge(ctx, 15), "");
        said = judge(ctx, 13);
        assert_non_null(strstr(said, "subject: CN = cloud; issuer: CN = authority"));
        assert_non_null(strstr(said, "ends on 2024-01-28, in 13 days"));
        assert_non_null(strstr(said, "openssl s_client -connect cloud.example:443"));
}

/* ---- file systems ---- */

static void a_database_on_a_network_file_system_is_an_error(void **state)
{
        static const struct {
                unsigned long magic;
                const char *name;
        } kinds[] = {
                { NFS_SUPER_MAGIC, "NFS" },   { SMB_SUPER_MAGIC, "SMB" },
                { CIFS_SUPER_MAGIC, "CIFS" }, { SMB2_SUPER_MAGIC, "SMB2" },
                { V9FS_MAGIC, "9P" },         { CEPH_SUPER_MAGIC, "Ceph" },
                { 0x0bd00bd0, "Lustre" },     { AFS_SUPER_MAGIC, "AFS" },
                { AFS_FS_MAGIC, "AFS" },      { CODA_SUPER_MAGIC, "Coda" },
                { 0x19830326, "BeeGFS" },     { 0x47504653, "GPFS" },
                { 0x01161970, "GFS2" },       { OCFS2_SUPER_MAGIC, "OCFS2" },
                { 0x786f4256, "vboxsf" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                const struct doctor_file_system *found = doctor_judge_file_system(kinds[i].magic);

                if (!found || found->level != DOCTOR_ERROR ||
                    strcmp(found->name, kinds[i].name) != 0)
                        fail_msg("%s (%lx)", kinds[i].name, kinds[i].magic);
                assert_non_null(strstr(found->why, "use PostgreSQL"));
        }
}

/* The field is a signed word, of which only 32 bits are meant. */
static void the_sign_of_a_kind_of_file_system_does_not_matter(void **state)
{
        const long cifs = (int32_t)CIFS_SUPER_MAGIC;

        (void)state;
        assert_string_equal(doctor_judge_file_system((unsigned long)cifs)->name, "CIFS");
}

static void what_may_be_lost_or_a_network_is_a_warning(void **state)
{
        static const struct {
                unsigned long magic;
                const char *why;
        } kinds[] = {
                { FUSE_SUPER_MAGIC, "may be a network's" },
                { TMPFS_MAGIC, "does not outlive a restart" },
                { RAMFS_MAGIC, "does not outlive a restart" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                const struct doctor_file_system *found = doctor_judge_file_system(kinds[i].magic);

                assert_non_null(found);
                assert_int_equal(found->level, DOCTOR_WARNING);
                assert_non_null(strstr(found->why, kinds[i].why));
        }
}

static void a_database_on_a_local_disk_is_well(void **state)
{
        static const unsigned long magics[] = {
                EXT4_SUPER_MAGIC,
                XFS_SUPER_MAGIC,
                BTRFS_SUPER_MAGIC,
                OVERLAYFS_SUPER_MAGIC,
                F2FS_SUPER_MAGIC,
                0x2fc12fc1 /* ZFS */,
                0,
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
                if (doctor_judge_file_system(magics[i]))
                        fail_msg("%lx", magics[i]);
        }
}

/* ---- HTTP ---- */

static void chunks_become_one_body(void **state)
{
        struct ctx *ctx = *state;
        char *body = arena_strdup(ctx->arena, "5\r\nhello\r\nA;x=y\r\n, world!!!\r\n0\r\n\r\n");
        size_t len = 0;

        assert_true(doctor_dechunk(body, strlen(body), &len));
        assert_int_equal(len, 15);
        assert_string_equal(body, "hello, world!!!");
}

static void what_is_no_chunks_is_refused(void **state)
{
        static const char *const bodies[] = { "",
                                              "5",
                                              "5\r\nhell",
                                              "x\r\nhello\r\n0\r\n\r\n",
                                              "ffffffffffffffff\r\nhello\r\n",
                                              "fffffffffffffffe\r\nhello\r\n" };
        struct ctx *ctx = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                char *body = arena_strdup(ctx->arena, bodies[i]);
                size_t len;

                assert_false(doctor_dechunk(body, strlen(body), &len));
        }
}

static void a_url_is_taken_apart(void **state)
{
        const struct config config = {
                .https_proxy = "", .http_proxy = "", .no_proxy = "", .ca_bundle = ""
        };
        struct ctx *ctx = *state;
        struct doctor_place place;

        ctx->config = &config;
        assert_int_equal(doctor_place_of(ctx, "https://cloud.example:8443/base/", &place), OK);
        assert_string_equal(place.url, "https://cloud.example:8443/base");
        assert_string_equal(place.authority, "cloud.example:8443");
        assert_string_equal(place.prefix, "/base");
        assert_int_equal(doctor_place_of(ctx, "http://[::1]", &place), OK);
        assert_string_equal(place.authority, "[::1]");
        assert_string_equal(place.prefix, "");
        assert_int_equal(doctor_place_of(ctx, "ftp://cloud.example", &place), ERR_INVALID);
        assert_int_equal(doctor_place_of(ctx, "cloud.example", &place), ERR_INVALID);
}

/* ---- the checks ---- */

static void the_help_names_every_check_in_its_order(void **state)
{
        struct ctx *ctx = *state;
        const char *names = "";

        for (size_t n = 0; doctor_check_name(n); n++)
                names = arena_printf(ctx->arena, "%s%s%s", names, n ? ", " : "",
                                     doctor_check_name(n));
        for (const char *a = names, *b = DOCTOR_CHECKS; *a || *b; a++, b++) {
                if (*a != *b && !(*a == ' ' && *b == '\n'))
                        fail_msg("the help has \"%s\" where the table has \"%s\"", b, a);
        }
}

static void names_of_checks_are_known_and_others_are_not(void **state)
{
        (void)state;
        assert_true(doctor_knows("disk"));
        assert_true(doctor_knows("front,settings"));
        assert_false(doctor_knows(""));
        assert_false(doctor_knows("disk,"));
        assert_false(doctor_knows("dis"));
        assert_false(doctor_knows("disk,disk"));
        assert_false(doctor_knows("disk front"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(a_lock_of_bytes_is_read),
                FIXTURE_TEST(a_lock_to_the_end_and_one_that_waits_are_told_apart),
                FIXTURE_TEST(lines_of_another_form_are_no_locks),
                FIXTURE_TEST(lines_that_start_the_companion_are_known),
                FIXTURE_TEST(other_lines_do_not_start_it),
                FIXTURE_TEST(the_line_is_found_among_others),
                FIXTURE_TEST(options_of_a_process_are_read),
                FIXTURE_TEST(a_program_is_heard_and_one_that_hangs_is_ended),
                FIXTURE_TEST(a_clock_that_nobody_keeps_is_told),
                FIXTURE_TEST(clocks_may_be_some_seconds_apart),
                FIXTURE_TEST(dates_of_http_are_read),
                FIXTURE_TEST(a_certificate_is_told_two_weeks_before_its_end),
                FIXTURE_TEST(a_database_on_a_network_file_system_is_an_error),
                FIXTURE_TEST(the_sign_of_a_kind_of_file_system_does_not_matter),
                FIXTURE_TEST(what_may_be_lost_or_a_network_is_a_warning),
                FIXTURE_TEST(a_database_on_a_local_disk_is_well),
                FIXTURE_TEST(chunks_become_one_body),
                FIXTURE_TEST(what_is_no_chunks_is_refused),
                FIXTURE_TEST(a_url_is_taken_apart),
                FIXTURE_TEST(the_help_names_every_check_in_its_order),
                FIXTURE_TEST(names_of_checks_are_known_and_others_are_not),
        };

        return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
