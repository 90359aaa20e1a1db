#include "core/cloud/metrics/meter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/shared_memory.h"
#include "core/cloud/cloud.h"

#define LAYOUT_VERSION 2
#define SERIES_MAX     4096 /* a power of two */
#define SERIES_FULL    (SERIES_MAX - SERIES_MAX / 8)
#define LEVELS_MAX     64 /* processes at once */

#define SECONDS_FINE                                                                               \
        {                                                                                          \
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10                     \
        }
#define SECONDS_SLOW                                                                               \
        {                                                                                          \
                0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60                                        \
        }
#define SECONDS_TINY                                                                               \
        {                                                                                          \
                0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1, 5            \
        }
#define BYTES                                                                                      \
        {                                                                                          \
                256, 1024, 4096, 16384, 65536, 262144, 1048576, 8388608, 67108864, 1e9             \
        }

/* clang-format off */
static const struct meter_row rows[METER_COUNT] = {
        [METER_HTTP_SECONDS] = {
                "simpletuner_http_request_duration_seconds", "Time to answer a request",
                METER_IS_HISTOGRAM, 1e6, { "method", "route", "code" }, SECONDS_FINE },
        [METER_HTTP_REQUEST_BYTES] = {
                "simpletuner_http_request_size_bytes", "Size of request bodies",
                METER_IS_HISTOGRAM, 1, { "method", "route" }, BYTES },
        [METER_HTTP_REPLY_BYTES] = {
                "simpletuner_http_response_size_bytes", "Size of response bodies",
                METER_IS_HISTOGRAM, 1, { "method", "route" }, BYTES },
        [METER_HTTP_UNDER_WAY] = {
                "simpletuner_http_requests_in_flight", "Requests that are being answered",
                METER_IS_LEVEL, 1, { NULL }, { 0 } },
        [METER_RATE_REJECTED] = {
                "simpletuner_rate_limit_rejected_total", "Requests refused by a rate limit",
                METER_IS_COUNTER, 1, { "rule" }, { 0 } },
        [METER_PROVIDER_SECONDS] = {
                "simpletuner_provider_request_duration_seconds", "Time a call to a provider took",
                METER_IS_HISTOGRAM, 1e6, { "provider", "op", "outcome" }, SECONDS_SLOW },
        [METER_DATABASE_SECONDS] = {
                "simpletuner_db_query_duration_seconds", "Time a database operation took",
                METER_IS_HISTOGRAM, 1e6, { "backend", "op" }, SECONDS_TINY },
        [METER_DATABASE_BUSY] = {
                "simpletuner_db_busy_total", "Times the database was busy or away",
                METER_IS_COUNTER, 1, { "backend" }, { 0 } },
        [METER_WEBHOOKS] = {
                "simpletuner_webhooks_received_total", "Webhooks by what became of them",
                METER_IS_COUNTER, 1, { "provider", "result" }, { 0 } },
        [METER_WEBHOOK_LAST] = {
                "simpletuner_webhook_last_received_timestamp_seconds",
                "When the last genuine webhook came",
                METER_IS_GAUGE, 1e3, { "provider" }, { 0 } },
        [METER_STORAGE_BYTES] = {
                "simpletuner_storage_bytes_total", "Bytes of objects received and sent",
                METER_IS_COUNTER, 1, { "direction" }, { 0 } },
};
/* clang-format on */

/* A series is there once ready is set; meter and labels never change again. */
struct series {
        atomic_bool ready;
        unsigned char meter;
        char labels[METER_LABELS_MAX][METER_LABEL_SIZE];
        atomic_llong value; /* scaled */
        atomic_ullong count;
        atomic_ullong buckets[METER_BUCKETS_MAX]; /* of each bound alone, not cumulated */
};

/* What one process holds of the meter that is a level. */
struct level {
        pid_t pid; /* 0: of nobody */
        atomic_llong value;
};

struct table {
        pthread_mutex_t mutex; /* of those who add a series or take a level */
        int64_t born_us;       /* wall clock */
        atomic_uint used;
        uint16_t order[SERIES_MAX]; /* where the used ones are: readers look nowhere else */
        struct level levels[LEVELS_MAX];
        struct series series[SERIES_MAX];
};

struct meters {
        struct shared_memory *shared; /* NULL: the table is our own */
        struct table *table;
        struct level *level; /* ours; NULL: there are more processes than levels */
};

int64_t meters_born_us(const struct ctx *ctx)
{
        return ctx->cloud->meters->table->born_us;
}

const struct meter_row *meter_row(enum meter meter)
{
        return &rows[meter];
}

static void init_table(void *memory, size_t size)
{
        struct table *table = memory;

        (void)size;
        shared_mutex_init(&table->mutex);
        table->born_us = clock_wall_us(&clock_system);
}

