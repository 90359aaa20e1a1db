#include "core/cloud/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/json.h"
#include "core/cloud/cloud.h"
#include "core/cloud/private_file.h"

struct secrets {
        pthread_mutex_t lock;
        char *path, *lock_path;
        /* The file as last read. */
        json_t *values; /* NULL: there is no file */
        int held; /* open on it, so that no other file is given its number meanwhile; -1: none */
        struct timespec mtime;
        ino_t inode;
};

enum err secrets_new(struct ctx *ctx, struct secrets **ret)
{
        CLEANUP(secrets_freep) struct secrets *secrets = calloc(1, sizeof(*secrets));
        const char *home = ctx->config->home;

        if (!secrets)
                return ctx_nomem(ctx);
        secrets->held = -1;
        pthread_mutex_init(&secrets->lock, NULL);
        if (asprintf(&secrets->path, "%s/secrets.json", home) < 0 ||
            asprintf(&secrets->lock_path, "%s/.secrets.lock", home) < 0)
                return ctx_nomem(ctx);
        *ret = TAKE(secrets);
        return OK;
}

void secrets_free(struct secrets *secrets)
{
        if (!secrets)
                return;
        json_decref(secrets->values);
        close_fdp(&secrets->held);
        free(secrets->path);
        free(secrets->lock_path);
        pthread_mutex_destroy(&secrets->lock);
        free(secrets);
}

const char *secrets_path(const struct secrets *secrets)
{
        return secrets->path;
}

/* Is the file still the one that was read last? A time alone would not tell two files of one tick
 * of the file system's clock apart, nor would the number of a file that may be gone. */
static bool is_as_read(const struct secrets *secrets, const struct stat *st)
{
        return secrets->held >= 0 && st->st_ino == secrets->inode &&
               st->st_mtim.tv_sec == secrets->mtime.tv_sec &&
               st->st_mtim.tv_nsec == secrets->mtime.tv_nsec && !(st->st_mode & 077);
}

static void forget_file(struct secrets *secrets)
{
        json_decref(TAKE(secrets->values));
        close_fdp(&secrets->held);
}

/* Bring secrets->values up to the file. Called under lock. */
static enum err refresh(struct ctx *ctx, struct secrets *secrets)
{
        CLEANUP(json_decrefp) json_t *values = NULL;
        CLEANUP(close_fdp) int held = -1;
        struct stat st;
        size_t len = 0;
        char *text = NULL;
        enum err rc;

        if (stat(secrets->path, &st) == 0 && is_as_read(secrets, &st))
                return OK;
        held = open(secrets->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (held < 0 ? errno != ENOENT && errno != ENOTDIR : fstat(held, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", secrets->path);
        rc = held < 0 ? ERR_NOT_FOUND : private_file_read(ctx, secrets->path, &text, &len);
        if (rc == ERR_NOT_FOUND) {
                forget_file(secrets);
                return OK;
        }
        if (rc == OK)
                rc = json_parse_object(ctx, "secrets.json", text, len, &values);
        if (rc != OK)
                return ERR_UNAVAILABLE;
        forget_file(secrets);
        secrets->values = TAKE(values);
        secrets->held = TAKE_FD(held);
        secrets->mtime = st.st_mtim;
        secrets->inode = st.st_ino;
        return OK;
}

static enum err get_from_file(struct ctx *ctx, struct secrets *secrets, const char *name,
                              const char **ret)
{
        const char *value;
        enum err rc;

        rc = refresh(ctx, secrets);
        if (rc != OK)
                return rc;
        value = secrets->values ? json_string_at(secrets->values, name) : NULL;
        return ctx_strdup(ctx, value && *value ? value : NULL, ret);
}

enum err secrets_get(struct ctx *ctx, const char *name, struct secret *ret)
{
        struct secrets *secrets = ctx->cloud->secrets;
        const char *value = config_secret(ctx->config, name);
        enum err rc = OK;

        if (!value) {
                pthread_mutex_lock(&secrets->lock);
                rc = get_from_file(ctx, secrets, name, &value);
                pthread_mutex_unlock(&secrets->lock);
        }
        if (rc != OK)
                return rc;
        if (!value)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s not set", name);
        *ret = (struct secret){ .bytes = value, .len = strlen(value) };
        return OK;
}

/* Read, change one name, write; value NULL removes it. Called under lock. */
static enum err change_file(struct ctx *ctx, struct secrets *secrets, const char *name,
                            const char *value)
{
        CLEANUP(close_fdp) int lock = open(secrets->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CLEANUP(json_decrefp) json_t *values = NULL;
        const char *text;
        enum err rc;

        if (lock < 0 || flock(lock, LOCK_EX) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", secrets->lock_path);
        rc = refresh(ctx, secrets);
        if (rc != OK)
                return rc;
        values = secrets->values ? json_deep_copy(secrets->values) : json_object();
        if (!values)
                return ctx_nomem(ctx);
        if (!value)
                json_object_del(values, name);
        else if (json_object_set_new(values, name, json_string(value)) != 0)
                return ctx_nomem(ctx);
        rc = json_text(ctx, values, &text);
        if (rc != OK)
                return rc;
        return private_file_replace(ctx, secrets->path, text);
}

enum err secrets_put(struct ctx *ctx, const char *name, const char *value)
{
        struct secrets *secrets = ctx->cloud->secrets;
        enum err rc;

        pthread_mutex_lock(&secrets->lock);
        rc = change_file(ctx, secrets, name, value);
        pthread_mutex_unlock(&secrets->lock);
        return rc;
}

enum err secrets_delete(struct ctx *ctx, const char *name)
{
        return secrets_put(ctx, name, NULL);
}
