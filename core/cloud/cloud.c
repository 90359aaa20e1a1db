#include "core/cloud/cloud.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit_key.h"
#include "core/cloud/bell.h"
#include "core/cloud/http/http_client.h"
#include "core/cloud/limits/limiter.h"
#include "core/cloud/limits/rate_refusal.h"
#include "core/cloud/limits/rate_rules.h"
#include "core/cloud/metrics/meter.h"
#include "core/cloud/secrets/key_ring.h"
#include "core/cloud/secrets/secrets.h"
#include "core/cloud/storage/storage_limit.h"
#include "core/cloud/wal/wal_capture.h"
#include "core/cloud/webhook/webhook_intake.h"
#include "core/cloud/webhook/webhook_keys.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/store/store_copy_state.h"

/* Look at the schema now and initialise an empty database. */
static enum err check_schema_now(struct ctx *ctx)
{
        struct migrate_status status;
        enum err rc;

        rc = store_copy_check_finished(ctx);
        if (rc == OK)
                rc = migrate_at_start(ctx, &status);
        if (rc != OK)
                return rc;
        if (status.state == MIGRATE_BEHIND)
                return ctx_fail(ctx, ERR_NOT_READY,
                                "the database has schema version %u, this program needs %u: run "
                                "\"simpletuner-cloud migrate\"",
                                status.current, status.newest);
        atomic_store(&ctx->cloud->schema_current, true);
        return OK;
}

enum err cloud_check_schema(struct ctx *ctx)
{
        if (atomic_load_explicit(&ctx->cloud->schema_current, memory_order_relaxed))
                return OK;
        return check_schema_now(ctx);
}

/* The counter, mixed so that neighbours look unrelated: the finaliser of SplitMix64. */
void cloud_new_correlation_id(struct ctx *ctx)
{
        uint64_t x = atomic_fetch_add_explicit(&ctx->cloud->correlation, 1, memory_order_relaxed) *
                     0x9E3779B97F4A7C15u;

        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        x ^= x >> 31;
        crypto_hex(&x, 6, ctx->correlation_id);
}

static void count_database(const struct ctx *ctx, enum db_op op, int64_t took_us, enum err rc)
{
        static const char *const names[DB_OP_COUNT] = { "read", "write", "commit" };
        const char *backend = ctx->cloud ? database_kind(ctx->cloud->database) : NULL;

        meter_observe(ctx, METER_DATABASE_SECONDS, METER_LABELS(backend, names[op]),
                      (double)took_us / 1e6);
        if (rc == ERR_UNAVAILABLE)
                meter_add(ctx, METER_DATABASE_BUSY, METER_LABELS(backend), 1);
}

enum err cloud_open(struct ctx *ctx, struct cloud **ret)
{
        CLEANUP(cloud_closep) struct cloud *cloud = calloc(1, sizeof(*cloud));
        unsigned long long seed;
        bool shared;
        enum err rc;

        if (!cloud)
                return ctx_nomem(ctx);
        cloud->started_us = clock_mono_us(ctx->clock);
        if (!crypto_random(&seed, sizeof(seed)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness");
        atomic_init(&cloud->correlation, seed);
        if (mkdir(ctx->config->home, 0700) != 0 &&
            (errno != EEXIST ||
             faccessat(AT_FDCWD, ctx->config->home, X_OK | W_OK, AT_EACCESS) != 0))
                return ctx_fail(ctx, ERR_INVALID, "SIMPLETUNER_HOME %s cannot be used: %m",
                                ctx->config->home);
        rc = database_open(ctx, ctx->config->database_url, &cloud->database);
        if (rc != OK)
                return rc;
        database_watch(cloud->database, count_database);
        if (ctx->config->backup.wal.on)
                database_keep_log(cloud->database);
        rc = secrets_new(ctx, &cloud->secrets);
        if (rc == OK)
                rc = key_ring_new(ctx, &cloud->keys);
        if (rc == OK)
                rc = audit_keys_new(ctx, &cloud->audit_keys);
        if (rc == OK)
                rc = rate_rules_new(ctx, &cloud->rate_rules);
        if (rc == OK)
                rc = limiter_new(ctx, &cloud->limiter);
        if (rc != OK)
                return rc;
        cloud->meters = meters_open(ctx->config->home, &shared);
        if (!cloud->meters)
                return ctx_nomem(ctx);
        if (!shared)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud",
                          "There is no shared memory: each process has metrics of its own");
        cloud->webhook_keys = webhook_keys_new();
        cloud->bells = bells_new();
        cloud->rate_refusals = rate_refusals_new(ctx->config->home);
        cloud->storage_limits = storage_limits_new();
        cloud->webhook_intake = webhook_intake_new();
        cloud->wal_capture = wal_capture_new();
        if (!cloud->webhook_keys || !cloud->bells || !cloud->webhook_intake ||
            !cloud->rate_refusals || !cloud->storage_limits || !cloud->wal_capture)
                return ctx_nomem(ctx);
        *ret = TAKE(cloud);
        return OK;
}

void cloud_close(struct cloud *cloud)
{
        if (!cloud)
                return;
        wal_capture_free(cloud->wal_capture);
        bells_free(cloud->bells);
        meters_close(cloud->meters);
        limiter_free(cloud->limiter);
        rate_rules_free(cloud->rate_rules);
        rate_refusals_free(cloud->rate_refusals);
        storage_limits_free(cloud->storage_limits);
        webhook_intake_free(cloud->webhook_intake);
        webhook_keys_free(cloud->webhook_keys);
        audit_keys_free(cloud->audit_keys);
        key_ring_free(cloud->keys);
        secrets_free(cloud->secrets);
        database_close(cloud->database);
        free(cloud);
}

enum err cloud_attach(struct ctx *ctx, struct cloud *cloud)
{
        ctx->cloud = cloud;
        ctx->db = db_new(cloud->database);
        ctx->http = http_client_new();
        if (!ctx->db || !ctx->http) {
                cloud_detach(ctx);
                return ctx_nomem(ctx);
        }
        return OK;
}

void cloud_detach(struct ctx *ctx)
{
        db_free(TAKE(ctx->db));
        http_client_free(TAKE(ctx->http));
        ctx->cloud = NULL;
}
