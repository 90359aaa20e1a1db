/* The one explicit context: fcgi builds one per request, cron one per task run, tests one per case.
 * Everything a function needs beyond its arguments is reached from here; there are no globals. */
#ifndef CORE_BASE_CTX_H
#define CORE_BASE_CTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/scope.h"

struct cloud;
struct config;
struct db;
struct event_seats;
struct http_client;

/* Who is asking. */
enum actor_kind {
        ACTOR_ANONYMOUS,   /* no credential */
        ACTOR_LOCAL_ADMIN, /* a loopback peer while there is no user yet, or the companion */
        ACTOR_JOB,         /* a remote job holding its upload token; job_id says which */
        ACTOR_USER,        /* somebody with an account: user_id, name and rights say who */
};

/* What somebody with an account showed. A browser sends the first two by itself, on behalf of any
 * page that asks it to; the others it does not. */
enum actor_via { VIA_NOTHING, VIA_SESSION, VIA_FRONT_SERVER, VIA_API_KEY, VIA_S3_CREDENTIAL };

struct actor {
        enum actor_kind kind;
        enum actor_via via;
        const char *name;       /* as owner and in the audit log; NULL: by its kind */
        const char *job_id;     /* ACTOR_JOB only, in the arena */
        const char *session_id; /* VIA_SESSION only, in the arena: the one in use */
        bool is_bounded;        /* by the scopes of a key: may be less than the user is */
        int64_t user_id;        /* ACTOR_USER only, else 0 */
        uint64_t rights; /* ACTOR_USER only: a permission_set (core/cloud/auth/permission.h) */
};

#define CTX_DETAIL_SIZE 512
#define CTX_ID_SIZE     65
#define CTX_CLIENT_SIZE 64

struct ctx {
        struct arena *arena;         /* freed when the request or task ends */
        struct db *db;               /* borrowed: this thread's database connection */
        struct http_client *http;    /* borrowed: this thread's outbound client */
        const struct config *config; /* borrowed, immutable after start */
        const struct clock *clock;   /* tests pass a fake one */
        struct cloud *cloud;         /* borrowed: what all threads of the process share */
        struct event_seats *seats;   /* borrowed: for listeners on this thread's pool, else NULL */
        struct actor actor;
        char client[CTX_CLIENT_SIZE]; /* the address it comes from, "" when not over the network */
        char correlation_id[CTX_ID_SIZE];
        char job_id[CTX_ID_SIZE];     /* the job this is about, "" if none: for log and answers */
        char detail[CTX_DETAIL_SIZE]; /* why the last call failed, for the caller's eyes */
        unsigned retry_after_s;       /* when trying again later helps: how much; 0: not said */
        const char *details;          /* more about it, a JSON object; in the arena, NULL: none */
        const char *code;             /* a protocol's own word for it; static, NULL: none */
};

/* Record why and return rc, so that a failure is one line:
 *     return ctx_fail(ctx, ERR_INVALID, "limit must be 1 to 500");
 * The text is shown to the caller when rc is a condition: no SQL, no path, no secret in it.
 * For faults it goes to the log only. */
NODISCARD enum err ctx_fail(struct ctx *ctx, enum err rc, const char *fmt, ...) PRINTF(3, 4);

/* The same where a protocol has its own word for the failure, as S3's "NoSuchKey": a static string
 * for answers in that protocol. Plain ctx_fail takes the word away again. */
NODISCARD enum err ctx_fail_as(struct ctx *ctx, enum err rc, const char *code, const char *fmt, ...)
        PRINTF(4, 5);

/* Put what was tried before the reason that is there already: "what: reason". Returns rc.
 * A protocol's word stays. */
NODISCARD enum err ctx_prefix(struct ctx *ctx, enum err rc, const char *what);

/* What users may be shown of a failure rc that is written down: the detail, or for a fault of our
 * own that there was one. */
const char *ctx_shown_detail(const struct ctx *ctx, enum err rc);

/* ctx_fail for an allocation that returned NULL. */
NODISCARD enum err ctx_nomem(struct ctx *ctx);

/* Copy s into the arena; NULL stays NULL. ERR_NOMEM. */
NODISCARD enum err ctx_strdup(struct ctx *ctx, const char *s, const char **ret_copy);

/* Who acts, as a word for owners and the audit log: "local", "anonymous", "job". Borrowed. */
const char *ctx_actor_name(const struct ctx *ctx);

/* Name the job this request or task is about. NULL forgets it. */
void ctx_set_job(struct ctx *ctx, const char *job_id);

/* Is this a correlation id that can go into headers, URLs and logs as it is: 1 to 64 of
 * A-Z a-z 0-9 . _ - ? NULL is not. */
bool ctx_is_correlation_id(const char *id);

/* Go on under the id of the request that this follows from; one that is none changes nothing. */
void ctx_adopt_correlation_id(struct ctx *ctx, const char *id);

/* What ctx is about, put back at the end of a scope, for work on one job after the other:
 *     CLEANUP(ctx_topic_restore) struct ctx_topic topic = { 0 };
 *     ctx_topic_keep(ctx, &topic); */
struct ctx_topic {
        struct ctx *ctx; /* NULL: nothing is kept */
        char correlation_id[CTX_ID_SIZE], job_id[CTX_ID_SIZE];
};
void ctx_topic_keep(struct ctx *ctx, struct ctx_topic *ret);
void ctx_topic_restore(struct ctx_topic *topic);

#endif
