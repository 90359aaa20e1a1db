/* The temporary file of an upload: beside the buckets, so that a rename publishes it, locked by the
 * process that writes it, so that others can tell a living upload from a dead one. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_TEMP_H
#define CORE_CLOUD_STORAGE_OBJECT_TEMP_H

#include <stdint.h>

#include "core/base/crypto.h"

struct stat;

struct object_temp {
        int dir; /* {root}/.incoming */
        int fd;
        char id[ULID_SIZE]; /* its name there, and in the uploads table */
        bool placed;        /* it has its final name */
};

/* The directory that stands for that of a bucket in an S3 store while files wait to be sent there;
 * any other is returned as it is. In the arena. ERR_NOMEM. */
NODISCARD enum err object_spool(struct ctx *ctx, const char *bucket_directory, const char **ret);

#define OBJECT_TEMP_NONE ((struct object_temp){ .dir = -1, .fd = -1 })

/* Make one for a bucket at bucket_directory; its root is the directory above. expected: bytes to
 * come or -1. ERR_NO_SPACE: they would leave less than the configured floor. ERR_UNAVAILABLE. */
NODISCARD enum err object_temp_open(struct ctx *ctx, const char *bucket_directory, int64_t expected,
                                    struct object_temp *ret);
/* The file of an upload that outlives its process: in the bucket's own directory, under a name made
 * of the key, with whatever it had. The file offset is at its beginning. ERR_CONFLICT: another
 * process has it. ERR_UNAVAILABLE. */
NODISCARD enum err object_temp_resume(struct ctx *ctx, const char *bucket_directory,
                                      const char *key, struct object_temp *ret);
/* Remove all such files of a bucket. */
NODISCARD enum err object_temp_drop_parts(struct ctx *ctx, const char *bucket_directory);

/* Unlinks what was not placed, unless keep leaves it to the sweep. */
void object_temp_close(struct object_temp *temp, bool keep);

/* ERR_NO_SPACE when more bytes would leave less than the floor. */
NODISCARD enum err object_temp_check_floor(struct ctx *ctx, const struct object_temp *temp,
                                           int64_t more);

/* Give it its name, replacing what is there. ERR_CONFLICT: a directory is. ERR_NOT_FOUND: dir was
 * removed. */
NODISCARD enum err object_temp_place(struct ctx *ctx, struct object_temp *temp, int dir,
                                     const char *leaf);

/* The same where nothing has the name yet. ERR_CONFLICT: something has. */
NODISCARD enum err object_temp_place_new(struct ctx *ctx, struct object_temp *temp, int dir,
                                         const char *leaf);

/* When the file last changed, as its row remembers it. */
int64_t object_mtime_ns(const struct stat *st);

/* errno of a failed write as a result. */
NODISCARD enum err object_temp_error(struct ctx *ctx, const char *what);

/* Remove files of dead processes below root, and their rows in uploads. found, if not NULL, is
 * called for each with its path and size; dry_run: it is not removed. */
struct object_temp_sweep {
        const char *root;
        bool dry_run;
        void (*found)(void *arg, const char *path, int64_t bytes);
        void *arg;
};
NODISCARD enum err object_temp_sweep(struct ctx *ctx, const struct object_temp_sweep *sweep,
                                     unsigned *ret_swept);

#endif
