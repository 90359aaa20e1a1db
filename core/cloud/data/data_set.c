#include "core/cloud/data/data_set.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/utf8.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (strcasecmp(word, list[i]) == 0)
                        return true;
        }
        return false;
}

bool data_directory_is_refused(const char *name)
{
        static const char *const refused[] = {
                ".git",    ".env",        ".ssh",         ".gnupg", ".aws", ".azure",
                ".config", "__pycache__", "node_modules", ".venv",  "venv",
        };

        return is_one_of(name, refused, ARRAY_SIZE(refused));
}

bool data_file_is_skipped(const char *name)
{
        static const char *const keys[] = { ".env", ".pem", ".key", ".crt", ".p12", ".pfx" };
        const char *dot = strrchr(name, '.');

        return name[0] == '.' || (dot && is_one_of(dot, keys, ARRAY_SIZE(keys)));
}

/* The next component of a resolved path, copied to name; returns what follows, NULL at the end. No
 * file system has components longer than NAME_MAX. */
static const char *next_component(const char *path, char name[NAME_MAX + 1])
{
        size_t len;

        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (len == 0 || len > NAME_MAX)
                return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        return path + len;
}

/* The part of path below root, "" for root itself, NULL when it is elsewhere. */
static const char *part_below(const char *path, const char *root)
{
        size_t len = strlen(root);

        while (len > 0 && root[len - 1] == '/')
                len--;
        if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
                return NULL;
        return path + len + strspn(path + len, "/");
}

/* path without links and dots, in the arena; NULL with errno when it does not exist. */
static const char *resolved(struct ctx *ctx, const char *path)
{
        char *real = realpath(path, NULL);
        const char *copy = real ? arena_strdup(ctx->arena, real) : NULL;

        if (real && !copy)
                errno = ENOMEM;
        free(real);
        return copy;
}

/* Does the path lie below a root by its letters alone? Then its owner may hear that it is not
 * there; about other places nothing is said. */
static bool seems_below(const char *path, const char *root)
{
        char name[NAME_MAX + 1];
        const char *below = part_below(path, root);

        if (!below)
                return false;
        while ((below = next_component(below, name))) {
                if (strcmp(name, "..") == 0)
                        return false;
        }
        return true;
}

/* Find the data root that a directory is below. */
static enum err find_root(struct ctx *ctx, struct data_set *set)
{
        const char *roots = ctx->config->data_roots ? ctx->config->data_roots : "";
        const char *real = resolved(ctx, set->directory);
        bool missing = false;

        for (size_t len; *roots; roots += len + (roots[len] == ':')) {
                const char *root, *given, *below;

                len = strcspn(roots, ":");
                given = arena_strndup(ctx->arena, roots, len);
                if (!given)
                        return ctx_nomem(ctx);
                root = *given == '/' ? resolved(ctx, given) : NULL;
                if (!root)
                        continue;
                below = real ? part_below(real, root) : NULL;
                if (below) {
                        set->root = root;
                        set->below = below;
                        return OK;
                }
                missing = missing || (!real && seems_below(set->directory, given));
        }
        if (missing)
                return ctx_fail(ctx, ERR_INVALID, "%s: %.200s does not exist or cannot be read",
                                set->field, set->directory);
        return ctx_fail(ctx, ERR_DENIED,
                        "%s: data sets may be sent from the directories in SIMPLETUNER_DATA_ROOTS "
                        "only, and %.200s is not below one of them",
                        set->field, set->directory);
}

static enum err check_components(struct ctx *ctx, const struct data_set *set)
{
        char name[NAME_MAX + 1];

        for (const char *rest = set->below; (rest = next_component(rest, name));) {
                if (data_directory_is_refused(name))
                        return ctx_fail(ctx, ERR_DENIED,
                                        "%s: a directory below \"%s\" is never sent to a provider",
                                        set->field, name);
        }
        return OK;
}

static enum err open_failed(struct ctx *ctx, const struct data_set *set)
{
        if (errno == ENOTDIR)
                return ctx_fail(ctx, ERR_INVALID, "%s: %.200s is not a directory", set->field,
                                set->directory);
        return ctx_fail(ctx, ERR_INVALID, "%s: %.200s cannot be opened: %m", set->field,
                        set->directory);
}

enum err data_set_open(struct ctx *ctx, const struct data_set *set, int *ret_fd)
{
        CLEANUP(close_fdp) int fd = open(set->root, DIRECTORY_FLAGS);
        char name[NAME_MAX + 1];

        if (fd < 0)
                return open_failed(ctx, set);
        for (const char *rest = set->below; (rest = next_component(rest, name));) {
                int next = openat(fd, name, DIRECTORY_FLAGS);

                if (next < 0)
                        return open_failed(ctx, set);
                close(fd);
                fd = next;
        }
        *ret_fd = TAKE_FD(fd);
        return OK;
}

