#include "core/cloud/job/named_config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"

#define NAME_LEN_MAX 128
#define FILE_MAX     ((off_t)MiB)
#define LIST_MAX     1000
#define SUFFIX       ".json"

/* Letters, digits, blanks and . _ - but no leading dot: a file name, and never a path. */
static bool is_name(const char *name, size_t len)
{
        static const char allowed[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._- ";

        return len > 0 && len <= NAME_LEN_MAX && name[0] != '.' && strspn(name, allowed) >= len;
}

/* ERR_NOT_FOUND: there is none. */
static enum err open_directory(struct ctx *ctx, int *ret_fd)
{
        const char *path = arena_printf(ctx->arena, "%s/config/jobs", ctx->config->home);

        if (!path)
                return ctx_nomem(ctx);
        *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*ret_fd >= 0)
                return OK;
        if (errno == ENOENT)
                return ERR_NOT_FOUND;
        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be opened: %m", path);
}

static enum err fail_missing(struct ctx *ctx, const char *name)
{
        return ctx_fail(ctx, ERR_INVALID,
                        "config_name_to_load: there is no configuration '%.64s' on this server; "
                        "GET /api/cloud/available-configs lists them",
                        name);
}

/* The regular file of that name in the directory itself; symbolic links are not followed. */
static enum err open_file(struct ctx *ctx, const char *name, int *ret_fd, size_t *ret_size)
{
        const char *file = arena_printf(ctx->arena, "%s" SUFFIX, name);
        CLEANUP(close_fdp) int directory = -1;
        CLEANUP(close_fdp) int fd = -1;
        struct stat st;
        enum err rc;

        if (!file)
                return ctx_nomem(ctx);
        rc = open_directory(ctx, &directory);
        if (rc != OK)
                return rc == ERR_NOT_FOUND ? fail_missing(ctx, name) : rc;
        fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ELOOP))
                return fail_missing(ctx, name);
        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "configuration %s cannot be read: %m", name);
        if (!S_ISREG(st.st_mode))
                return fail_missing(ctx, name);
        if (st.st_size > FILE_MAX)
                return ctx_fail(ctx, ERR_INVALID,
                                "config_name_to_load: the file of '%s' is larger than 1 MiB", name);
        *ret_size = (size_t)st.st_size;
        *ret_fd = TAKE_FD(fd);
        return OK;
}

static enum err read_file(struct ctx *ctx, const char *name, char **ret_text, size_t *ret_len)
{
        CLEANUP(close_fdp) int fd = -1;
        size_t size = 0, len = 0;
        char *text;
        enum err rc;

        rc = open_file(ctx, name, &fd, &size);
        if (rc != OK)
                return rc;
        text = arena_alloc(ctx->arena, size + 1);
        if (!text)
                return ctx_nomem(ctx);
        while (len < size) {
                ssize_t n = read(fd, text + len, size - len);

                if (n < 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "configuration %s: %m", name);
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        *ret_text = text;
        *ret_len = len;
        return OK;
}

enum err named_config_load(struct ctx *ctx, const char *name, struct named_config *ret)
{
        struct named_config found = { 0 };
        json_t *tree = NULL;
        size_t len = 0;
        char *text = NULL;
        enum err rc;

        if (!is_name(name, strlen(name)))
                return ctx_fail(ctx, ERR_INVALID,
                                "config_name_to_load must be 1 to %d letters, digits, blanks or . "
                                "_ - without a dot in front",
                                NAME_LEN_MAX);
        rc = read_file(ctx, name, &text, &len);
        if (rc == OK)
                rc = json_parse_object(ctx, "the file", text, len, &tree);
        if (rc == ERR_INVALID && !strstr(ctx->detail, "config_name_to_load"))
                return ctx_prefix(ctx, rc, "config_name_to_load");
        if (rc == OK)
                rc = json_keep(ctx, tree);
        if (rc != OK)
                return rc;
        found.config = tree;
        if (json_is_object(json_object_get(tree, "config"))) {
                found.config = json_object_get(tree, "config");
                found.dataloader_config = json_object_get(tree, "dataloader_config");
        }
        if (found.dataloader_config && !json_is_array(found.dataloader_config))
                return ctx_fail(ctx, ERR_INVALID,
                                "config_name_to_load: dataloader_config in the file of '%s' must "
                                "be an array",
                                name);
        *ret = found;
        return OK;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The name of a directory entry that named_config_load would open; NULL: it is none. */
static const char *entry_name(struct ctx *ctx, int directory, const char *file)
{
        size_t len = strlen(file), suffix_len = strlen(SUFFIX);
        struct stat st;

        if (len <= suffix_len || strcmp(file + len - suffix_len, SUFFIX) != 0 ||
            !is_name(file, len - suffix_len) ||
            fstatat(directory, file, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
                return NULL;
        return arena_strndup(ctx->arena, file, len - suffix_len);
}

static void close_dir(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

enum err named_config_list(struct ctx *ctx, const char *const **ret_names, size_t *ret_count)
{
        const char **names = arena_alloc(ctx->arena, LIST_MAX * sizeof(*names));
        CLEANUP(close_fdp) int fd = -1;
        CLEANUP(close_dir) DIR *dir = NULL;
        struct dirent *entry;
        size_t count = 0;
        enum err rc;

        if (!names)
                return ctx_nomem(ctx);
        rc = open_directory(ctx, &fd);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (rc == OK) {
                dir = fdopendir(fd);
                if (!dir)
                        return ctx_nomem(ctx);
                fd = -1; /* the directory stream's from here on */
        }
        while (dir && count < LIST_MAX && (entry = readdir(dir))) {
                const char *name = entry_name(ctx, dirfd(dir), entry->d_name);

                if (name)
                        names[count++] = name;
        }
        qsort(names, count, sizeof(*names), compare_names);
        *ret_names = names;
        *ret_count = count;
        return OK;
}
