#include "core/base/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 96

/* While a process has the segment open it holds the file's lock shared; whoever makes it, or takes
 * it away, holds the lock alone. */
struct shared_memory {
        int fd;
        size_t size;
        void *bytes;
        char name[NAME_SIZE];
};

/* FNV-1a, 64 bits, is enough to tell homes apart. */
static uint64_t hash_of(const char *text)
{
        uint64_t hash = UINT64_C(14695981039346656037);

        for (; *text; text++)
                hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
        return hash;
}

static int open_file(const char *name)
{
        struct stat made;
        int fd = shm_open(name, O_RDWR | O_CREAT, 0600);

        if (fd < 0)
                return -1;
        if (fstat(fd, &made) == 0 && made.st_uid == geteuid())
                return fd;
        close(fd);
        errno = EACCES; /* somebody else was there first, and could write what we trust */
        return -1;
}

/* Is it still the file of that name? Its last user may have taken it away before we had the lock.
 */
static bool is_current(int fd, const char *name)
{
        CLEANUP(close_fdp) int now = shm_open(name, O_RDWR, 0600);
        struct stat ours, theirs;

        return now >= 0 && fstat(fd, &ours) == 0 && fstat(now, &theirs) == 0 &&
               ours.st_ino == theirs.st_ino;
}

/* Alone if nobody has the file; else beside those who do, once it is no longer being made. */
static bool lock_file(int fd, bool *ret_alone)
{
        do {
                *ret_alone = flock(fd, LOCK_EX | LOCK_NB) == 0;
                if (*ret_alone || (errno == EWOULDBLOCK && flock(fd, LOCK_SH) == 0))
                        return true;
        } while (errno == EINTR || errno == EWOULDBLOCK);
        return false;
}

/* Wait for a lock on the file of that name. -1: errno says why. */
static int open_locked(const char *name, bool *ret_alone)
{
        for (;;) {
                CLEANUP(close_fdp) int fd = open_file(name);

                if (fd < 0 || !lock_file(fd, ret_alone))
                        return -1;
                if (is_current(fd, name))
                        return TAKE_FD(fd);
        }
}

static bool is_whole(int fd, const struct shared_layout *layout)
{
        struct stat st;

        return fstat(fd, &st) == 0 && (size_t)st.st_size == layout->size + 1;
}

/* Open and locked, and whole unless it is ours alone. What somebody left half made is for the one
 * who gets it alone. */
static int open_shared(const char *name, const struct shared_layout *layout)
{
        bool alone;
        int fd;

        while ((fd = open_locked(name, &alone)) >= 0) {
                if (alone || is_whole(fd, layout))
                        return fd;
                close(fd);
                sched_yield();
        }
        return -1;
}

/* Under the lock, alone where it is not whole. The file is a byte longer than what it holds once
 * that is whole: what has another size was left by a maker who died half way, and nobody uses it.
 */
static bool map(struct shared_memory *shared, const struct shared_layout *layout)
{
        const bool fresh = !is_whole(shared->fd, layout);
        int failed;

        if (fresh && ftruncate(shared->fd, 0) != 0)
                return false;
        failed = fresh ? posix_fallocate(shared->fd, 0, (off_t)layout->size) : 0;
        if (failed) {
                shm_unlink(shared->name);
                errno = failed;
                return false;
        }
        shared->bytes = mmap(NULL, layout->size, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd, 0);
        if (shared->bytes == MAP_FAILED)
                return false;
        shared->size = layout->size;
        if (!fresh)
                return true;
        layout->init(shared->bytes, layout->size);
        return ftruncate(shared->fd, (off_t)layout->size + 1) == 0; /* it is whole */
}

static struct shared_memory *attach(const struct shared_layout *layout)
{
        CLEANUP(shared_memory_closep) struct shared_memory *shared = calloc(1, sizeof(*shared));

        if (!shared)
                return NULL;
        shared->fd = -1;
        shared->bytes = MAP_FAILED;
        snprintf(shared->name, sizeof(shared->name), "/simpletuner-%s-%u-%u-%016jx", layout->kind,
                 layout->version, (unsigned)geteuid(), (uintmax_t)hash_of(layout->owner));
        shared->fd = open_shared(shared->name, layout);
        if (shared->fd < 0 || !map(shared, layout) || flock(shared->fd, LOCK_SH) != 0)
                return NULL;
        return TAKE(shared);
}

/* One lock gives way to the other in two steps; between them the last other user may have taken the
 * segment away. */
bool shared_memory_open(const struct shared_layout *layout, struct shared_memory **ret)
{
        for (;;) {
                CLEANUP(shared_memory_closep) struct shared_memory *shared = attach(layout);

                if (!shared)
                        return false;
                if (is_current(shared->fd, shared->name)) {
                        *ret = TAKE(shared);
                        return true;
                }
        }
}

void shared_memory_close(struct shared_memory *shared)
{
        int saved_errno = errno;

        if (!shared)
                return;
        if (shared->bytes != MAP_FAILED)
                munmap(shared->bytes, shared->size);
        if (shared->fd >= 0) {
                if (flock(shared->fd, LOCK_EX | LOCK_NB) == 0 &&
                    is_current(shared->fd, shared->name))
                        shm_unlink(shared->name);
                close(shared->fd);
        }
        free(shared);
        errno = saved_errno;
}

void *shared_memory_bytes(const struct shared_memory *shared)
{
        return shared->bytes;
}

void shared_mutex_init(pthread_mutex_t *mutex)
{
        pthread_mutexattr_t attributes;

        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(mutex, &attributes);
        pthread_mutexattr_destroy(&attributes);
}

bool shared_mutex_lock(pthread_mutex_t *mutex)
{
        if (pthread_mutex_lock(mutex) != EOWNERDEAD)
                return false;
        pthread_mutex_consistent(mutex);
        return true;
}

void shared_mutex_unlock(pthread_mutex_t *mutex)
{
        pthread_mutex_unlock(mutex);
}
