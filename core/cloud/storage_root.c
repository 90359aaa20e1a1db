#include "core/cloud/storage_root.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/provider_settings.h"
#include "core/store/store_buckets.h"

/* The directory above a bucket's. */
static enum err root_of(struct ctx *ctx, const char *directory, const char **ret_root)
{
        const char *slash = strrchr(directory, '/');
        char *root = arena_strndup(ctx->arena, directory, (size_t)(slash - directory));

        if (!root)
                return ctx_nomem(ctx);
        *ret_root = root;
        return OK;
}

static enum err find_current(struct ctx *ctx, struct storage_roots *roots)
{
        struct provider_settings settings;
        const char *directory;
        enum err rc = provider_settings_load(ctx, ctx->config->default_provider, &settings);

        if (rc != OK)
                return rc;
        directory = provider_settings_bucket(ctx, &settings, "x");
        return directory ? root_of(ctx, directory, &roots->current) : ctx_nomem(ctx);
}

/* '0' comes after '/': past everything below this root. */
static enum err step_over(struct ctx *ctx, struct storage_roots *roots, const char *root)
{
        roots->after = arena_printf(ctx->arena, "%s0", root);
        roots->met = roots->met || strcmp(root, roots->current) == 0;
        return roots->after ? OK : ctx_nomem(ctx);
}

enum err storage_root_next(struct ctx *ctx, struct storage_roots *roots, const char **ret_root)
{
        const char *directory, *root = NULL;
        enum err rc = roots->current ? OK : find_current(ctx, roots);

        if (rc == OK)
                rc = store_bucket_directory_after(ctx, roots->after, &directory);
        if (rc == ERR_NOT_FOUND && !roots->met && !roots->done) {
                roots->done = true;
                *ret_root = roots->current;
                return OK;
        }
        if (rc == OK)
                rc = root_of(ctx, directory, &root);
        if (rc == OK)
                rc = step_over(ctx, roots, root);
        if (rc == OK)
                *ret_root = root;
        return rc;
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
