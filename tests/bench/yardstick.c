/* The yardstick: a responder with nothing in it but libfcgi, as fast as that library can be.
 * 16 threads block in accept on one Unix socket with a long backlog and no lock around it. GET gets
 * the bytes of /api/cloud/health/live with two headers; PUT writes and hashes its body, makes it
 * durable and gives it a name.
 *
 *     yardstick SOCKET DIRECTORY        until SIGTERM */
#include <fcgiapp.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/base/scope.h"

#define THREADS 16
#define BACKLOG 1024
#define BUFFER  (256 * KiB)

static const char live_answer[] = "Content-Type: application/json\r\nContent-Length: 15\r\n\r\n"
                                  "{\"status\":\"ok\"}";
static const char failure[] = "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

struct worker {
        pthread_t thread;
        FCGX_Request request;
        const EVP_MD *algorithms[2];
        EVP_MD_CTX *digests[2]; /* MD5 for the ETag, SHA-256 */
        char *buffer;
        char temporary[64], name[64];
};

static void answer(struct worker *worker, const char *text, size_t len)
{
        FCGX_PutStr(text, (int)len, worker->request.out);
}

static bool write_all(int fd, const char *at, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, at, len);

                if (n < 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

static bool receive(struct worker *worker, int fd)
{
        int n;

        for (size_t i = 0; i < ARRAY_SIZE(worker->digests); i++) {
                if (EVP_DigestInit_ex2(worker->digests[i], worker->algorithms[i], NULL) != 1)
                        return false;
        }
        while ((n = FCGX_GetStr(worker->buffer, (int)BUFFER, worker->request.in)) > 0) {
                for (size_t i = 0; i < ARRAY_SIZE(worker->digests); i++) {
                        if (EVP_DigestUpdate(worker->digests[i], worker->buffer, (size_t)n) != 1)
                                return false;
                }
                if (!write_all(fd, worker->buffer, (size_t)n))
                        return false;
        }
        return FCGX_GetError(worker->request.in) == 0;
}

static void put(struct worker *worker)
{
        CLEANUP(close_fdp) int fd = open(worker->temporary, O_WRONLY | O_CREAT | O_TRUNC, 0640);
        unsigned char md5[EVP_MAX_MD_SIZE], sha256[EVP_MAX_MD_SIZE];
        char text[256], etag[2 * 16 + 1];
        int len;

        if (fd < 0 || !receive(worker, fd) ||
            EVP_DigestFinal_ex(worker->digests[0], md5, NULL) != 1 ||
            EVP_DigestFinal_ex(worker->digests[1], sha256, NULL) != 1 || fsync(fd) != 0 ||
            rename(worker->temporary, worker->name) != 0) {
                answer(worker, failure, sizeof(failure) - 1);
                return;
        }
        for (size_t i = 0; i < 16; i++)
                snprintf(etag + 2 * i, 3, "%02x", md5[i]);
        len = snprintf(text, sizeof(text), "ETag: \"%s\"\r\nContent-Length: 0\r\n\r\n", etag);
        answer(worker, text, (size_t)len);
}

static void *serve(void *arg)
{
        struct worker *worker = arg;

        while (FCGX_Accept_r(&worker->request) == 0) {
                const char *method = FCGX_GetParam("REQUEST_METHOD", worker->request.envp);

                if (method && strcmp(method, "PUT") == 0)
                        put(worker);
                else
                        answer(worker, live_answer, sizeof(live_answer) - 1);
                FCGX_Finish_r(&worker->request);
        }
        return NULL;
}

static bool start(struct worker *worker, unsigned number, int listen_fd)
{
        worker->algorithms[0] = EVP_MD_fetch(NULL, "MD5", NULL);
        worker->algorithms[1] = EVP_MD_fetch(NULL, "SHA256", NULL);
        worker->digests[0] = EVP_MD_CTX_new();
        worker->digests[1] = EVP_MD_CTX_new();
        worker->buffer = malloc(BUFFER);
        snprintf(worker->temporary, sizeof(worker->temporary), "upload.%u", number);
        snprintf(worker->name, sizeof(worker->name), "object.%u", number);
        return worker->algorithms[0] && worker->algorithms[1] && worker->digests[0] &&
               worker->digests[1] && worker->buffer &&
               FCGX_InitRequest(&worker->request, listen_fd, 0) == 0 &&
               pthread_create(&worker->thread, NULL, serve, worker) == 0;
}

int main(int argc, char **argv)
{
        static struct worker workers[THREADS];
        int listen_fd;

        if (argc != 3) {
                fprintf(stderr, "usage: yardstick SOCKET DIRECTORY\n");
                return EX_USAGE;
        }
        if (FCGX_Init() != 0 || chdir(argv[2]) != 0)
                return EX_OSERR;
        listen_fd = FCGX_OpenSocket(argv[1], BACKLOG);
        for (unsigned i = 0; i < THREADS; i++) {
                if (listen_fd < 0 || !start(&workers[i], i, listen_fd))
                        return EX_OSERR;
        }
        for (unsigned i = 0; i < THREADS; i++)
                pthread_join(workers[i].thread, NULL);
        return EX_OK;
}
