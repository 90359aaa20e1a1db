#include "core/base/window_table.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "core/base/crypto.h"
#include "core/base/shared_memory.h"
#include "core/base/siphash.h"

#define SHARDS     64
#define BUCKETS    1024 /* of a shard */
#define ENTRIES    512
#define BLOCKS     2688
#define BLOCK_SIZE 15     /* times: with the link a cache line */
#define NONE       0xffff /* no entry, no block */

static_assert(ENTRIES * SHARDS == WINDOW_KEYS_MAX, "as promised");
/* A key alone never fills a shard, so making room for it never has to forget itself. */
static_assert(WINDOW_CALLS_MAX / BLOCK_SIZE + 2 < BLOCKS, "the longest window fits");

/* Times are milliseconds, of which the low 32 bits are kept: they are within a day of the entry's
 * newest one, which is kept whole. */
struct block {
        uint32_t next;
        uint32_t times[BLOCK_SIZE];
};

/* A key. Its times are in a chain of blocks, oldest first. */
struct entry {
        uint64_t hash;
        int64_t newest_ms;
        uint32_t count, window_ms;
        uint16_t next;         /* in its bucket, or of those that are free */
        uint16_t newer, older; /* by when they were last asked for */
        uint16_t first, last;  /* blocks; NONE: no times */
        uint16_t first_at, last_at;
        char key[WINDOW_KEY_SIZE];
};

struct shard {
        _Alignas(64) pthread_mutex_t mutex;
        uint16_t newest, oldest;           /* entries */
        uint16_t free_entry, free_block;   /* those given back */
        uint16_t fresh_entry, fresh_block; /* from here on none was ever used */
        uint16_t buckets[BUCKETS];
        struct entry entries[ENTRIES];
        _Alignas(64) struct block blocks[BLOCKS];
};

struct window_table {
        struct siphash_key key;
        struct shard shards[SHARDS];
};

size_t window_table_size(void)
{
        return sizeof(struct window_table);
}

/* All but the mutex. */
static void empty(struct shard *shard)
{
        shard->newest = shard->oldest = NONE;
        shard->free_entry = shard->free_block = NONE;
        shard->fresh_entry = shard->fresh_block = 0;
        memset(shard->buckets, 0xff, sizeof(shard->buckets));
}

void window_table_init(void *memory, size_t size)
{
        struct window_table *table = memory;

        (void)size;
        if (!crypto_random(&table->key, sizeof(table->key)))
                table->key = (struct siphash_key){ (uintptr_t)memory, (uintptr_t)&size };
        for (size_t i = 0; i < SHARDS; i++) {
                shared_mutex_init(&table->shards[i].mutex);
                empty(&table->shards[i]);
        }
}

/* Whoever died in a shard may have left anything there: its windows begin anew. */
static void lock(struct shard *shard)
{
        if (shared_mutex_lock(&shard->mutex))
                empty(shard);
}

static uint16_t *bucket_of(struct shard *shard, uint64_t hash)
{
        return &shard->buckets[hash / SHARDS % BUCKETS];
}

/* ---- times ---- */

static uint16_t take_block(struct shard *shard)
{
        uint16_t block = shard->free_block;

        if (block != NONE)
                shard->free_block = (uint16_t)shard->blocks[block].next;
        else if (shard->fresh_block < BLOCKS)
                block = shard->fresh_block++;
        return block;
}

static void give_block(struct shard *shard, uint16_t block)
{
        shard->blocks[block].next = shard->free_block;
        shard->free_block = block;
}

static int64_t oldest_ms(const struct shard *shard, const struct entry *entry)
{
        uint32_t kept = shard->blocks[entry->first].times[entry->first_at];

        return entry->newest_ms - (uint32_t)((uint32_t)entry->newest_ms - kept);
}

static void drop_oldest(struct shard *shard, struct entry *entry)
{
        const uint16_t block = entry->first;

        entry->count--;
        entry->first_at++;
        if (entry->count > 0 && entry->first_at < BLOCK_SIZE)
                return;
        entry->first = entry->count > 0 ? (uint16_t)shard->blocks[block].next : NONE;
        entry->first_at = 0;
        give_block(shard, block);
}

static void drop_all(struct shard *shard, struct entry *entry)
{
        while (entry->count > 0)
                drop_oldest(shard, entry);
}

/* Drop what has left the window. */
static void slide(struct shard *shard, struct entry *entry, int64_t now_ms, uint32_t window_ms)
{
        if (entry->newest_ms > now_ms + WINDOW_MS_MAX) /* another clock's: it tells nothing */
                drop_all(shard, entry);
        while (entry->count > 0 && oldest_ms(shard, entry) + window_ms <= now_ms)
                drop_oldest(shard, entry);
}

/* ---- entries ---- */

static void unlink_age(struct shard *shard, struct entry *entry)
{
        *(entry->newer != NONE ? &shard->entries[entry->newer].older : &shard->newest) =
                entry->older;
        *(entry->older != NONE ? &shard->entries[entry->older].newer : &shard->oldest) =
                entry->newer;
}

static void link_newest(struct shard *shard, struct entry *entry)
{
        const uint16_t index = (uint16_t)(entry - shard->entries);

        entry->newer = NONE;
        entry->older = shard->newest;
        *(shard->newest != NONE ? &shard->entries[shard->newest].newer : &shard->oldest) = index;
        shard->newest = index;
}

static void forget(struct shard *shard, struct entry *entry)
{
        const uint16_t index = (uint16_t)(entry - shard->entries);
        uint16_t *link = bucket_of(shard, entry->hash);

        drop_all(shard, entry);
        unlink_age(shard, entry);
        while (*link != index)
                link = &shard->entries[*link].next;
        *link = entry->next;
        entry->next = shard->free_entry;
        shard->free_entry = index;
}

