/* The checks of the doctor: each looks, and says what it found. Private to doctor*.c. A check runs
 * in a process of its own, which may be killed at any time. */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_PART_H
#define CORE_CLOUD_DOCTOR_DOCTOR_PART_H

#include "core/base/buf.h"
#include "core/cloud/doctor/doctor.h"

struct doctor {
        const struct doctor_options *options;
        struct buf out;   /* findings, a line of JSON each */
        unsigned said;    /* how many */
        const char *skip; /* why the database cannot be asked; NULL: it can */
};

/* Say something; command is a line for a shell, or NULL. fmt makes a sentence without end mark. */
void doctor_say(struct ctx *ctx, struct doctor *doctor, enum doctor_level level,
                const char *command, const char *fmt, ...) PRINTF(5, 6);
/* Say that nothing was tried, because no token can be made; ctx->detail says why. */
void doctor_say_untried(struct ctx *ctx, struct doctor *doctor);
/* A command in the arena; NULL, which is none, when memory is out. */
#define DOCTOR_COMMAND(ctx, ...) arena_printf((ctx)->arena, __VA_ARGS__)

typedef void doctor_check_fn(struct ctx *ctx, struct doctor *doctor);

/* Settings, and what a start does with them. */
doctor_check_fn doctor_settings, doctor_start;
/* Owners and permissions; space, inodes and kinds of file systems. */
doctor_check_fn doctor_files, doctor_disk, doctor_storage;
/* Does it answer, is it whole, who holds it up? */
doctor_check_fn doctor_database, doctor_schema, doctor_locks;
/* The way out: proxies, certificates, clocks, providers. */
doctor_check_fn doctor_network, doctor_clock, doctor_secrets, doctor_provider, doctor_webhook;
/* The way in. */
doctor_check_fn doctor_public_url, doctor_front;
/* The responder on this host. */
doctor_check_fn doctor_responder, doctor_sockets, doctor_memory, doctor_limits;
/* What goes on without a request. */
doctor_check_fn doctor_companion, doctor_audit, doctor_backup, doctor_state;

/* doctor_pgsql.c: what doctor_database and doctor_locks ask of PostgreSQL. */
doctor_check_fn doctor_pgsql_server, doctor_pgsql_locks;

/* doctor_files.c: this path, or the nearest directory above it that is there; in the arena. NULL:
 * it cannot be looked at, errno says why. */
const char *doctor_nearest(struct ctx *ctx, const char *path);
/* Can what is not there yet be made by a start? False: errno says why not. */
bool doctor_can_make_home(struct ctx *ctx);
bool doctor_can_make_database(struct ctx *ctx, const char *file);

/* doctor_disk.c: what is to be said of a SQLite database on a file system of this kind (f_type of
 * statfs). NULL: nothing. */
struct doctor_file_system {
        unsigned long magic;
        const char *name;
        enum doctor_level level;
        const char *why;
};
const struct doctor_file_system *doctor_judge_file_system(unsigned long f_type);

/* doctor_sendfile.c: a part of doctor_front. */
struct doctor_place;
void doctor_front_sendfile(struct ctx *ctx, struct doctor *doctor,
                           const struct doctor_place *place);

/* Open ctx->cloud, with simpler settings where those given stop a start; *ret_given says so. Faults
 * and ERR_INVALID: detail says why it cannot be opened at all. */
NODISCARD enum err doctor_open(struct ctx *ctx, bool *ret_given);

/* The file of a SQLite database, NULL: it is another kind. Borrowed from config. */
const char *doctor_database_file(const struct ctx *ctx);

#endif