/* Somebody died while adding a series. */
static void recount(struct table *table)
{
        unsigned used = 0;

        for (size_t i = 0; i < SERIES_MAX; i++) {
                if (atomic_load(&table->series[i].ready))
                        table->order[used++] = (uint16_t)i;
        }
        atomic_store(&table->used, used);
}

static bool is_alive(pid_t pid)
{
        return kill(pid, 0) == 0 || errno == EPERM;
}

/* Also one that a process left which is gone, or which had our number. */
static struct level *take_level(struct table *table)
{
        struct level *taken = NULL;

        if (shared_mutex_lock(&table->mutex))
                recount(table);
        for (size_t i = 0; i < LEVELS_MAX && !taken; i++) {
                struct level *level = &table->levels[i];

                if (level->pid == 0 || level->pid == getpid() || !is_alive(level->pid))
                        taken = level;
        }
        if (taken) {
                atomic_store(&taken->value, 0);
                taken->pid = getpid();
        }
        shared_mutex_unlock(&table->mutex);
        return taken;
}

static void give_level_back(struct table *table, struct level *level)
{
        if (shared_mutex_lock(&table->mutex))
                recount(table);
        atomic_store(&level->value, 0);
        level->pid = 0;
        shared_mutex_unlock(&table->mutex);
}

static long long sum_levels(struct table *table)
{
        long long sum = 0;

        for (size_t i = 0; i < LEVELS_MAX; i++) {
                const long long value = atomic_load(&table->levels[i].value);

                if (value != 0 && is_alive(table->levels[i].pid))
                        sum += value;
        }
        return sum;
}

struct meters *meters_open(const char *owner, bool *ret_shared)
{
        const struct shared_layout layout = { "meters", owner, LAYOUT_VERSION, sizeof(struct table),
                                              init_table };
        struct meters *meters = calloc(1, sizeof(*meters));

        if (!meters)
                return NULL;
        *ret_shared = shared_memory_open(&layout, &meters->shared);
        if (*ret_shared) {
                meters->table = shared_memory_bytes(meters->shared);
        } else {
                meters->table = calloc(1, sizeof(*meters->table));
                if (!meters->table) {
                        free(meters);
                        return NULL;
                }
                init_table(meters->table, sizeof(*meters->table));
        }
        meters->level = take_level(meters->table);
        return meters;
}

void meters_close(struct meters *meters)
{
        if (!meters)
                return;
        if (meters->level)
                give_level_back(meters->table, meters->level);
        if (!meters->shared)
                free(meters->table);
        shared_memory_close(meters->shared);
        free(meters);
}

/* FNV-1a over the meter and its labels. Labels are of our own making, or bounded by SERIES_MAX. */
static size_t hash_of(enum meter meter, const struct meter_labels *labels)
{
        uint64_t hash = (UINT64_C(14695981039346656037) ^ meter) * UINT64_C(1099511628211);

        for (unsigned i = 0; i < METER_LABELS_MAX; i++) {
                const char *c = labels->value[i], *end = c + METER_LABEL_SIZE - 1;

                for (; c < end && *c; c++) /* what is cut off makes no other series */
                        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
                hash = (hash ^ 0xff) * UINT64_C(1099511628211);
        }
        return (size_t)(hash ^ (hash >> 32)) % SERIES_MAX;
}

static bool is_series(const struct series *series, enum meter meter,
                      const struct meter_labels *labels)
{
        if (series->meter != (unsigned char)meter)
                return false;
        for (unsigned i = 0; i < METER_LABELS_MAX; i++) {
                if (strncmp(series->labels[i], labels->value[i], METER_LABEL_SIZE - 1) != 0)
                        return false;
        }
        return true;
}

/* The series, or else where it would go: *ret_found tells which. NULL: the table is full. */
static struct series *look(struct table *table, enum meter meter, const struct meter_labels *labels,
                           bool *ret_found)
{
        size_t at = hash_of(meter, labels);

        for (unsigned probes = 0; probes < SERIES_MAX; probes++, at = (at + 1) % SERIES_MAX) {
                struct series *series = &table->series[at];

                *ret_found = atomic_load_explicit(&series->ready, memory_order_acquire);
                if (!*ret_found || is_series(series, meter, labels))
                        return series;
        }
        return NULL;
}

/* Under the mutex. Whoever dies in here leaves a series that is not ready, which the next one
 * overwrites. */
