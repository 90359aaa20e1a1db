#include "core/cloud/limits/rate_refusal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/shared_memory.h"
#include "core/base/utf8.h"
#include "core/cloud/audit/security_event.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/limits/rate_rules.h"

#define LAYOUT_VERSION 1
#define SLOTS          512
#define MINUTE_US      (60 * US_PER_S)
#define RETRY_US       (5 * US_PER_S)

/* A client and a rule, for as long as minutes have refusals. What the request was like is that of
 * the first in the minute. */
struct slot {
        bool taken;
        struct ipaddr network, client;
        char rule[RATE_NAME_SIZE];
        char endpoint[96], method[16], user_agent[128], correlation_id[CTX_ID_SIZE];
        uint64_t refused;
        int64_t due_us; /* monotonic: when the row is to be written */
};

struct table {
        pthread_mutex_t mutex;
        struct slot rest; /* of those that found no place */
        struct slot slots[SLOTS];
};

struct rate_refusals {
        pthread_mutex_t mutex; /* of attaching */
        struct shared_memory *shared;
        struct table *own; /* where there is no shared memory */
        _Atomic(struct table *) table;
        char owner[];
};

static void init_table(void *memory, size_t size)
{
        struct table *table = memory;

        (void)size;
        shared_mutex_init(&table->mutex);
}

struct rate_refusals *rate_refusals_new(const char *owner)
{
        const size_t size = strlen(owner) + 1;
        struct rate_refusals *refusals = calloc(1, sizeof(*refusals) + size);

        if (!refusals)
                return NULL;
        memcpy(refusals->owner, owner, size);
        pthread_mutex_init(&refusals->mutex, NULL);
        return refusals;
}

void rate_refusals_free(struct rate_refusals *refusals)
{
        if (!refusals)
                return;
        free(refusals->own);
        shared_memory_close(refusals->shared);
        pthread_mutex_destroy(&refusals->mutex);
        free(refusals);
}

static struct table *attach(struct rate_refusals *refusals)
{
        const struct shared_layout layout = { "refusals", refusals->owner, LAYOUT_VERSION,
                                              sizeof(struct table), init_table };

        if (shared_memory_open(&layout, &refusals->shared))
                return shared_memory_bytes(refusals->shared);
        refusals->own = calloc(1, sizeof(*refusals->own));
        if (refusals->own)
                init_table(refusals->own, sizeof(*refusals->own));
        return refusals->own;
}

/* Attached when somebody is refused, or would be looked for; NULL: out of memory. */
static struct table *table_of(struct rate_refusals *refusals)
{
        struct table *table = atomic_load_explicit(&refusals->table, memory_order_acquire);

        if (table)
                return table;
        pthread_mutex_lock(&refusals->mutex);
        table = atomic_load(&refusals->table);
        if (!table) {
                table = attach(refusals);
                atomic_store_explicit(&refusals->table, table, memory_order_release);
        }
        pthread_mutex_unlock(&refusals->mutex);
        return table;
}

/* Whoever died in here may have left half a slot: what was counted is given up. */
static void lock(struct table *table)
{
        if (shared_mutex_lock(&table->mutex)) {
                table->rest = (struct slot){ 0 };
                memset(table->slots, 0, sizeof(table->slots));
        }
}

static struct slot *find(struct table *table, const struct ipaddr *network, const char *rule)
{
        struct slot *free_slot = NULL;

        for (size_t i = 0; i < SLOTS; i++) {
                struct slot *slot = &table->slots[i];

                if (!slot->taken)
                        free_slot = free_slot ? free_slot : slot;
                else if (ipaddr_equal(&slot->network, network) && strcmp(slot->rule, rule) == 0)
                        return slot;
        }
        return free_slot ? free_slot : &table->rest;
}

/* User agents are bytes from outside; the log is UTF-8. */
static void copy_text(char *out, size_t size, const char *text)
{
        size_t at = 0;

        while (text && *text) {
                const size_t len = utf8_sequence(text);

                if (at + (len ? len : 1) >= size)
                        break;
                memcpy(out + at, len ? text : "?", len ? len : 1);
                at += len ? len : 1;
                text += len ? len : 1;
        }
        out[at] = '\0';
}

