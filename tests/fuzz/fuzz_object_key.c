/* Keys of strangers: one that is let through names a file below its bucket and nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/cloud/object_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_plain(const char *key)
{
        const char *dots[] = { "/../", "/./", "//" };
        char *framed = NULL;
        bool plain;

        if (strlen(key) > OBJECT_KEY_MAX || asprintf(&framed, "/%s/", key) < 0)
                abort();
        plain = utf8_is_valid(key) && strlen(framed) > 2;
        for (size_t i = 0; i < ARRAY_SIZE(dots); i++)
                plain = plain && !strstr(framed, dots[i]);
        for (const char *c = key; *c; c++)
                plain = plain && (unsigned char)*c >= ' ' && *c != 0x7f;
        free(framed);
        return plain;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .arena = arena };
        const char *key = arena ? arena_strndup(arena, (const char *)data, size) : NULL, *leaf;

        if (!key)
                return 0;
        if (object_key_check(&ctx, key) != OK) {
                if (!ctx.detail[0])
                        abort();
                return 0;
        }
        leaf = object_leaf(key);
        if (!is_plain(key) || !*leaf || strlen(leaf) > OBJECT_SEGMENT_MAX || strchr(leaf, '/') ||
            strcmp(leaf, key + strlen(key) - strlen(leaf)) != 0 || !*object_media_type(key))
                abort();
        return 0;
}
