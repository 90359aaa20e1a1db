#include "core/cloud/webhook/webhook_intake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/cloud.h"
#include "core/db/db.h"

#define TOGETHER_MAX 64 /* deliveries in one transaction */

/* A delivery that waits to be stored; on the stack of its thread. */
struct arrival {
        struct arrival *next;
        const struct webhook_delivery *delivery;
        enum err rc;
        bool done;
        char detail[CTX_DETAIL_SIZE]; /* why not */
};

struct webhook_intake {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* some are done, or there is no leader any more */
        pthread_cond_t calm;    /* nobody waits to be stored */
        bool is_led;
        struct arrival *first, **last; /* those that wait, in order */
};

struct webhook_intake *webhook_intake_new(void)
{
        struct webhook_intake *intake = calloc(1, sizeof(*intake));
        pthread_condattr_t monotonic;

        if (!intake)
                return NULL;
        pthread_mutex_init(&intake->lock, NULL);
        pthread_cond_init(&intake->changed, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&intake->calm, &monotonic);
        pthread_condattr_destroy(&monotonic);
        intake->last = &intake->first;
        return intake;
}

void webhook_intake_free(struct webhook_intake *intake)
{
        if (!intake)
                return;
        pthread_cond_destroy(&intake->calm);
        pthread_cond_destroy(&intake->changed);
        pthread_mutex_destroy(&intake->lock);
        free(intake);
}

/* Take the first of those that wait out of the queue. Called under lock. */
static size_t take(struct webhook_intake *intake, struct arrival *ret[TOGETHER_MAX])
{
        size_t count = 0;

        while (intake->first && count < TOGETHER_MAX) {
                ret[count++] = intake->first;
                intake->first = intake->first->next;
        }
        if (!intake->first)
                intake->last = &intake->first;
        return count;
}

/* In one order everywhere, so that two processes with the same deliveries never wait for one
 * another. */
static int by_webhook_id(const void *a, const void *b)
{
        const struct arrival *const *left = a, *const *right = b;
        int order = strcmp((*left)->delivery->provider, (*right)->delivery->provider);

        return order ? order
                     : strcmp((*left)->delivery->webhook_id, (*right)->delivery->webhook_id);
}

static enum err insert_all(struct ctx *ctx, struct arrival **arrivals, size_t count)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        for (size_t i = 0; rc == OK && i < count; i++) {
                arrivals[i]->rc = store_webhook_insert(ctx, arrivals[i]->delivery);
                if (arrivals[i]->rc != OK && arrivals[i]->rc != ERR_CONFLICT)
                        rc = arrivals[i]->rc;
        }
        return rc == OK ? db_commit(&tx) : rc;
}

/* A fault of the transaction is one of each in it. */
static void store_together(struct ctx *ctx, struct arrival **arrivals, size_t count)
{
        enum err rc;

        qsort(arrivals, count, sizeof(struct arrival *), by_webhook_id);
        rc = insert_all(ctx, arrivals, count);
        for (size_t i = 0; rc != OK && i < count; i++) {
                arrivals[i]->rc = rc;
                snprintf(arrivals[i]->detail, CTX_DETAIL_SIZE, "%s", ctx->detail);
        }
}

/* Lead until the own arrival is done; what still waits then is led by another. Called under lock,
 * which is not held while storing. */
static void lead(struct ctx *ctx, struct webhook_intake *intake, const struct arrival *own)
{
        struct arrival *arrivals[TOGETHER_MAX];

        intake->is_led = true;
        while (!own->done) {
                size_t count = take(intake, arrivals);

                pthread_mutex_unlock(&intake->lock);
                store_together(ctx, arrivals, count);
                pthread_mutex_lock(&intake->lock);
                for (size_t i = 0; i < count; i++)
                        arrivals[i]->done = true;
                pthread_cond_broadcast(&intake->changed);
        }
        intake->is_led = false;
        if (!intake->first)
                pthread_cond_broadcast(&intake->calm);
}

enum err webhook_intake_store(struct ctx *ctx, const struct webhook_delivery *delivery)
{
        struct webhook_intake *intake = ctx->cloud->webhook_intake;
        struct arrival own = { .delivery = delivery };

        pthread_mutex_lock(&intake->lock);
        *intake->last = &own;
        intake->last = &own.next;
        while (!own.done) {
                if (intake->is_led)
                        pthread_cond_wait(&intake->changed, &intake->lock);
                else
                        lead(ctx, intake, &own);
        }
        pthread_mutex_unlock(&intake->lock);
        if (own.rc == OK)
                return OK;
        if (own.rc == ERR_CONFLICT)
                return ctx_fail(ctx, ERR_CONFLICT, "this webhook-id was delivered before");
        return ctx_fail(ctx, own.rc, "%s", own.detail);
}

void webhook_intake_yield(struct webhook_intake *intake, unsigned timeout_ms)
{
        const struct timespec until = clock_deadline(CLOCK_MONOTONIC, timeout_ms);
        int timed_out = 0;

        pthread_mutex_lock(&intake->lock);
        while ((intake->is_led || intake->first) && timed_out == 0)
                timed_out = pthread_cond_timedwait(&intake->calm, &intake->lock, &until);
        pthread_mutex_unlock(&intake->lock);
}
