/* The database: does it answer, is it whole, and of which version is it? */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/database/schema.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/db/db.h"
#include "core/store/store_doctor.h"

#define HEADER_SIZE 100 /* of a SQLite file: sqlite.org/fileformat.html 1.3 */
#define CHECKED_MAX ((off_t)2048 * (off_t)MiB)
#define ANSWER_MS   8000

static const char recover[] = "simpletuner-cloud db recover --help";

/* The header alone. Nothing of this process has the file open: closing it would give up SQLite's
 * locks on it. False: it is not worth asking SQLite. */
static bool look_at_header(struct ctx *ctx, struct doctor *doctor, const char *file,
                           const struct stat *st)
{
        CLEANUP(close_fdp) int fd = open(file, O_RDONLY | O_CLOEXEC);
        unsigned char header[HEADER_SIZE] = { 0 };
        ssize_t len = fd >= 0 ? read(fd, header, sizeof(header)) : -1;

        if (len < 0) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "namei -l '%s'", file),
                           "The database %s cannot be read: %m", file);
                return false;
        }
        if (st->st_size == 0) {
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud migrate",
                           "The database %s is an empty file", file);
                return false;
        }
        if (len < HEADER_SIZE || memcmp(header, "SQLite format 3", 16) != 0) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, recover,
                           "%s is no SQLite database: it is damaged, or another file", file);
                return false;
        }
        if (header[18] != 2 || header[19] != 2)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "sqlite3 '%s' 'PRAGMA journal_mode=WAL'", file),
                           "The journal mode of %s is not WAL: somebody has changed it", file);
        return true;
}

/* NULL: it is worth asking. */
static bool look_at_sqlite_file(struct ctx *ctx, struct doctor *doctor, const char *file)
{
        struct stat st;

        if (stat(file, &st) == 0)
                return look_at_header(ctx, doctor, file, &st);
        if (errno == ENOENT)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud migrate",
                           "There is no database %s yet", file);
        else
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "namei -l '%s'", file),
                           "The database %s cannot be looked at: %m", file);
        return false;
}

static void check_sqlite(struct ctx *ctx, struct doctor *doctor, const char *file)
{
        const char *trouble = NULL;
        struct stat st;
        enum err rc;

        if (stat(file, &st) == 0 && st.st_size > CHECKED_MAX) {
                doctor_say(ctx, doctor, DOCTOR_NOTE,
                           DOCTOR_COMMAND(ctx, "sqlite3 '%s' 'PRAGMA quick_check'", file),
                           "The database has %jd MiB, too much to be read here to see whether it "
                           "is whole",
                           (intmax_t)st.st_size / (intmax_t)MiB);
                return;
        }
        rc = store_doctor_quick_check(ctx, &trouble);
        if (rc != OK)
                doctor_say(ctx, doctor, DOCTOR_ERROR, recover, "The database cannot be read: %s",
                           ctx->detail);
        else if (trouble)
                doctor_say(ctx, doctor, DOCTOR_ERROR, recover, "The database is damaged: %s",
                           trouble);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "The database %s is whole", file);
}

void doctor_database(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx);
        struct stat st;
        bool given;

        if (file && !look_at_sqlite_file(ctx, doctor, file))
                return;
        if (stat(ctx->config->home, &st) != 0 || doctor_open(ctx, &given) != OK) {
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL,
                           "Not asked, because the service cannot start (see the check "
                           "\"start\")");
                return;
        }
        if (!file)
                db_set_timeout(ctx, ANSWER_MS);
        if (file)
                check_sqlite(ctx, doctor, file);
        else
                doctor_pgsql_server(ctx, doctor);
}

/* ---- its version ---- */

void doctor_schema(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx);
        struct schema_info info;
        struct stat st;
        const bool is_there = stat(ctx->config->home, &st) == 0 && (!file || stat(file, &st) == 0);
        bool given;
        enum err rc;

        if (!is_there && errno != ENOENT) {
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL,
                           "Not known, because %s cannot be looked at: %m",
                           file ? file : ctx->config->home);
                return;
        }
        if (!is_there || (file && st.st_size == 0)) {
                doctor_say(ctx, doctor, DOCTOR_NOTE, "simpletuner-cloud migrate",
                           "The first start, or this command, makes the tables");
                return;
        }
        rc = doctor_open(ctx, &given);
        if (rc == OK) {
                db_set_timeout(ctx, ANSWER_MS);
                rc = schema_info(ctx, &info);
        }
        if (rc == ERR_CONFLICT)
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud --version", "%s",
                           ctx->detail);
        else if (rc != OK)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL,
                           "Not known, because the database does not answer");
        else if (info.version == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "simpletuner-cloud migrate",
                           "The database has no tables yet");
        else if (info.version < info.newest)
                doctor_say(ctx, doctor, DOCTOR_ERROR, "simpletuner-cloud migrate",
                           "The database has schema version %u, this program needs %u",
                           info.version, info.newest);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "The schema is of version %u",
                           info.version);
}
