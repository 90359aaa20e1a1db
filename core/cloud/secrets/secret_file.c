#include "core/cloud/secrets/secret_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/file_mark.h"
#include "core/cloud/secrets/private_file.h"
#include "core/cloud/secrets/secret_source.h"
#include "core/cloud/secrets/secret_yaml.h"
#include "core/cloud/secrets/secrets.h"

#define PATHS_MAX 3

struct secret_store {
        pthread_mutex_t lock;
        char *paths[PATHS_MAX + 1], *lock_path;
        /* The file as last read. */
        const char *read_path;
        json_t *values; /* NULL: there is no file */
        struct file_mark mark;
};

static bool add_path(struct secret_store *store, size_t n, const char *home, const char *name)
{
        return asprintf(&store->paths[n], "%s%s%s", home, *home ? "/" : "", name) >= 0;
}

enum err secret_store_new(struct ctx *ctx, struct secret_store **ret)
{
        CLEANUP(secret_store_freep) struct secret_store *store = calloc(1, sizeof(*store));
        const char *home = ctx->config->home, *given = ctx->config->secrets.file;
        bool made;

        if (!store)
                return ctx_nomem(ctx);
        store->mark = FILE_MARK_NONE;
        pthread_mutex_init(&store->lock, NULL);
        made = given && *given ? add_path(store, 0, "", given)
                               : add_path(store, 0, home, "secrets.json") &&
                                         add_path(store, 1, home, "secrets.yaml") &&
                                         add_path(store, 2, home, "secrets.yml");
        if (!made || asprintf(&store->lock_path, "%s/.secrets.lock", home) < 0)
                return ctx_nomem(ctx);
        *ret = TAKE(store);
        return OK;
}

void secret_store_free(struct secret_store *store)
{
        if (!store)
                return;
        json_decref(store->values);
        file_mark_drop(&store->mark);
        for (size_t i = 0; i < PATHS_MAX; i++)
                free(store->paths[i]);
        free(store->lock_path);
        pthread_mutex_destroy(&store->lock);
        free(store);
}

const char *secret_store_path(const struct secret_store *store)
{
        for (size_t i = 0; store->paths[i]; i++) {
                if (faccessat(AT_FDCWD, store->paths[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        return store->paths[i];
        }
        return store->paths[0];
}

static bool is_yaml(const char *path)
{
        const char *dot = strrchr(path, '.');

        return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* ---- reading ---- */

/* One level only, as in YAML. */
static enum err check_flat(struct ctx *ctx, const char *path, json_t *values)
{
        const char *name;
        json_t *value;

        json_object_foreach (values, name, value) {
                if (json_is_object(value) || json_is_array(value))
                        return ctx_fail(ctx, ERR_INVALID,
                                        "%s: %.64s must be one text, not a map or a list", path,
                                        name);
        }
        return OK;
}

static enum err parse(struct ctx *ctx, const char *path, const char *text, size_t len, json_t **ret)
{
        CLEANUP(json_decrefp) json_t *values = NULL;
        enum err rc;

        if (is_yaml(path))
                return secret_yaml_parse(ctx, path, text, len, ret);
        rc = json_parse_object(ctx, "secrets.json", text, len, &values);
        if (rc == OK)
                rc = check_flat(ctx, path, values);
        if (rc == OK)
                *ret = TAKE(values);
        return rc;
}

static void forget(struct secret_store *store)
{
        json_decref(TAKE(store->values));
        file_mark_drop(&store->mark);
        store->read_path = NULL;
}

static enum err read_file(struct ctx *ctx, const char *path, json_t **ret)
{
        size_t len = 0;
        char *text = NULL;
        enum err rc = private_file_read(ctx, path, &text, &len);

        if (rc == OK)
                rc = parse(ctx, path, text, len, ret);
        if (text)
                secret_wipe(text, len);
        return rc == ERR_INVALID ? ERR_UNAVAILABLE : rc;
}

/* Bring store->values up to the file. Called under lock. */
static enum err refresh(struct ctx *ctx, struct secret_store *store)
{
        const char *path = secret_store_path(store);
        struct file_mark mark = FILE_MARK_NONE;
        json_t *values = NULL;
        enum err rc;

        if (path == store->read_path && file_mark_holds(&store->mark, path))
                return OK;
        rc = file_mark_take(ctx, path, &mark);
        if (rc == OK)
                rc = read_file(ctx, path, &values);
        if (rc != OK)
                file_mark_drop(&mark);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        forget(store);
        if (rc == ERR_NOT_FOUND)
                return OK;
        store->values = values;
        store->mark = mark;
        store->read_path = path;
        return OK;
}

enum err secret_store_get(struct ctx *ctx, struct secret_store *store, const char *name,
                          const char **ret)
{
        enum err rc;

        pthread_mutex_lock(&store->lock);
        rc = refresh(ctx, store);
        if (rc == OK)
                rc = secret_value(ctx, store->values, name, ret);
        pthread_mutex_unlock(&store->lock);
        return rc;
}

enum err secret_store_names(struct ctx *ctx, struct secret_store *store, json_t *ret)
{
        enum err rc;

        pthread_mutex_lock(&store->lock);
        rc = refresh(ctx, store);
        if (rc == OK && store->values && json_object_update(ret, store->values) != 0)
                rc = ctx_nomem(ctx);
        pthread_mutex_unlock(&store->lock);
        return rc;
}

/* ---- writing ---- */

static enum err write_file(struct ctx *ctx, const char *path, const json_t *values)
{
        const char *text;
        enum err rc = is_yaml(path) ? secret_yaml_print(ctx, values, &text)
                                    : json_text(ctx, values, &text);

        return rc == OK ? private_file_replace(ctx, path, text) : rc;
}

/* Called under both locks. */
static enum err change(struct ctx *ctx, struct secret_store *store, const char *name,
                       const char *value, bool *ret_was)
{
        CLEANUP(json_decrefp) json_t *values = NULL;
        enum err rc = refresh(ctx, store);

        if (rc != OK)
                return rc;
        values = store->values ? json_deep_copy(store->values) : json_object();
        if (!values)
                return ctx_nomem(ctx);
        if (ret_was)
                *ret_was = json_object_get(values, name) != NULL;
        if (!value && json_object_del(values, name) != 0)
                return OK;
        if (value && json_object_set_new(values, name, json_string(value)) != 0)
                return ctx_fail(ctx, ERR_INVALID, "%.64s must be UTF-8", name);
        return write_file(ctx, secret_store_path(store), values);
}

enum err secret_store_put(struct ctx *ctx, struct secret_store *store, const char *name,
                          const char *value, bool *ret_was)
{
        CLEANUP(close_fdp) int lock = -1;
        enum err rc;

        rc = private_file_lock(ctx, store->lock_path, &lock);
        if (rc != OK)
                return rc;
        pthread_mutex_lock(&store->lock);
        rc = change(ctx, store, name, value, ret_was);
        pthread_mutex_unlock(&store->lock);
        return rc;
}

/* ---- as a source ---- */

static bool always(struct ctx *ctx)
{
        (void)ctx;
        return true;
}

static enum err get(struct ctx *ctx, const char *name, const char **ret)
{
        return secret_store_get(ctx, secrets_store(ctx->cloud->secrets), name, ret);
}

static enum err names(struct ctx *ctx, json_t *ret)
{
        return secret_store_names(ctx, secrets_store(ctx->cloud->secrets), ret);
}

const struct secret_source secret_file = {
        .name = "file",
        .configured = always,
        .get = get,
        .names = names,
};
