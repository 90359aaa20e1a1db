/* Credentials that systemd gives a service: a file for each in $CREDENTIALS_DIRECTORY, which only
 * that service may read; see systemd.exec(5), LoadCredential=. systemd sees to who may read them,
 * by access lists that look like a group's right. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/secrets/secret_source.h"

#define CREDENTIAL_MAX (64 * KiB)

static bool configured(struct ctx *ctx)
{
        return *ctx->config->secrets.credentials != '\0';
}

/* A name that is one of a file. */
static bool is_file_name(const char *name)
{
        return *name && *name != '.' && !strchr(name, '/');
}

static enum err read_all(struct ctx *ctx, const char *path, int fd, const char **ret)
{
        char *text = arena_alloc(ctx->arena, CREDENTIAL_MAX + 2);
        size_t len = 0;
        ssize_t got = 1;

        if (!text)
                return ctx_nomem(ctx);
        while (got > 0 && len <= CREDENTIAL_MAX) {
                got = read(fd, text + len, CREDENTIAL_MAX + 1 - len);
                if (got < 0 && errno != EINTR)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
                len += got > 0 ? (size_t)got : 0;
        }
        if (len > CREDENTIAL_MAX || memchr(text, '\0', len))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s is no text of at most %zu KiB", path,
                                CREDENTIAL_MAX / KiB);
        while (len > 0 && strchr("\r\n", text[len - 1]))
                len--;
        text[len] = '\0';
        *ret = text;
        return len > 0 ? OK : ERR_NOT_FOUND;
}

static enum err get(struct ctx *ctx, const char *name, const char **ret)
{
        const char *path =
                arena_printf(ctx->arena, "%s/%s", ctx->config->secrets.credentials, name);
        CLEANUP(close_fdp) int fd = -1;

        if (!path)
                return ctx_nomem(ctx);
        if (!is_file_name(name))
                return ERR_NOT_FOUND;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 && (errno == ENOENT || errno == ENAMETOOLONG))
                return ERR_NOT_FOUND;
        if (fd < 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        return read_all(ctx, path, fd, ret);
}

static void close_directory(DIR *dir)
{
        closedir(dir);
}
DEFINE_CLEANUP(DIR *, close_directory)

static enum err names(struct ctx *ctx, json_t *ret)
{
        const char *path = ctx->config->secrets.credentials;
        CLEANUP(close_directoryp) DIR *dir = opendir(path);
        const struct dirent *entry;

        if (!dir)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", path);
        while ((entry = readdir(dir))) {
                if (is_file_name(entry->d_name) &&
                    json_object_set_new(ret, entry->d_name, json_true()) != 0)
                        return ctx_nomem(ctx);
        }
        return OK;
}

const struct secret_source secret_systemd = {
        .name = "systemd",
        .configured = configured,
        .get = get,
        .names = names,
};
