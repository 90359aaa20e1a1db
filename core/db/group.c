#include "core/db/group.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 64 /* transactions that may share one commit */

struct member {
        struct member *next;
        enum err rc;
        bool decided;
};

struct group {
        pthread_mutex_t lock;
        pthread_cond_t turn;    /* the connection is free */
        pthread_cond_t done[2]; /* a batch was decided; batches alternate between the two */
        bool taken;             /* a thread owns the connection */
        unsigned waiting;       /* threads that want it */

        /* The open database transaction. Touched by the owner of the connection, under lock. */
        bool open;
        unsigned batch;        /* its number */
        unsigned member_count; /* finished members that wait for its commit */
        struct member *members;
        struct link link;
};

struct group *group_new(const struct db_driver *driver, const struct db_target *target)
{
        struct group *group = calloc(1, sizeof(*group));

        if (!group)
                return NULL;
        pthread_mutex_init(&group->lock, NULL);
        pthread_cond_init(&group->turn, NULL);
        pthread_cond_init(&group->done[0], NULL);
        pthread_cond_init(&group->done[1], NULL);
        group->link = (struct link){ .driver = driver, .target = *target };
        group->link.target.mode = DB_READ_WRITE;
        return group;
}

void group_free(struct group *group)
{
        if (!group)
                return;
        link_close(&group->link);
        pthread_cond_destroy(&group->done[0]);
        pthread_cond_destroy(&group->done[1]);
        pthread_cond_destroy(&group->turn);
        pthread_mutex_destroy(&group->lock);
        free(group);
}

struct link *group_link(struct group *group)
{
        return &group->link;
}

static void take_turn(struct group *group)
{
        pthread_mutex_lock(&group->lock);
        group->waiting++;
        while (group->taken)
                pthread_cond_wait(&group->turn, &group->lock);
        group->waiting--;
        group->taken = true;
        pthread_mutex_unlock(&group->lock);
}

/* Tell every member of the open batch how it ended, and start the next. Called under lock. */
static void decide(struct group *group, enum err rc)
{
        for (struct member *m = group->members; m; m = m->next) {
                m->rc = rc;
                m->decided = true;
        }
        pthread_cond_broadcast(&group->done[group->batch % 2]);
        group->members = NULL;
        group->member_count = 0;
        group->open = false;
        group->batch++;
}

/* End the database transaction for all its members. The caller owns the connection. */
static enum err finish_batch(struct ctx *ctx, struct group *group)
{
        enum err rc = OK;

        if (group->member_count > 0)
                rc = link_exec(ctx, &group->link, "COMMIT");
        if (rc != OK || group->member_count == 0) {
                enum err end = link_exec(ctx, &group->link, "ROLLBACK");

                (void)end; /* SQLite may have rolled back by itself; both ways it is over */
        }
        return rc == OK ? OK : ERR_UNAVAILABLE;
}

/* Give the connection up: to the next in line, or after deciding the batch when there is none. */
static void leave(struct ctx *ctx, struct group *group)
{
        bool last;

        pthread_mutex_lock(&group->lock);
        last = group->waiting == 0 || group->member_count >= MEMBERS_MAX;
        pthread_mutex_unlock(&group->lock);

        if (last && group->open) {
                enum err rc = finish_batch(ctx, group);

                pthread_mutex_lock(&group->lock);
                decide(group, rc);
        } else {
                pthread_mutex_lock(&group->lock);
        }
        group->taken = false;
        pthread_cond_signal(&group->turn);
        pthread_mutex_unlock(&group->lock);
}

/* The connection failed under the batch: nothing of it was written. */
static void abandon(struct ctx *ctx, struct group *group)
{
        enum err rc = link_exec(ctx, &group->link, "ROLLBACK");

        (void)rc; /* over either way */
        pthread_mutex_lock(&group->lock);
        decide(group, ERR_UNAVAILABLE);
        group->taken = false;
        pthread_cond_signal(&group->turn);
        pthread_mutex_unlock(&group->lock);
}

enum err group_begin(struct ctx *ctx, struct group *group)
{
        enum err rc = OK;

        take_turn(group);
        if (!group->open) {
                rc = link_ready(ctx, &group->link);
                if (rc == OK)
                        rc = link_exec(ctx, &group->link, group->link.driver->begin);
                group->open = rc == OK;
        }
        if (rc == OK)
                rc = link_exec(ctx, &group->link, "SAVEPOINT member");
        if (rc != OK)
                leave(ctx, group);
        return rc;
}

enum err group_commit(struct ctx *ctx, struct group *group)
{
        struct member self = { .rc = OK };
        pthread_cond_t *done;
        enum err rc;

        rc = link_exec(ctx, &group->link, "RELEASE member");
        if (rc != OK) {
                abandon(ctx, group);
                return ERR_UNAVAILABLE;
        }
        pthread_mutex_lock(&group->lock);
        self.next = group->members;
        group->members = &self;
        group->member_count++;
        done = &group->done[group->batch % 2];
        pthread_mutex_unlock(&group->lock);

        leave(ctx, group);

        pthread_mutex_lock(&group->lock);
        while (!self.decided)
                pthread_cond_wait(done, &group->lock);
        pthread_mutex_unlock(&group->lock);
        if (self.rc != OK)
                return ctx_fail(ctx, self.rc, "database: the shared commit failed");
        return OK;
}

void group_rollback(struct ctx *ctx, struct group *group)
{
        char detail[CTX_DETAIL_SIZE];
        enum err rc;

        /* The detail of what made the caller roll back is worth more than ours. */
        memcpy(detail, ctx->detail, sizeof(detail));
        rc = link_exec(ctx, &group->link, "ROLLBACK TO member; RELEASE member");
        if (rc != OK)
                abandon(ctx, group);
        else
                leave(ctx, group);
        memcpy(ctx->detail, detail, sizeof(detail));
}
