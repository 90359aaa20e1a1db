#include "core/cloud/storage/storage_root.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/provider/provider_settings.h"
#include "core/cloud/storage/object_temp.h"
#include "core/store/store_buckets.h"

/* What is above a bucket's directory. NULL: out of memory. */
static const char *above(struct ctx *ctx, const char *directory)
{
        const char *slash = strrchr(directory, '/');

        return arena_strndup(ctx->arena, directory, (size_t)(slash - directory));
}

/* The same here, where files wait that an S3 store is to have. */
static const char *root_of(struct ctx *ctx, const char *directory)
{
        const char *here;

        return object_spool(ctx, directory, &here) == OK ? above(ctx, here) : NULL;
}

static enum err find_current(struct ctx *ctx, struct storage_roots *roots)
{
        struct provider_settings settings;
        const char *directory;
        enum err rc = provider_settings_load(ctx, ctx->config->default_provider, &settings);

        if (rc != OK)
                return rc;
        directory = provider_settings_bucket(ctx, &settings, "x");
        roots->current = directory ? root_of(ctx, directory) : NULL;
        return roots->current ? OK : ctx_nomem(ctx);
}

/* The root of a bucket, and on to past everything below it: '0' comes after '/'. */
static enum err step_over(struct ctx *ctx, struct storage_roots *roots, const char *directory,
                          const char **ret_root)
{
        const char *root = root_of(ctx, directory), *passed = above(ctx, directory);

        roots->after = passed ? arena_printf(ctx->arena, "%s0", passed) : NULL;
        if (!roots->after || !root)
                return ctx_nomem(ctx);
        roots->met = roots->met || (roots->current && strcmp(root, roots->current) == 0);
        *ret_root = root;
        return OK;
}

enum err storage_root_next(struct ctx *ctx, struct storage_roots *roots, const char **ret_root)
{
        const char *directory;
        enum err rc = roots->current ? OK : find_current(ctx, roots);

        if (rc != OK)
                return rc;
        rc = store_bucket_directory_after(ctx, roots->after, &directory);
        if (rc == OK)
                return step_over(ctx, roots, directory, ret_root);
        if (rc != ERR_NOT_FOUND || roots->met || roots->done)
                return rc;
        roots->done = true;
        *ret_root = roots->current;
        return OK;
}

enum err storage_root_free(struct ctx *ctx, const char *root, int64_t *ret_bytes)
{
        struct statvfs vfs;

        if (statvfs(root, &vfs) != 0)
                return ctx_fail(ctx, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "%s: %m",
                                root);
        *ret_bytes = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
        return OK;
}
