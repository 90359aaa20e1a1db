#include "core/cloud/storage_root.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/object_temp.h"
#include "core/cloud/provider_settings.h"
#include "core/store/store_buckets.h"

/* The directory above a bucket's, and of a bucket in an S3 store the one above its spool. NULL: out
 * of memory. */
static const char *root_of(struct ctx *ctx, const char *directory)
{
        if (object_spool(ctx, directory, &directory) != OK)
                return NULL;
        return arena_strndup(ctx->arena, directory, (size_t)(strrchr(directory, '/') - directory));
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
        const char *root = root_of(ctx, directory);
        int len = (int)(strrchr(directory, '/') - directory);

        roots->after = root ? arena_printf(ctx->arena, "%.*s0", len, directory) : NULL;
        if (!roots->after)
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