static void write_series(struct table *table, struct series *series, enum meter meter,
                         const struct meter_labels *labels)
{
        series->meter = (unsigned char)meter;
        for (unsigned i = 0; i < METER_LABELS_MAX; i++) {
                size_t len = strnlen(labels->value[i], METER_LABEL_SIZE - 1);

                memcpy(series->labels[i], labels->value[i], len);
                series->labels[i][len] = '\0';
        }
        table->order[table->used] = (uint16_t)(series - table->series);
        atomic_store_explicit(&series->ready, true, memory_order_release);
        atomic_fetch_add_explicit(&table->used, 1, memory_order_release);
}

static struct series *add(struct table *table, enum meter meter, const struct meter_labels *labels,
                          bool may_be_last)
{
        struct series *series;
        bool found;

        if (shared_mutex_lock(&table->mutex))
                recount(table);
        series = look(table, meter, labels, &found);
        if (series && !found) {
                if (table->used < (may_be_last ? SERIES_MAX : SERIES_FULL))
                        write_series(table, series, meter, labels);
                else
                        series = NULL;
        }
        shared_mutex_unlock(&table->mutex);
        return series;
}

static struct series *find(const struct ctx *ctx, enum meter meter, struct meter_labels *labels)
{
        struct table *table = ctx->cloud && ctx->cloud->meters ? ctx->cloud->meters->table : NULL;
        struct series *series;
        bool found;

        if (!table)
                return NULL;
        for (unsigned i = 0; i < METER_LABELS_MAX; i++) {
                if (!rows[meter].labels[i] || !labels->value[i])
                        labels->value[i] = "";
        }
        series = look(table, meter, labels, &found);
        if (series && found)
                return series;
        series = add(table, meter, labels, false);
        if (series)
                return series;
        for (unsigned i = 0; i < METER_LABELS_MAX; i++)
                labels->value[i] = rows[meter].labels[i] ? "other" : "";
        return add(table, meter, labels, true);
}

void meter_add(const struct ctx *ctx, enum meter meter, struct meter_labels labels, double value)
{
        const long long scaled = (long long)(value * rows[meter].scale);
        struct series *series;

        if (rows[meter].kind == METER_IS_LEVEL) {
                if (ctx->cloud && ctx->cloud->meters && ctx->cloud->meters->level)
                        atomic_fetch_add(&ctx->cloud->meters->level->value, scaled);
                return;
        }
        series = find(ctx, meter, &labels);
        if (series)
                atomic_fetch_add_explicit(&series->value, scaled, memory_order_relaxed);
}

void meter_set(const struct ctx *ctx, enum meter meter, struct meter_labels labels, double value)
{
        struct series *series = find(ctx, meter, &labels);

        if (series)
                atomic_store_explicit(&series->value, (long long)(value * rows[meter].scale),
                                      memory_order_relaxed);
}

void meter_observe(const struct ctx *ctx, enum meter meter, struct meter_labels labels,
                   double value)
{
        struct series *series = find(ctx, meter, &labels);
        const double *bounds = rows[meter].buckets;
        unsigned bucket = 0;

        if (!series)
                return;
        while (bucket < METER_BUCKETS_MAX && bounds[bucket] > 0 && value > bounds[bucket])
                bucket++;
        if (bucket < METER_BUCKETS_MAX && bounds[bucket] > 0)
                atomic_fetch_add_explicit(&series->buckets[bucket], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&series->value, (long long)(value * rows[meter].scale),
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&series->count, 1, memory_order_relaxed);
}

/* The buckets first: then none of them is greater than the count. */
static void read_series(const struct meter_row *row, struct series *series,
                        struct meter_reading *ret)
{
        uint64_t below = 0;

        for (unsigned i = 0; i < METER_BUCKETS_MAX; i++) {
                below += atomic_load_explicit(&series->buckets[i], memory_order_acquire);
                ret->buckets[i] = below;
        }
        ret->count = atomic_load(&series->count);
        ret->value = (double)atomic_load(&series->value) / row->scale;
        for (unsigned i = 0; i < METER_LABELS_MAX; i++)
                ret->labels[i] = row->labels[i] ? series->labels[i] : NULL;
        if (ret->count < below)
                ret->count = below;
}

void meter_each(const struct ctx *ctx, enum meter meter, meter_each_fn *each, void *arg)
{
        struct table *table = ctx->cloud && ctx->cloud->meters ? ctx->cloud->meters->table : NULL;

        if (table && rows[meter].kind == METER_IS_LEVEL) {
                each(arg, &(struct meter_reading){ .value = (double)sum_levels(table) });
                return;
        }
        for (unsigned i = 0; table && i < atomic_load(&table->used); i++) {
                struct series *series = &table->series[table->order[i]];
                struct meter_reading reading;

                if (series->meter != (unsigned char)meter)
                        continue;
                read_series(&rows[meter], series, &reading);
                each(arg, &reading);
        }
}
