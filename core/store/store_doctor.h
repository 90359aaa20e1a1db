/* What the doctor asks the database itself. */
#ifndef CORE_STORE_STORE_DOCTOR_H
#define CORE_STORE_STORE_DOCTOR_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* SQLite: is the file whole? *ret_trouble: the first thing that is not, in the arena; NULL: it is.
 * Takes as long as reading the file. Faults. */
NODISCARD enum err store_doctor_quick_check(struct ctx *ctx, const char **ret_trouble);

/* PostgreSQL: the server and our role on it. Texts in the arena. */
struct doctor_server {
        int64_t version;      /* 150004 */
        const char *encoding; /* "UTF8" */
        const char *role, *database;
        bool may_create;        /* tables, which migrations need */
        int64_t foreign_tables; /* of ours that the role may not read and write */
        int64_t connections, connections_max;
        bool standby;
};
NODISCARD enum err store_doctor_server(struct ctx *ctx, struct doctor_server *ret); /* faults */

/* Command lines for people: formats, with the database's name or the number of a session. */
#define STORE_DOCTOR_STANDBY "psql -d %s -c 'SELECT pg_is_in_recovery()'"
#define STORE_DOCTOR_COUNT                                                                         \
        "psql -d %s -c 'SELECT usename, application_name, COUNT(*) FROM pg_stat_activity GROUP "   \
        "BY "                                                                                      \
        "1, 2'"
#define STORE_DOCTOR_END "psql -c 'SELECT pg_terminate_backend(%" PRId64 ")'"

/* PostgreSQL: sessions of this database that hold others up, or have had a transaction open and
 * idle for idle_s seconds. Texts live until row returns. */
struct doctor_session {
        int64_t pid, age_s;                              /* of its transaction */
        int64_t waiting;                                 /* how many sessions wait for it */
        const char *user, *application, *client, *state; /* "" where not known */
};
typedef void doctor_session_fn(void *arg, const struct doctor_session *session);
NODISCARD enum err store_doctor_sessions(struct ctx *ctx, int64_t idle_s, doctor_session_fn *row,
                                         void *arg); /* faults */

#endif
