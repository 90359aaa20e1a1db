#include "core/base/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define LARGE       (64 * KiB) /* a piece that is worth a thread */
#define FILE_CHUNK  (256 * KiB)
#define STACK_BYTES (64 * KiB)

/* What the thread has to do. */
enum task { TASK_NONE, TASK_HASH, TASK_STOP };

struct digest {
        struct crypto_hash *md5, *sha256;
        bool threaded; /* the thread is there */
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        enum task task;
        const void *bytes;
        size_t len;
        bool ok;
};

struct digest *digest_new(void)
{
        CLEANUP(digest_freep) struct digest *digest = calloc(1, sizeof(*digest));

        if (!digest)
                return NULL;
        digest->ok = true;
        pthread_mutex_init(&digest->mutex, NULL);
        pthread_cond_init(&digest->changed, NULL);
        digest->md5 = crypto_hash_new(CRYPTO_MD5);
        digest->sha256 = crypto_hash_new(CRYPTO_SHA256);
        return digest->md5 && digest->sha256 ? TAKE(digest) : NULL;
}

/* Give the thread something to do; it has nothing. */
static void give(struct digest *digest, enum task task)
{
        pthread_mutex_lock(&digest->mutex);
        digest->task = task;
        pthread_cond_signal(&digest->changed);
        pthread_mutex_unlock(&digest->mutex);
}

static void wait_for_thread(struct digest *digest)
{
        pthread_mutex_lock(&digest->mutex);
        while (digest->task == TASK_HASH)
                pthread_cond_wait(&digest->changed, &digest->mutex);
        pthread_mutex_unlock(&digest->mutex);
}

void digest_free(struct digest *digest)
{
        if (!digest)
                return;
        if (digest->threaded) {
                wait_for_thread(digest);
                give(digest, TASK_STOP);
                pthread_join(digest->thread, NULL);
        }
        pthread_cond_destroy(&digest->changed);
        pthread_mutex_destroy(&digest->mutex);
        crypto_hash_free(digest->md5);
        crypto_hash_free(digest->sha256);
        free(digest);
}

static void *hash_pieces(void *arg)
{
        struct digest *digest = arg;

        pthread_mutex_lock(&digest->mutex);
        for (;;) {
                while (digest->task == TASK_NONE)
                        pthread_cond_wait(&digest->changed, &digest->mutex);
                if (digest->task == TASK_STOP)
                        break;
                pthread_mutex_unlock(&digest->mutex);
                digest->ok &= crypto_hash_add(digest->md5, digest->bytes, digest->len);
                pthread_mutex_lock(&digest->mutex);
                digest->task = TASK_NONE;
                pthread_cond_signal(&digest->changed);
        }
        pthread_mutex_unlock(&digest->mutex);
        return NULL;
}

/* Without one, everything is done here. */
static void start_thread(struct digest *digest)
{
        pthread_attr_t attributes;

        if (pthread_attr_init(&attributes) != 0)
                return;
        if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0)
                digest->threaded =
                        pthread_create(&digest->thread, &attributes, hash_pieces, digest) == 0;
        pthread_attr_destroy(&attributes);
}

bool digest_start(struct digest *digest, const void *bytes, size_t len)
{
        if (len >= LARGE && !digest->threaded)
                start_thread(digest);
        if (len < LARGE || !digest->threaded)
                return crypto_hash_add(digest->md5, bytes, len) &&
                       crypto_hash_add(digest->sha256, bytes, len);
        digest->bytes = bytes;
        digest->len = len;
        give(digest, TASK_HASH);
        return crypto_hash_add(digest->sha256, bytes, len);
}

bool digest_settle(struct digest *digest)
{
        if (digest->threaded)
                wait_for_thread(digest);
        return digest->ok;
}

bool digest_add(struct digest *digest, const void *bytes, size_t len)
{
        bool ok = digest_start(digest, bytes, len);

        return digest_settle(digest) && ok;
}

bool digest_add_file(struct digest *digest, int fd, int64_t *ret_size)
{
        char *buffer = malloc(FILE_CHUNK);
        int64_t size = 0;
        ssize_t n = -1;

        while (buffer && (n = read(fd, buffer, FILE_CHUNK)) > 0) {
                if (!digest_add(digest, buffer, (size_t)n)) {
                        errno = EIO;
                        n = -1;
                        break;
                }
                size += n;
        }
        free(buffer);
        if (n < 0)
                return false;
        *ret_size = size;
        return true;
}

bool digest_end(struct digest *digest, char ret_md5_hex[MD5_HEX_SIZE],
                char ret_sha256_hex[SHA256_HEX_SIZE])
{
        unsigned char md5[MD5_SIZE], sha256[SHA256_SIZE];

        if (!crypto_hash_end(digest->md5, md5) || !crypto_hash_end(digest->sha256, sha256))
                return false;
        crypto_hex(md5, sizeof(md5), ret_md5_hex);
        crypto_hex(sha256, sizeof(sha256), ret_sha256_hex);
        return true;
}
