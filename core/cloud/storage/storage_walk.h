/* A walk over all files below a bucket's directory, never through a symbolic link. Memory is that
 * of the names of the directories on the way, however many files there are. */
#ifndef CORE_CLOUD_STORAGE_STORAGE_WALK_H
#define CORE_CLOUD_STORAGE_STORAGE_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/ctx.h"

/* Something that is no directory. */
struct storage_entry {
        const char *path, *name; /* below the bucket's directory, and its last segment */
        int dir;                 /* where it lies */
        const struct stat *st;   /* of itself, also when it is a link */
};

/* ctx->arena is given back after each call. What it returns, if not OK, ends the walk. */
typedef enum err storage_entry_fn(struct ctx *ctx, void *arg, const struct storage_entry *entry);

/* Is it a file that no process of ours is writing? An upload's file may have its name before its
 * row is there, and is locked meanwhile. */
bool storage_entry_is_idle(const struct storage_entry *entry);

struct storage_walk {
        const char *directory; /* absolute */
        bool prune;            /* remove directories that are empty */
        storage_entry_fn *fn;
        void *arg;
};

/* In no order. A directory that is not there has nothing in it. What fn returns; faults. */
NODISCARD enum err storage_walk(struct ctx *ctx, const struct storage_walk *walk);

#endif