static struct entry *find(struct shard *shard, const char *key, uint64_t hash)
{
        uint16_t index = *bucket_of(shard, hash);

        while (index != NONE) {
                struct entry *entry = &shard->entries[index];

                if (entry->hash == hash && strncmp(entry->key, key, WINDOW_KEY_SIZE - 1) == 0)
                        return entry;
                index = entry->next;
        }
        return NULL;
}

static struct entry *add(struct shard *shard, const char *key, uint64_t hash)
{
        uint16_t *link = bucket_of(shard, hash), index;
        struct entry *entry;

        if (shard->free_entry == NONE && shard->fresh_entry == ENTRIES)
                forget(shard, &shard->entries[shard->oldest]);
        index = shard->free_entry;
        if (index != NONE)
                shard->free_entry = shard->entries[index].next;
        else
                index = shard->fresh_entry++;
        entry = &shard->entries[index];
        *entry = (struct entry){ .hash = hash, .first = NONE, .last = NONE, .next = *link };
        memcpy(entry->key, key, strnlen(key, WINDOW_KEY_SIZE - 1));
        *link = index;
        link_newest(shard, entry);
        return entry;
}

/* The entry is the newest one, and others make room for its time. */
static void append(struct shard *shard, struct entry *entry, int64_t time_ms)
{
        uint16_t block;

        if (entry->count == 0 || entry->last_at == BLOCK_SIZE - 1) {
                while ((block = take_block(shard)) == NONE)
                        forget(shard, &shard->entries[shard->oldest]);
                if (entry->count > 0) {
                        shard->blocks[entry->last].next = block;
                } else {
                        entry->first = block;
                        entry->first_at = 0;
                }
                entry->last = block;
                entry->last_at = 0;
        } else {
                entry->last_at++;
        }
        shard->blocks[entry->last].times[entry->last_at] = (uint32_t)time_ms;
        entry->count++;
}

/* ---- what it is for ---- */

static struct shard *shard_of(struct window_table *table, const char *key, uint64_t *ret_hash)
{
        *ret_hash = siphash(&table->key, key, strnlen(key, WINDOW_KEY_SIZE - 1));
        return &table->shards[*ret_hash % SHARDS];
}

static void describe(const struct shard *shard, const struct entry *entry,
                     const struct window *window, int64_t now_us, struct window_count *ret)
{
        ret->count = entry->count;
        ret->reset_in_us = 0;
        if (entry->count == 0)
                return;
        ret->reset_in_us = (oldest_ms(shard, entry) + window->window_ms) * US_PER_MS - now_us;
        if (ret->reset_in_us < 1)
                ret->reset_in_us = 1;
}

void window_table_take(struct window_table *table, const struct window *window, int64_t now_us,
                       struct window_count *ret)
{
        /* A call is kept as of the millisecond that ends after it: so it never leaves early. */
        const int64_t now_ms = now_us / US_PER_MS, call_ms = (now_us + US_PER_MS - 1) / US_PER_MS;
        uint64_t hash;
        struct shard *shard = shard_of(table, window->key, &hash);
        struct entry *entry;

        lock(shard);
        entry = find(shard, window->key, hash);
        if (!entry)
                entry = add(shard, window->key, hash);
        slide(shard, entry, now_ms, window->window_ms);
        entry->window_ms = window->window_ms;
        unlink_age(shard, entry); /* who keeps on asking is not forgotten, refused or not */
        link_newest(shard, entry);
        ret->admitted = entry->count < window->calls && entry->count < WINDOW_CALLS_MAX;
        if (ret->admitted) {
                if (entry->count == 0 || entry->newest_ms < call_ms)
                        entry->newest_ms = call_ms;
                append(shard, entry, entry->newest_ms);
        }
        describe(shard, entry, window, now_us, ret);
        shared_mutex_unlock(&shard->mutex);
}

void window_table_look(struct window_table *table, const struct window *window, int64_t now_us,
                       struct window_count *ret)
{
        uint64_t hash;
        struct shard *shard = shard_of(table, window->key, &hash);
        struct entry *entry;

        *ret = (struct window_count){ .admitted = true };
        lock(shard);
        entry = find(shard, window->key, hash);
        if (entry) {
                slide(shard, entry, now_us / US_PER_MS, window->window_ms);
                ret->admitted = entry->count < window->calls && entry->count < WINDOW_CALLS_MAX;
                describe(shard, entry, window, now_us, ret);
        }
        shared_mutex_unlock(&shard->mutex);
}

void window_table_forget(struct window_table *table, const char *key)
{
        uint64_t hash;
        struct shard *shard = shard_of(table, key, &hash);
        struct entry *entry;

        lock(shard);
        entry = find(shard, key, hash);
        if (entry)
                forget(shard, entry);
        shared_mutex_unlock(&shard->mutex);
}

void window_table_each(struct window_table *table, int64_t now_us, window_each_fn *each, void *arg)
{
        bool more = true;

        for (size_t i = 0; i < SHARDS && more; i++) {
                struct shard *shard = &table->shards[i];
                uint16_t index;

                lock(shard);
                for (index = shard->newest; index != NONE && more;
                     index = shard->entries[index].older) {
                        struct entry *entry = &shard->entries[index];

                        slide(shard, entry, now_us / US_PER_MS, entry->window_ms);
                        more = entry->count == 0 || each(arg, entry->key, entry->count);
                }
                shared_mutex_unlock(&shard->mutex);
        }
}