static void describe(const struct ctx *ctx, struct slot *slot, const struct rate_refusal *refusal)
{
        if (slot->network.family != 0)
                slot->client = refusal->client;
        copy_text(slot->endpoint, sizeof(slot->endpoint), refusal->endpoint);
        copy_text(slot->method, sizeof(slot->method), refusal->method);
        copy_text(slot->user_agent, sizeof(slot->user_agent), refusal->user_agent);
        copy_text(slot->correlation_id, sizeof(slot->correlation_id), ctx->correlation_id);
}

void rate_refusal_note(struct ctx *ctx, const struct rate_refusal *refusal)
{
        const struct ipaddr network = ipaddr_network(&refusal->client);
        struct table *table = table_of(ctx->cloud->rate_refusals);
        bool is_new;
        struct slot *slot;

        if (!table)
                return;
        lock(table);
        slot = find(table, &network, refusal->rule);
        is_new = !slot->taken;
        if (is_new) {
                *slot = (struct slot){ .taken = true, .due_us = clock_mono_us(ctx->clock) };
                copy_text(slot->rule, sizeof(slot->rule), refusal->rule);
                if (slot != &table->rest)
                        slot->network = network;
        }
        if (slot->refused++ == 0)
                describe(ctx, slot, refusal);
        shared_mutex_unlock(&table->mutex);
        if (is_new)
                bell_ring(ctx->cloud->bells, BELL_REFUSALS);
}

/* Take what is due out of its slot. A slot whose minute had no refusals is free again. */
static bool take_due(struct table *table, int64_t now_us, struct slot *ret, struct slot **ret_from)
{
        bool found = false;

        lock(table);
        for (size_t i = 0; i <= SLOTS && !found; i++) {
                struct slot *slot = i < SLOTS ? &table->slots[i] : &table->rest;

                if (!slot->taken || slot->due_us > now_us)
                        continue;
                found = slot->refused > 0;
                *ret = *slot;
                *ret_from = slot;
                slot->taken = found;
                slot->refused = 0;
                slot->due_us = now_us + MINUTE_US;
        }
        shared_mutex_unlock(&table->mutex);
        return found;
}

/* It could not be written: count it to what came since. */
static void put_back(struct table *table, const struct slot *taken, struct slot *slot,
                     int64_t now_us)
{
        lock(table);
        if (slot->taken && ipaddr_equal(&slot->network, &taken->network) &&
            strcmp(slot->rule, taken->rule) == 0) {
                slot->refused += taken->refused;
                slot->due_us = now_us + RETRY_US;
                memcpy(slot->endpoint, taken->endpoint, sizeof(slot->endpoint));
                memcpy(slot->method, taken->method, sizeof(slot->method));
                memcpy(slot->user_agent, taken->user_agent, sizeof(slot->user_agent));
        }
        shared_mutex_unlock(&table->mutex);
}

static enum err write_row(struct ctx *ctx, const struct slot *slot)
{
        CLEANUP(json_decrefp)
        json_t *about =
                json_pack("{s:s, s:s, s:s, s:I}", "rule", slot->rule, "method", slot->method,
                          "user_agent", slot->user_agent, "refused", (json_int_t)slot->refused);
        const struct security_event event = {
                .kind = SECURITY_RATE_LIMITED,
                .client = slot->client,
                .target_type = "endpoint",
                .target_id = slot->endpoint,
                .action = "Rate limit exceeded",
                .about = about,
        };
        const struct actor actor = ctx->actor;
        enum err rc;

        if (!about)
                return ctx_nomem(ctx);
        ctx->actor = (struct actor){ .kind = ACTOR_ANONYMOUS };
        snprintf(ctx->correlation_id, sizeof(ctx->correlation_id), "%s", slot->correlation_id);
        rc = security_event_record(ctx, &event);
        ctx->actor = actor;
        return rc;
}

enum err rate_refusal_write(struct ctx *ctx, bool *ret_more)
{
        struct table *table = table_of(ctx->cloud->rate_refusals);
        int64_t now_us = clock_mono_us(ctx->clock);
        struct slot due, *from;
        enum err rc;

        *ret_more = false;
        if (!table || !take_due(table, now_us, &due, &from))
                return OK;
        *ret_more = true;
        rc = write_row(ctx, &due);
        if (rc != OK)
                put_back(table, &due, from, now_us);
        return rc;
}
