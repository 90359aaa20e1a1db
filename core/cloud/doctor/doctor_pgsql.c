/* PostgreSQL: the server, our rights on it, and who holds up whom. */
#include <inttypes.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/store/store_doctor.h"

#define VERSION_MIN 130000
#define IDLE_S      60

static void judge_server(struct ctx *ctx, struct doctor *doctor, const struct doctor_server *server)
{
        const int64_t left = server->connections_max - server->connections;

        if (server->version < VERSION_MIN)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "psql --version",
                           "PostgreSQL is of version %" PRId64 ", older than any that is tried",
                           server->version / 10000);
        if (strcmp(server->encoding, "UTF8") != 0)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx,
                                          "createdb --encoding UTF8 --template template0 "
                                          "%s-utf8",
                                          server->database),
                           "The database %s has the encoding %s and not UTF8", server->database,
                           server->encoding);
        if (server->standby)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, STORE_DOCTOR_STANDBY, server->database),
                           "The server is a standby, which takes no writes");
        if (!server->may_create)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx,
                                          "psql -d %s -c 'GRANT CREATE ON SCHEMA public TO "
                                          "\"%s\"'",
                                          server->database, server->role),
                           "The role %s may not make tables: the next migration will fail",
                           server->role);
        if (server->foreign_tables > 0)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx,
                                          "psql -d %s -c 'GRANT ALL ON ALL TABLES IN SCHEMA "
                                          "public TO \"%s\"'",
                                          server->database, server->role),
                           "The role %s may not read and write %" PRId64 " tables", server->role,
                           server->foreign_tables);
        if (left < server->connections_max / 10)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, STORE_DOCTOR_COUNT, server->database),
                           "%" PRId64 " of %" PRId64 " connections of the server are in use",
                           server->connections, server->connections_max);
}

void doctor_pgsql_server(struct ctx *ctx, struct doctor *doctor)
{
        struct doctor_server server;

        if (store_doctor_server(ctx, &server) != OK) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, "pg_isready; pg_lsclusters",
                           "PostgreSQL does not answer: %s", ctx->detail);
                return;
        }
        judge_server(ctx, doctor, &server);
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL,
                           "PostgreSQL %" PRId64 " answers as %s, with the encoding %s",
                           server.version / 10000, server.role, server.encoding);
}

struct sessions {
        struct ctx *ctx;
        struct doctor *doctor;
};

static void add_session(void *arg, const struct doctor_session *session)
{
        const struct sessions *to = arg;
        const char *command = DOCTOR_COMMAND(to->ctx, STORE_DOCTOR_END, session->pid);

        if (session->waiting > 0)
                doctor_say(to->ctx, to->doctor, DOCTOR_WARNING, command,
                           "%" PRId64 " sessions wait for a lock of process %" PRId64
                           " (user %s, program \"%s\", from %s, %s), whose transaction is %" PRId64
                           " s old",
                           session->waiting, session->pid, session->user, session->application,
                           *session->client ? session->client : "this host", session->state,
                           session->age_s);
        else
                doctor_say(to->ctx, to->doctor, DOCTOR_WARNING, command,
                           "Process %" PRId64 " (user %s, program \"%s\", from %s) has had a "
                           "transaction open and idle for %" PRId64 " s",
                           session->pid, session->user, session->application,
                           *session->client ? session->client : "this host", session->age_s);
}

void doctor_pgsql_locks(struct ctx *ctx, struct doctor *doctor)
{
        struct sessions to = { ctx, doctor };

        if (store_doctor_sessions(ctx, IDLE_S, add_session, &to) != OK)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL,
                           "Not known, because the database does not answer: %s", ctx->detail);
        else if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "Nobody waits for another's lock");
}
