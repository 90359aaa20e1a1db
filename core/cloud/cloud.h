/* What all threads of a process share: the database handle, the secrets, the webhook keys and the
 * word whether the process is on its way out. Opened once at start by both programs. */
#ifndef CORE_CLOUD_CLOUD_H
#define CORE_CLOUD_CLOUD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/ctx.h"
#include "core/cloud/audit/security_event.h"
#include "core/cloud/pulse.h"

struct cloud {
        struct database *database;
        struct secrets *secrets;
        struct key_ring *keys;
        struct audit_keys *audit_keys;
        struct webhook_keys *webhook_keys;
        struct webhook_intake *webhook_intake;
        struct limiter *limiter;
        struct rate_rules *rate_rules;
        struct rate_refusals *rate_refusals;
        struct storage_limits *storage_limits;
        struct meters *meters;
        struct wal_capture *wal_capture; /* of the thread that keeps the log */
        struct bells *bells;             /* wake the background threads */
        struct pulses pulses;            /* of those threads */
        int64_t started_us;              /* monotonic */
        atomic_ullong correlation;       /* random at start, then counts */
        atomic_ullong refusals_unwritten[SECURITY_KIND_COUNT]; /* the audit log was spared them */
        atomic_bool schema_current; /* false: waits for "simpletuner-cloud migrate" */
        atomic_bool has_users;      /* there is, or was, a user: it stays true */
        atomic_bool draining;       /* SIGTERM came: finish, take nothing new */
        atomic_bool in_upkeep;      /* the database is checked or vacuumed: one at a time */
        atomic_uint hashing;        /* passwords, at this moment */
        atomic_uint listeners;      /* event streams under way */
        atomic_llong newest_event;  /* the last that listeners were woken for */
        atomic_llong restores_seen; /* of this database, and one more; 0: nobody has looked */
        atomic_uint metrics_known;  /* metrics_config.c: what was exported when it was last read */
};

/* Open everything for ctx->config and point ctx->cloud at it. The database itself may be away.
 * ERR_INVALID: a setting is wrong. ERR_CONFLICT: the database is newer than this program. */
NODISCARD enum err cloud_open(struct ctx *ctx, struct cloud **ret);
void cloud_close(struct cloud *cloud);
DEFINE_CLEANUP(struct cloud *, cloud_close)

/* Give this thread's ctx its database connection and outbound client. ERR_NOMEM. */
NODISCARD enum err cloud_attach(struct ctx *ctx, struct cloud *cloud);
void cloud_detach(struct ctx *ctx);

/* A new correlation id: 12 hex digits, no two alike in a process and not to be guessed from its
 * start. Not a secret. */
void cloud_new_correlation_id(struct ctx *ctx);

/* OK: the database has this program's schema. ERR_NOT_READY: it waits for a migration; detail says
 * what to run. ERR_CONFLICT: it is newer than this program. ERR_UNAVAILABLE: it does not answer. */
NODISCARD enum err cloud_check_schema(struct ctx *ctx);

#endif
