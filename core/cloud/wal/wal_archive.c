#include "core/cloud/wal/wal_archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/jsonw.h"
#include "core/cloud/backup/backup_lock.h"
#include "core/cloud/secrets/private_file.h"

#define DESCRIPTION     "generation.json"
#define DESCRIPTION_MAX (64 * KiB)
#define FORMAT_VERSION  1
#define SEGMENT_ENDING  ".wal.gz"

enum err wal_archive_dir(struct ctx *ctx, const char **ret)
{
        const char *backups = NULL, *dir;
        enum err rc = backup_dir(ctx, &backups);

        if (rc != OK)
                return rc;
        dir = arena_printf(ctx->arena, "%s/" WAL_DIRECTORY, backups);
        if (!dir)
                return ctx_nomem(ctx);
        *ret = dir;
        return OK;
}

const char *wal_archive_segment(struct ctx *ctx, const char *generation_path, unsigned number)
{
        return arena_printf(ctx->arena, "%s/%08u" SEGMENT_ENDING, generation_path, number);
}

int64_t wal_archive_alive_us(struct ctx *ctx)
{
        const char *dir = NULL, *path;
        struct stat st;

        if (wal_archive_dir(ctx, &dir) != OK)
                return 0;
        path = arena_printf(ctx->arena, "%s/" WAL_ALIVE_FILE, dir);
        if (!path || stat(path, &st) != 0)
                return 0;
        return st.st_mtim.tv_sec * US_PER_S + st.st_mtim.tv_nsec / 1000;
}

/* ---- descriptions ---- */

enum err wal_archive_describe(struct ctx *ctx, const char *path,
                              const struct wal_generation *generation)
{
        CLEANUP(buf_done) struct buf text;
        const char *file = arena_printf(ctx->arena, "%s/" DESCRIPTION, path);
        struct jsonw w;

        buf_init(&text, DESCRIPTION_MAX);
        if (!file)
                return ctx_nomem(ctx);
        w = jsonw_to(&text);
        jsonw_object(&w, NULL);
        jsonw_int(&w, "format", FORMAT_VERSION);
        jsonw_int(&w, "number", generation->number);
        jsonw_string(&w, "reason", generation->reason);
        jsonw_bool(&w, "follows", generation->follows);
        jsonw_string(&w, "base_sha256", generation->base_sha256);
        jsonw_int(&w, "base_bytes", generation->base_bytes);
        jsonw_int(&w, "first_us", generation->first_us);
        jsonw_time(&w, "first", generation->first_us);
        jsonw_int(&w, "previous_until_us", generation->previous_until_us);
        jsonw_object_end(&w);
        if (!buf_ok(&text))
                return ctx_nomem(ctx);
        return private_file_replace(ctx, file, buf_str(&text));
}

static int64_t number_at(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static enum err read_description(struct ctx *ctx, struct wal_generation *generation)
{
        const char *file = arena_printf(ctx->arena, "%s/" DESCRIPTION, generation->path);
        char *text = NULL;
        size_t len = 0;
        json_t *tree = NULL;
        enum err rc;

        if (!file)
                return ctx_nomem(ctx);
        rc = private_file_read(ctx, file, &text, &len);
        if (rc == OK)
                rc = json_parse_object(ctx, DESCRIPTION, text, len, &tree);
        if (rc == OK)
                rc = json_keep(ctx, tree);
        if (rc != OK)
                return rc;
        generation->number = number_at(tree, "number");
        generation->reason = json_string_at(tree, "reason");
        generation->follows = json_is_true(json_object_get(tree, "follows"));
        generation->base_sha256 = json_string_at(tree, "base_sha256");
        generation->base_bytes = number_at(tree, "base_bytes");
        generation->first_us = number_at(tree, "first_us");
        generation->previous_until_us = number_at(tree, "previous_until_us");
        if (number_at(tree, "format") != FORMAT_VERSION || generation->number < 1 ||
            !generation->reason || !generation->base_sha256 || generation->first_us < 1)
                return ctx_fail(ctx, ERR_CONFLICT, "%s is damaged", file);
        return OK;
}

/* ---- what is there ---- */

static void close_dir(DIR *dir)
{
        closedir(dir);
}
DEFINE_CLEANUP(DIR *, close_dir)

static bool is_segment(const char *name, unsigned *ret)
{
        char *end;
        unsigned long number = strtoul(name, &end, 10);

        if (strcmp(end, SEGMENT_ENDING) != 0 || end != name + 8 || number == 0)
                return false;
        *ret = (unsigned)number;
        return true;
}

static enum err count_files(struct ctx *ctx, struct wal_generation *generation)
{
        CLEANUP(close_dirp) DIR *dir = opendir(generation->path);
        struct dirent *entry;
        struct stat st;
        unsigned number;

        if (!dir)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read: %m", generation->path);
        generation->until_us = generation->first_us;
        while ((entry = readdir(dir))) {
                if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
                    !S_ISREG(st.st_mode))
                        continue;
                generation->bytes += st.st_size;
                if (!is_segment(entry->d_name, &number))
                        continue;
                if (number > generation->segments)
                        generation->segments = number;
        }
        return OK;
}

