#include "core/cloud/metrics/metrics_series.h"

#include <stdlib.h>
#include <string.h>

struct filling {
        struct meter_reading *all;
        size_t count, max;
};

static void count_one(void *arg, const struct meter_reading *reading)
{
        struct filling *filling = arg;

        (void)reading;
        filling->max++;
}

/* One that came since they were counted has to wait for the next look. */
static void take_one(void *arg, const struct meter_reading *reading)
{
        struct filling *filling = arg;

        if (filling->count < filling->max)
                filling->all[filling->count++] = *reading;
}

static int by_labels(const void *a, const void *b)
{
        const struct meter_reading *left = a, *right = b;
        int order = 0;

        for (unsigned i = 0; i < METER_LABELS_MAX && order == 0 && left->labels[i]; i++)
                order = strcmp(left->labels[i], right->labels[i]);
        return order;
}

enum err metrics_series_read(struct ctx *ctx, enum meter meter, struct metrics_series *ret)
{
        struct filling filling = { 0 };

        meter_each(ctx, meter, count_one, &filling);
        filling.all = arena_alloc(ctx->arena, (filling.max + 1) * sizeof(*filling.all));
        if (!filling.all)
                return ctx_nomem(ctx);
        meter_each(ctx, meter, take_one, &filling);
        qsort(filling.all, filling.count, sizeof(*filling.all), by_labels);
        *ret = (struct metrics_series){ filling.all, filling.count };
        return OK;
}
