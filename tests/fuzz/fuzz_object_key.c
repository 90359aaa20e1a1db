/* Keys of strangers: one that is let through names a file below its bucket and nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/cloud/storage/object_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A relative path of plain segments. */
static bool is_plain(const char *path)
{
        const char *dots[] = { "/../", "/./", "//" };
        char *framed = NULL;
        bool plain;

        if (strlen(path) > OBJECT_PATH_MAX || asprintf(&framed, "/%s/", path) < 0)
                abort();
        plain = utf8_is_valid(path) && strlen(framed) > 2;
        for (size_t i = 0; i < ARRAY_SIZE(dots); i++)
                plain = plain && !strstr(framed, dots[i]);
        for (const char *c = path; *c; c++)
                plain = plain && (unsigned char)*c >= ' ' && *c != 0x7f;
        free(framed);
        return plain;
}

/* The path tells the key: what stands for an empty segment stands for nothing else. */
static bool leads_back(const char *path, const char *key)
{
        const size_t none = strlen(OBJECT_NO_NAME);

        for (;; path++, key++) {
                size_t len = strcspn(path, "/");
                bool empty = len == none && strncmp(path, OBJECT_NO_NAME, none) == 0;

                if (!empty && strncmp(path, key, len) != 0)
                        return false;
                path += len;
                key += empty ? 0 : len;
                if (*path != *key)
                        return false;
                if (!*path)
                        return true;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .arena = arena };
        const char *key = arena ? arena_strndup(arena, (const char *)data, size) : NULL;
        const char *path, *leaf;

        if (!key)
                return 0;
        if (object_key_check(&ctx, key) != OK) {
                if (!ctx.detail[0])
                        abort();
                return 0;
        }
        if (strlen(key) > OBJECT_KEY_MAX || object_path(&ctx, key, &path) != OK)
                abort();
        leaf = object_leaf(path);
        if (!is_plain(path) || !leads_back(path, key) || !*leaf ||
            strlen(leaf) > OBJECT_SEGMENT_MAX || strchr(leaf, '/') || !*object_media_type(key))
                abort();
        return 0;
}