static bool is_taken(const struct data_sets *before, const char *name)
{
        for (size_t i = 0; i < before->count; i++) {
                if (strcmp(before->sets[i].name, name) == 0)
                        return true;
        }
        return false;
}

/* Its last path component; where another directory has it already, with a number behind it. */
static enum err choose_name(struct ctx *ctx, const struct data_sets *before, struct data_set *set)
{
        const char *path = *set->below ? set->below : set->root;
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;

        if (!utf8_is_valid(base))
                return ctx_fail(ctx, ERR_INVALID, "%s: its name is not UTF-8", set->field);
        for (size_t i = 0; i < before->count; i++) {
                const struct data_set *other = &before->sets[i];

                if (strcmp(other->root, set->root) == 0 && strcmp(other->below, set->below) == 0) {
                        set->repeats = true;
                        set->name = other->name;
                        return OK;
                }
        }
        base = *base ? base : "data"; /* the root of all */
        set->name = base;
        for (unsigned number = 2; is_taken(before, set->name); number++) {
                set->name = arena_printf(ctx->arena, "%s-%u", base, number);
                if (!set->name)
                        return ctx_nomem(ctx);
        }
        return OK;
}

static enum err check_set(struct ctx *ctx, const struct data_sets *before, struct data_set *set)
{
        CLEANUP(close_fdp) int fd = -1;
        enum err rc;

        if (set->directory[0] != '/')
                return ctx_fail(ctx, ERR_INVALID, "%s must be an absolute path", set->field);
        rc = find_root(ctx, set);
        if (rc == OK)
                rc = check_components(ctx, set);
        if (rc == OK)
                rc = data_set_open(ctx, set, &fd);
        return rc == OK ? choose_name(ctx, before, set) : rc;
}

/* Does an entry name a directory of this machine? ERR_NOT_FOUND: it does not. */
static enum err read_entry(struct ctx *ctx, const json_t *entry, struct data_set *set)
{
        const json_t *type = json_object_get(entry, "type");
        const json_t *directory = json_object_get(entry, "instance_data_dir");

        if (!json_is_object(entry))
                return ctx_fail(ctx, ERR_INVALID, "dataloader_config[%zu] must be an object",
                                set->index);
        if (!directory || json_is_null(directory))
                return ERR_NOT_FOUND;
        if (type && !json_is_null(type) && !json_is_string(type))
                return ctx_fail(ctx, ERR_INVALID, "dataloader_config[%zu].type must be a string",
                                set->index);
        set->type = json_string_value(type);
        if (set->type && *set->type && strcmp(set->type, "local") != 0)
                return ERR_NOT_FOUND;
        set->field =
                arena_printf(ctx->arena, "dataloader_config[%zu].instance_data_dir", set->index);
        if (!set->field)
                return ctx_nomem(ctx);
        set->directory = json_string_value(directory);
        if (!set->directory)
                return ctx_fail(ctx, ERR_INVALID, "%s must be a string", set->field);
        set->id = json_string_at(entry, "id");
        return *set->directory ? OK : ERR_NOT_FOUND;
}

enum err data_sets_find(struct ctx *ctx, const json_t *dataloader_config, struct data_sets *ret)
{
        const size_t entries = json_array_size(dataloader_config);
        struct data_sets found = { 0 };

        if (entries > DATA_SETS_MAX)
                return ctx_fail(ctx, ERR_INVALID, "dataloader_config has more than %d entries",
                                DATA_SETS_MAX);
        found.sets = arena_alloc(ctx->arena, (entries + 1) * sizeof(*found.sets));
        if (!found.sets)
                return ctx_nomem(ctx);
        for (size_t i = 0; i < entries; i++) {
                struct data_set set = { .index = i, .root = "", .below = "" };
                enum err rc = read_entry(ctx, json_array_get(dataloader_config, i), &set);

                if (rc == ERR_NOT_FOUND)
                        continue;
                if (rc == OK)
                        rc = check_set(ctx, &found, &set);
                if (rc != OK)
                        return rc;
                found.sets[found.count++] = set;
        }
        *ret = found;
        return OK;
}

enum err data_sets_rename(struct ctx *ctx, const struct data_sets *sets,
                          const json_t *dataloader_config, const json_t **ret)
{
        json_t *renamed = json_deep_copy(dataloader_config);
        enum err rc;

        if (!renamed)
                return ctx_nomem(ctx);
        rc = json_keep(ctx, renamed);
        if (rc != OK)
                return rc;
        for (size_t i = 0; i < sets->count; i++) {
                json_t *entry = json_array_get(renamed, sets->sets[i].index);

                if (json_object_set_new(entry, "instance_data_dir",
                                        json_string(sets->sets[i].name)) != 0)
                        return ctx_nomem(ctx);
        }
        *ret = renamed;
        return OK;
}
