#include "core/cloud/provider/credential.h"

#include <string.h>

#include "core/base/log.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/provider/provider_token.h"
#include "core/cloud/secrets/seal.h"
#include "core/db/db.h"
#include "core/store/store_job_list.h"

#define USE_NOTED_US (60 * US_PER_S)
#define GLOBAL       "the global token"
#define OWN          "your token"

/* Where a value belongs: sealed for it, it opens nowhere else. NULL: out of memory. */
static const char *place_of(struct ctx *ctx, const struct credential_key *key)
{
        return arena_printf(ctx->arena, "user_credentials.value/%s/%s/%s", key->provider, key->name,
                            key->owner);
}

enum err credential_get(struct ctx *ctx, const char *owner, const char *provider,
                        struct secret *ret_value)
{
        const struct credential_key key = { owner, provider, CREDENTIAL_TOKEN };
        struct credential_row row;
        const char *place;
        enum err rc;

        rc = store_credential_get(ctx, &key, &row);
        if (rc != OK)
                return rc;
        place = place_of(ctx, &key);
        if (!place)
                return ctx_nomem(ctx);
        return seal_open(ctx, place, row.value, ret_value);
}

enum err credential_check(struct ctx *ctx, const struct credential_given *given)
{
        const struct provider *provider;

        if (provider_find(ctx, given->provider, &provider) != OK)
                return ctx_fail(ctx, ERR_INVALID, "provider: Unknown provider: %.64s",
                                given->provider);
        if (strcmp(given->credential_name, CREDENTIAL_TOKEN) != 0)
                return ctx_fail(ctx, ERR_INVALID, "credential_name must be " CREDENTIAL_TOKEN);
        return OK;
}

/* A job is known to the account that submitted it, and maybe to no other: the token that its
 * provider is asked with stays the same until it has ended. under: whose token that is. */
static enum err check_no_jobs(struct ctx *ctx, const struct credential_key *key, const char *under)
{
        static const char *const active[] = { "pending", "uploading", "queued", "running" };
        int64_t total = 0, count;

        for (size_t i = 0; i < ARRAY_SIZE(active); i++) {
                const struct job_filter filter = {
                        .status = active[i],
                        .provider = key->provider,
                        .owner = key->owner,
                };
                enum err rc = store_jobs_count(ctx, &filter, &count);

                if (rc != OK)
                        return rc;
                total += count;
        }
        if (total == 0)
                return OK;
        return ctx_fail(ctx, ERR_CONFLICT,
                        "%d job%s active at %s under %s; cancel what should not go on, "
                        "and change the token when all have ended",
                        (int)total, total == 1 ? " is" : "s are", key->provider, under);
}

/* May this token take the place of the one that is there, if any? */
static enum err check_change(struct ctx *ctx, const struct credential_key *key, struct secret value)
{
        struct secret before;
        enum err rc = credential_get(ctx, key->owner, key->provider, &before);

        if (rc == ERR_NOT_FOUND)
                return check_no_jobs(ctx, key, GLOBAL);
        if (rc == OK && secret_equal(before, value))
                return OK;
        if (rc != OK && rc != ERR_UNAVAILABLE) /* one that does not open may be another */
                return rc;
        return check_no_jobs(ctx, key, OWN);
}