/* In the order of the numbers. */
static enum err add(struct ctx *ctx, const char *dir, const char *name,
                    struct wal_generation **list)
{
        struct wal_generation *generation = arena_alloc(ctx->arena, sizeof(*generation));
        enum err rc;

        if (!generation)
                return ctx_nomem(ctx);
        generation->id = arena_strdup(ctx->arena, name);
        generation->path = arena_printf(ctx->arena, "%s/%s", dir, name);
        if (!generation->id || !generation->path)
                return ctx_nomem(ctx);
        rc = read_description(ctx, generation);
        if (rc == OK)
                rc = count_files(ctx, generation);
        if (rc == ERR_NOMEM)
                return rc;
        if (rc != OK)
                return OK; /* it cannot be used */
        while (*list && (*list)->number < generation->number)
                list = &(*list)->next;
        generation->next = *list;
        *list = generation;
        return OK;
}

/* Each lasts until the one behind it was begun; the newest until the last look. */
static void set_ends(struct ctx *ctx, struct wal_generation *list)
{
        for (struct wal_generation *g = list; g; g = g->next) {
                int64_t until_us = g->next ? g->next->previous_until_us : wal_archive_alive_us(ctx);

                if (until_us > g->until_us)
                        g->until_us = until_us;
        }
}

enum err wal_archive_list(struct ctx *ctx, struct wal_generation **ret)
{
        CLEANUP(close_dirp) DIR *dir = NULL;
        struct wal_generation *list = NULL;
        const char *path = "";
        struct dirent *entry;
        enum err rc = wal_archive_dir(ctx, &path);

        if (rc != OK)
                return rc;
        dir = opendir(path);
        if (!dir && errno != ENOENT)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read: %m", path);
        while (rc == OK && dir && (entry = readdir(dir))) {
                if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
                        rc = add(ctx, path, entry->d_name, &list);
        }
        if (rc != OK)
                return rc;
        set_ends(ctx, list);
        *ret = list;
        return OK;
}

/* ---- removing ---- */

/* The description goes first: what is left of a generation that is half gone is none. */
static enum err remove_generation(struct ctx *ctx, const char *path)
{
        CLEANUP(close_dirp) DIR *dir = opendir(path);
        struct dirent *entry;

        if (!dir)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read: %m", path);
        unlinkat(dirfd(dir), DESCRIPTION, 0);
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] != '.')
                        unlinkat(dirfd(dir), entry->d_name, 0);
        }
        if (rmdir(path) != 0)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be removed: %m", path);
        return OK;
}

static enum err remove_unfinished(struct ctx *ctx)
{
        CLEANUP(close_dirp) DIR *dir = NULL;
        const char *path = "";
        struct dirent *entry;
        enum err rc = wal_archive_dir(ctx, &path);

        if (rc == OK)
                dir = opendir(path);
        while (rc == OK && dir && (entry = readdir(dir))) {
                const char *file =
                        arena_printf(ctx->arena, "%s/%s/" DESCRIPTION, path, entry->d_name);
                const char *one = arena_printf(ctx->arena, "%s/%s", path, entry->d_name);
                const bool is_new = strncmp(entry->d_name, ".new-", 5) == 0;
                const bool is_old = entry->d_name[0] >= '0' && entry->d_name[0] <= '9';

                if (!file || !one)
                        return ctx_nomem(ctx);
                if (is_new || (is_old && access(file, F_OK) != 0 && errno == ENOENT))
                        rc = remove_generation(ctx, one);
        }
        return rc;
}

enum err wal_archive_prune(struct ctx *ctx, int64_t oldest_us, unsigned *ret_removed)
{
        struct wal_generation *list = NULL;
        unsigned removed = 0;
        enum err rc = wal_archive_list(ctx, &list);

        if (rc == OK)
                rc = remove_unfinished(ctx);
        for (; rc == OK && list && list->next && list->until_us < oldest_us; list = list->next) {
                rc = remove_generation(ctx, list->path);
                removed += rc == OK;
        }
        *ret_removed = removed;
        return rc;
}
