/* What is wrong with this installation, and what to do about it: a table of checks, each of which
 * says what it found and which command to run next. It runs whatever is wrong: with settings that
 * are no good (config_problem.h), without a database, a responder or a network. Each check is a
 * process of its own, so that one that hangs or dies is a finding and no end of the others. Nothing
 * is changed but probes that are removed again. Operations guide, "Troubleshooting". */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_H
#define CORE_CLOUD_DOCTOR_DOCTOR_H

#include "core/base/ctx.h"

enum doctor_level { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_ERROR, DOCTOR_LEVEL_COUNT };
const char *doctor_level_name(enum doctor_level level); /* "ok", "note", "warning", "error" */

struct doctor_finding {
        const struct doctor_finding *next;
        const char *check, *group; /* constants */
        enum doctor_level level;
        const char *found;   /* a sentence without end mark */
        const char *command; /* a line for a shell; NULL: nothing is to be done */
};

struct doctor_options {
        const char *only; /* names separated by commas; NULL: all checks */
        const char *url;  /* where the front server is tried; NULL: where it should be */
};

struct doctor_report {
        const struct doctor_finding *findings; /* in the order of the table */
        unsigned counts[DOCTOR_LEVEL_COUNT];
        int64_t took_us;
};

/* Run the checks. Needs config, clock and arena of ctx alone; everything is in the arena.
 * ERR_INVALID: options->only names no check, or url is none. ERR_NOMEM, ERR_INTERNAL: no process
 * can be made. */
NODISCARD enum err doctor_run(struct ctx *ctx, const struct doctor_options *options,
                              struct doctor_report *ret);

/* Are all of these, separated by commas, names of checks? */
bool doctor_knows(const char *names);
/* The name of the n-th check, NULL past the last; and all of them, for people. */
const char *doctor_check_name(size_t n);
#define DOCTOR_CHECKS                                                                              \
        "settings, start, files, disk, database, schema, locks, network, clock, secrets,\n"        \
        "provider, webhook, public_url, front, responder, sockets, memory, limits, companion,\n"   \
        "audit, backup, storage, state"

#endif