static enum err note_change(struct ctx *ctx, const struct credential_key *key,
                            const char *event_type, const char *action)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:s, s:s}", "owner", key->owner, "provider",
                                    key->provider, "credential_name", key->name);
        const struct audit_entry entry = {
                .event_type = event_type,
                .target_type = "credential",
                .target_id = key->provider,
                .action = action,
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

static enum err store(struct ctx *ctx, const struct credential_row *row, struct secret value)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = check_change(ctx, &row->key, value);
        if (rc == OK)
                rc = store_credential_put(ctx, row);
        if (rc == OK)
                rc = note_change(ctx, &row->key, "credential.created",
                                 "Saved a token of one's own");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err credential_save(struct ctx *ctx, const struct credential_given *given)
{
        const struct provider *provider;
        struct credential_row row = {
                .description = given->description,
                .created_at_us = clock_wall_us(ctx->clock),
        };
        struct secret value;
        const char *place;
        enum err rc;

        rc = credential_check(ctx, given);
        if (rc == OK)
                rc = provider_find(ctx, given->provider, &provider);
        if (rc == OK)
                rc = provider_token_check(ctx, provider, "value", given->value, &value);
        if (rc != OK)
                return rc;
        row.key = (struct credential_key){ ctx_actor_name(ctx), provider->id, CREDENTIAL_TOKEN };
        place = place_of(ctx, &row.key);
        if (!place)
                return ctx_nomem(ctx);
        rc = seal_text(ctx, place, value, &row.value);
        return rc == OK ? store(ctx, &row, value) : rc;
}

static enum err forget(struct ctx *ctx, const struct credential_key *key)
{
        const bool own = strcmp(key->owner, ctx_actor_name(ctx)) == 0;
        enum err rc = check_no_jobs(ctx, key, own ? OWN : "the user's own token");

        if (rc == OK)
                rc = store_credential_delete(ctx, key);
        return rc == OK ? note_change(ctx, key, "credential.deleted",
                                      own ? "Removed a token of one's own"
                                          : "Removed a token of a user")
                        : rc;
}

enum err credential_delete(struct ctx *ctx, const char *owner, const char *provider,
                           const char *name)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct credential_key key = { owner ? owner : ctx_actor_name(ctx), provider, name };
        struct credential_row before;
        enum err rc;

        rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_credential_get(ctx, &key, &before);
        if (rc == OK)
                rc = forget(ctx, &key);
        return rc == OK ? db_commit(&tx) : rc;
}

/* The keys of an owner: what is read is removed when all of it is known. */
struct keys {
        struct ctx *ctx;
        struct key {
                struct credential_key key;
                const struct key *next;
        } * first;
        enum err rc;
};

static void collect(void *arg, const struct credential_row *row)
{
        struct keys *keys = arg;
        struct key *key = arena_alloc(keys->ctx->arena, sizeof(*key));

        if (!key) {
                keys->rc = ctx_nomem(keys->ctx);
                return;
        }
        *key = (struct key){ .key = row->key, .next = keys->first };
        if (keys->rc == OK)
                keys->rc = ctx_strdup(keys->ctx, row->key.owner, &key->key.owner);
        if (keys->rc == OK)
                keys->rc = ctx_strdup(keys->ctx, row->key.provider, &key->key.provider);
        if (keys->rc == OK)
                keys->rc = ctx_strdup(keys->ctx, row->key.name, &key->key.name);
        keys->first = key;
}

enum err credential_forget_all(struct ctx *ctx, const char *owner)
{
        struct keys keys = { .ctx = ctx };
        enum err rc = store_credentials_each(ctx, owner, collect, &keys);

        if (rc == OK)
                rc = keys.rc;
        for (const struct key *key = keys.first; rc == OK && key; key = key->next)
                rc = forget(ctx, &key->key);
        return rc;
}

enum err credential_list(struct ctx *ctx, const char *owner, credential_row_fn *row, void *arg)
{
        return store_credentials_each(ctx, owner ? owner : ctx_actor_name(ctx), row, arg);
}

/* The first use of a day is in the audit log: more would make it a log of calls. */
static enum err write_use(struct ctx *ctx, const struct credential_row *row, int64_t now_us)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_credential_used(ctx, &row->key, now_us - USE_NOTED_US);
        if (rc == OK && row->last_used_at_us < now_us - US_PER_DAY)
                rc = note_change(ctx, &row->key, "credential.used",
                                 "Used a user's token for the first time in a day");
        return rc == OK ? db_commit(&tx) : rc;
}

void credential_note_use(struct ctx *ctx, const struct provider_session *session)
{
        const struct credential_key key = { session->owner, session->provider->id,
                                            CREDENTIAL_TOKEN };
        int64_t now_us = clock_wall_us(ctx->clock), since_us = now_us - USE_NOTED_US;
        struct credential_row row;
        enum err rc;

        if (!session->token_is_owners)
                return;
        rc = store_credential_get(ctx, &key, &row);
        if (rc == ERR_NOT_FOUND || /* it was removed a moment ago */
            (rc == OK && row.last_used_at_us >= since_us && row.last_used_at_us <= now_us))
                return;
        if (rc == OK)
                rc = write_use(ctx, &row, now_us);
        if (rc != OK)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.credentials",
                          "The use of a token was not written down", "reason", ctx->detail);
}
